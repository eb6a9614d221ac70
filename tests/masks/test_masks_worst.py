"""Inputs made to be slow: a megabyte each is searched to the end. How long it takes is measured elsewhere; the test run's own limit is the only clock."""

import base64
import random

import pytest

MEGABYTE = 1 << 20
_RANDOM = random.Random(7)
WORST = {
    "words of a letter": "a ",
    "digits": "1",
    "digits apart": "1 ",
    "capitals and digits": "A1 ",
    "equals": "=",
    "ats": "@",
    "names and ats": "a@",
    "brackets": "[",
    "braces": "{",
    "quotes": '"',
    "backslashes": "\\",
    "escapes": "\\u0061",
    "percent": "%41",
    "colons": "a:",
    "hexadecimal": "deadbeef00",
    "dots": "1.",
    "keys": "password=",
    "begins of keys": "sk-",
    "begins of tokens": "eyJ",
    "begins of placeholders": "[US_SSN:",
    "begins of private keys": "-----BEGIN ",
    "addresses": "1.2.3.4 ",
    "blobs": base64.b64encode(_RANDOM.randbytes(3 << 10)).decode(),
    "marks": "<a>",
    "references": "&#52;",
    "format characters": "\u200b",
    "wide digits": "４",
}


@pytest.mark.long
@pytest.mark.parametrize("name", WORST)
def test_a_megabyte_is_searched_to_the_end(scope, name):
    piece = WORST[name]
    assert not scope().text(piece * (MEGABYTE // len(piece))).withheld
