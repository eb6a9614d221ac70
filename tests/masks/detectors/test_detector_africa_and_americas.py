"""American numbers beyond the United States, African and Israeli ones."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("CA_SIN", "SIN 123-456-782", "123-456-782"),
        ("BR_CPF", "CPF 390.533.447-05", "390.533.447-05"),
        ("BR_CNPJ", "16.727.230/0001-97", "16.727.230/0001-97"),
        ("MX_CURP", "CURP BOXW310820HNERXN09", "BOXW310820HNERXN09"),
        ("AR_CUIT", "CUIT 20-05536168-2", "20-05536168-2"),
        ("CL_RUT", "RUT 12.531.909-2", "12.531.909-2"),
        ("ZA_ID_NUMBER", "South African ID 7503305044089", "7503305044089"),
        ("NG_NIN", "NIN 12345678901", "12345678901"),
        ("NG_VEHICLE_REGISTRATION", "plate ABC-123DE", "ABC-123DE"),
        ("IL_ID", "teudat zehut 039337423", "039337423"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("CA_SIN", "SIN 123-456-783"),
        ("BR_CPF", "390.533.447-06"),
        ("MX_CURP", "BOXW310820HNERXN08"),
        ("CL_RUT", "12.531.909-3"),
        ("ZA_ID_NUMBER", "South African ID 7503305044088"),
        ("NG_NIN", "order 12345678901 shipped"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
