"""German numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("DE_TAX_ID", "Meine Steuer-ID: 12345678903.", "12345678903"),
        ("DE_TAX_NUMBER", "Steuernummer 123/456/78901", "123/456/78901"),
        ("DE_SOCIAL_SECURITY", "Rentenversicherungsnummer 15070649C103", "15070649C103"),
        ("DE_PASSPORT", "Reisepass C01X00T478", "C01X00T478"),
        ("DE_ID_CARD", "Personalausweis T220001293", "T220001293"),
        ("DE_HEALTH_INSURANCE", "Krankenversicherung A123456780", "A123456780"),
        ("DE_KFZ", "Kennzeichen B-MW 1234", "B-MW 1234"),
        ("DE_HANDELSREGISTER", "Amtsgericht München HRB 12345.", "HRB 12345"),
        ("DE_HANDELSREGISTER", "hrb 12345", "hrb 12345"),
        ("DE_PLZ", "Postleitzahl 80331 München", "80331"),
        ("DE_VAT_ID", "USt-IdNr. DE136695976", "DE136695976"),
        ("DE_LANR", "LANR 123456601", "123456601"),
        ("DE_BSNR", "BSNR 021234568", "021234568"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("DE_TAX_ID", "Steuer-ID 12345678901"),
        ("DE_TAX_ID", "Steuer-ID 11111111111"),
        ("DE_SOCIAL_SECURITY", "Rentenversicherungsnummer 15070649C104"),
        ("DE_HEALTH_INSURANCE", "Krankenversicherung A123456781"),
        ("DE_HANDELSREGISTER", "HRC 12345"),
        ("DE_HANDELSREGISTER", "HRB 1234567"),
        ("DE_PLZ", "PLZ 00000"),
        ("DE_PLZ", "number 80331"),
        ("DE_VAT_ID", "DE136695977"),
        ("DE_KFZ", "size B-MW 1234"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
