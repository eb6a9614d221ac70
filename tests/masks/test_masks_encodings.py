"""Every value in every encoding it may hide in. What is known to get through is named here."""

import pytest

from addons.masks.detection import detect
from addons.masks.spans import united
from scripts.measuring.masking_encodings import ENCODINGS, VALUES

KNOWN_MISSES = {("base64url", "ssn")}  # fifteen letters without padding: any name in code is as long


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_values_are_found_in_an_encoding(encoding):
    missed = {name for name, value in VALUES.items() if not covered(ENCODINGS[encoding], value)}

    assert missed == {name for where, name in KNOWN_MISSES if where == encoding}


def covered(encode, value):
    """Whether hardly a letter of the encoded value is left; what the encoding itself adds may stay."""
    text = encode(value)
    spans = united(detect(text, "", b"k" * 32))
    hidden = sum(end - start for start, end in ((span.start, span.end) for span in spans))
    return bool(spans) and hidden >= len(text) - len(encode("")) - 4 - 160 * (len(encode("")) > 60)
