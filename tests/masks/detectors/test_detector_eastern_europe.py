"""Polish, Turkish and neighbours' numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("PL_PESEL", "PESEL 44051401359", "44051401359"),
        ("PL_NIP", "NIP 856-734-62-15", "856-734-62-15"),
        ("TR_NATIONAL_ID", "Birinci kişi: 10000000146, sonra", "10000000146"),
        ("TR_LICENSE_PLATE", "plaka 34 ABC 123", "34 ABC 123"),
        ("CZ_RC", "rodné číslo 710319/2745", "710319/2745"),
        ("RO_CNP", "CNP 1630615123457", "1630615123457"),
        ("BG_EGN", "ЕГН 7523169263", "7523169263"),
        ("RU_INN", "ИНН 1234567894", "1234567894"),
        ("RU_PASSPORT", "паспорт 45 10 123456", "45 10 123456"),
        ("HR_OIB", "OIB 33392005961", "33392005961"),
        ("GR_AMKA", "AMKA 01013099997", "01013099997"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("PL_PESEL", "PESEL 44051401358"),
        ("TR_NATIONAL_ID", "10000000145"),
        ("TR_LICENSE_PLATE", "gate 34 ABC 123"),
        ("CZ_RC", "order 710319/2745 shipped"),
        ("RU_PASSPORT", "order 45 10 123456 shipped"),
        ("HR_OIB", "OIB 33392005962"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
