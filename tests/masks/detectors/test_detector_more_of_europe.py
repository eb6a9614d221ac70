"""Austrian, Irish, Estonian, Lithuanian and Slovenian personal numbers."""

import pytest


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("AT_VNR", "SVNR 1237 010180", "1237 010180"),
        ("IE_PPS", "PPS number 6433435F", "6433435F"),
        ("EE_IK", "isikukood 36805280109", "36805280109"),
        ("LT_ASMENS", "asmens kodas 33309240064", "33309240064"),
        ("SI_EMSO", "EMŠO 0101006500006", "0101006500006"),
    ],
)
def test_a_number_is_found(named, entity, text, value):
    assert named(entity, text) == [value]


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("AT_VNR", "SVNR 1238 010180"),
        ("AT_VNR", "order 1237 010180"),
        ("IE_PPS", "PPS number 6433435E"),
        ("EE_IK", "isikukood 36805280108"),
        ("LT_ASMENS", "order 33309240064"),
        ("SI_EMSO", "EMŠO 0101006500007"),
    ],
)
def test_without_its_check_digit_or_its_context_it_is_not(named, entity, text):
    assert named(entity, text) == []
