"""Inputs made to be slow: a megabyte each is searched to the end. How long it takes is measured elsewhere; the test run's own limit is the only clock."""

import pytest

from scripts.measuring.masking_encodings import WORST, nested, worst


@pytest.mark.long
@pytest.mark.parametrize("name", WORST)
def test_a_megabyte_is_searched_to_the_end(scope, name):
    assert not scope().text(worst(name)).withheld


def test_json_nested_too_deep_to_walk_is_searched_as_text_and_the_value_in_it_is_masked(scope):
    body = nested().replace("1", '"4111 1111 1111 1111"').encode()

    masked = scope().document(body, "application/json")

    assert "4111" not in masked.text
    assert [hit.entity for hit in masked.hits] == ["CREDIT_CARD"]
