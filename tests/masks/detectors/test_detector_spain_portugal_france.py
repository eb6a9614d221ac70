"""Spanish, Portuguese and French numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("ES_NIF", "DNI 12345678Z", "12345678Z"),
        ("ES_NIF", "12345678-Z", "12345678-Z"),
        ("ES_NIE", "NIE X1234567L", "X1234567L"),
        ("ES_PASSPORT", "Mi pasaporte es AAA123456", "AAA123456"),
        ("PT_NIF", "contribuinte 501964843", "501964843"),
        ("FR_NIR", "sécurité sociale 2 95 10 99 126 111 93", "2 95 10 99 126 111 93"),
        ("FR_SIREN", "SIREN 552 008 443", "552 008 443"),
        ("FR_NIF", "numéro fiscal 30 23 217 600 053", "30 23 217 600 053"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("ES_NIF", "DNI 12345678A"),
        ("ES_NIE", "NIE X1234567A"),
        ("ES_PASSPORT", "part AAA123456 in stock"),
        ("PT_NIF", "order 501964843 shipped"),
        ("FR_NIR", "2 95 10 99 126 111 94"),
        ("FR_SIREN", "SIREN 552 008 444"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
