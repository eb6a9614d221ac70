"""British numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("UK_NHS", "patient 401-023-2137", "401-023-2137"),
        ("UK_NHS", "NHS number 0032698674", "0032698674"),
        ("UK_NINO", "AA123456B", "AA123456B"),
        ("UK_NINO", "NI number is AB 12 34 56 C", "AB 12 34 56 C"),
        ("UK_PASSPORT", "My passport number is CD7654321 and", "CD7654321"),
        ("UK_DRIVING_LICENCE", "MORGA657054SM9IJ", "MORGA657054SM9IJ"),
        ("UK_VEHICLE_REGISTRATION", "vehicle registration AB12 CDE", "AB12 CDE"),
        ("UK_POSTCODE", "postcode SW1A 1AA", "SW1A 1AA"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("UK_NHS", "patient 401-023-2138"),
        ("UK_NINO", "GB123456B"),
        ("UK_NINO", "AA123456E"),
        ("UK_PASSPORT", "part CD7654321 in stock"),
        ("UK_DRIVING_LICENCE", "MORGA699054SM9IJ"),
        ("UK_VEHICLE_REGISTRATION", "gate AB12 CDE"),
        ("UK_POSTCODE", "model SW1A 1AA"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
