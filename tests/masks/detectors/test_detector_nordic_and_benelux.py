"""Nordic, Dutch, Belgian and Swiss numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("FI_PERSONAL_IDENTITY_CODE", "code is030594W903B.", "030594W903B"),
        ("FI_PERSONAL_IDENTITY_CODE", "131052-308T", "131052-308T"),
        ("SE_PERSONNUMMER", "pnr 19910924-2397", "19910924-2397"),
        ("SE_PERSONNUMMER", "My swedish id code is199003052397.", "199003052397"),
        ("SE_ORGANISATIONSNUMMER", "organisationsnummer 556703-7485", "556703-7485"),
        ("NO_FODSELSNUMMER", "fødselsnummer 15108695088", "15108695088"),
        ("DK_CPR", "CPR 211062-5629", "211062-5629"),
        ("NL_BSN", "BSN 111222333", "111222333"),
        ("BE_NN", "rijksregisternummer 85.07.30-033 28", "85.07.30-033 28"),
        ("CH_AHV", "AHV 756.9217.0769.85", "756.9217.0769.85"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("FI_PERSONAL_IDENTITY_CODE", "131052.308T"),
        ("FI_PERSONAL_IDENTITY_CODE", "111111-111A"),
        ("SE_PERSONNUMMER", "19001309-2393"),
        ("SE_PERSONNUMMER", "189x09179809"),
        ("SE_ORGANISATIONSNUMMER", "organisationsnummer 556703-7486"),
        ("NO_FODSELSNUMMER", "fødselsnummer 15108695089"),
        ("NL_BSN", "order 111222333 shipped"),
        ("CH_AHV", "756.9217.0769.84"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
