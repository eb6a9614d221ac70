"""Japanese, Hong Kong, Taiwanese, Indonesian, Pakistani and New Zealand numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("JP_MY_NUMBER", "マイナンバー 1234 5678 9018", "1234 5678 9018"),
        ("JP_MY_NUMBER", "my number: 123456789018", "123456789018"),
        ("HK_ID", "HKID A123456(3)", "A123456(3"),
        ("HK_ID", "Hong Kong identity card AB987654(3)", "AB987654(3"),
        ("TW_ID", "Taiwan national ID A123456789", "A123456789"),
        ("ID_NIK", "NIK 3171011708450001", "3171011708450001"),
        ("PK_CNIC", "CNIC 34201-0891231-8", "34201-0891231-8"),
        ("NZ_IRD", "IRD 49-091-850", "49-091-850"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("JP_MY_NUMBER", "my number: 123456789019"),
        ("JP_MY_NUMBER", "order 1234 5678 9018 shipped"),
        ("HK_ID", "HKID A123456(4)"),
        ("HK_ID", "part A123456(3)"),
        ("TW_ID", "Taiwan national ID A123456788"),
        ("ID_NIK", "NIK 3171014008450001 9"),
        ("PK_CNIC", "order 34201-0891231-8"),
        ("NZ_IRD", "IRD 49-091-851"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
