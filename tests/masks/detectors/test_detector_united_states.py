"""American numbers other than SSN and ITIN."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("ABA_ROUTING_NUMBER", "routing 121000358", "121000358"),
        ("ABA_ROUTING_NUMBER", "3222-7162-7", "3222-7162-7"),
        ("US_BANK_NUMBER", "my bank account number is 912803456", "912803456"),
        ("US_PASSPORT", "passport C01234567", "C01234567"),
        ("US_PASSPORT", "US passport number 912803456", "912803456"),
        ("US_DRIVER_LICENSE", "driver license A1234567", "A1234567"),
        ("US_NPI", "NPI 1234567893", "1234567893"),
        ("US_MBI", "Medicare ID: 1EG4-TE5-MK73", "1EG4-TE5-MK73"),
        ("US_MBI", "the MBI is 4EF6GH8JK12 here", "4EF6GH8JK12"),
        ("MEDICAL_LICENSE", "DEA BB1388568", "BB1388568"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("ABA_ROUTING_NUMBER", "routing 421042111"),
        ("ABA_ROUTING_NUMBER", "order 121000358 shipped"),
        ("US_BANK_NUMBER", "order 912803456 shipped"),
        ("US_BANK_NUMBER", "account 11111111"),
        ("US_PASSPORT", "part C01234567 in stock"),
        ("US_DRIVER_LICENSE", "public A1234567"),
        ("US_NPI", "NPI 1234567890"),
        ("US_MBI", "Medicare 1SG4-TE5-MK73"),
        ("MEDICAL_LICENSE", "DEA BB1388569"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
