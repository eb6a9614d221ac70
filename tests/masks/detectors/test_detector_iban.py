"""Bank account numbers."""

import pytest


@pytest.mark.parametrize(
    ("text", "iban"),
    [
        ("GB29NWBK60161331926819", "GB29NWBK60161331926819"),
        ("IBAN GB29 NWBK 6016 1331 9268 19 thanks", "GB29 NWBK 6016 1331 9268 19"),
        ("to DE89 3704 0044 0532 0130 00, BIC", "DE89 3704 0044 0532 0130 00"),
        ("NO93 8601 1117 947 AND MORE", "NO93 8601 1117 947"),
        ("iban: gb29 nwbk 6016 1331 9268 19", "gb29 nwbk 6016 1331 9268 19"),
        ("FR14-2004-1010-0505-0001-3M02-606", "FR14-2004-1010-0505-0001-3M02-606"),
    ],
)
def test_an_iban_is_found_with_nothing_after_it(named, text, iban):
    assert named("IBAN_CODE", text) == [iban]


@pytest.mark.parametrize(
    "text",
    [
        "GB29NWBK60161331926818",
        "XX29NWBK60161331926819",
        "GB29NWBK6016133192681",
        "AGB29NWBK60161331926819",
        "GB29NWBK60161331926819X",
    ],
)
def test_what_is_too_long_too_short_or_wrong_is_not(named, text):
    assert named("IBAN_CODE", text) == []
