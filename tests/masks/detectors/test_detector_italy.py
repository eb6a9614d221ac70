"""Italian numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("IT_FISCAL_CODE", "codice fiscale RCCMNL83S18D969H", "RCCMNL83S18D969H"),
        ("IT_VAT_CODE", "partita IVA 00743110157", "00743110157"),
        ("IT_DRIVER_LICENSE", "patente AA0123456B", "AA0123456B"),
        ("IT_DRIVER_LICENSE", "license U1K711J11M here", "U1K711J11M"),
        ("IT_IDENTITY_CARD", "carta d'identità CA00000AA", "CA00000AA"),
        ("IT_PASSPORT", "passaporto YA1234567", "YA1234567"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("IT_FISCAL_CODE", "RCCMNL83S18D969I"),
        ("IT_VAT_CODE", "IVA 00743110158"),
        ("IT_DRIVER_LICENSE", "part AA0123456B in stock"),
        ("IT_DRIVER_LICENSE", "number U1H00A000B in stock"),
        ("IT_IDENTITY_CARD", "part CA00000AA in stock"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
