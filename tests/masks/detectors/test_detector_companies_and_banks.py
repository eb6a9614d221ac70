"""VAT numbers, company numbers and BICs."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("EU_VAT", "VAT FR40303265045", "FR40303265045"),
        ("CH_UID", "CHE-100.155.212", "CHE-100.155.212"),
        ("MX_RFC", "RFC GODE561231GR8", "GODE561231GR8"),
        ("CO_NIT", "NIT 213.123.432-1", "213.123.432-1"),
        ("EC_CI", "cédula 171430710-3", "171430710-3"),
        ("PE_RUC", "RUC 20512333797", "20512333797"),
        ("BIC", "BIC: DEUTDEFF500", "DEUTDEFF500"),
        ("BIC", "SWIFT code AGRIFRPP", "AGRIFRPP"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("EU_VAT", "VAT FR40303265046"),
        ("EU_VAT", "part FR40303265045"),
        ("CH_UID", "CHE-100.155.213"),
        ("MX_RFC", "RFC GODE561331GR8"),
        ("CO_NIT", "NIT 213.123.432-2"),
        ("EC_CI", "order 171430710-3"),
        ("PE_RUC", "RUC 20512333798"),
        ("BIC", "SWIFT DOCUMENT"),
        ("BIC", "the DEUTDEFF500 of it"),
        ("BIC", "aerobic: DEUTDEFF500"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
