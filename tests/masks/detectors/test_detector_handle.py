"""Names on social networks."""

import pytest


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("I tweet at @john_gmail", "@john_gmail"),
        ("My twitter is @JOHN_JOHN123", "@JOHN_JOHN123"),
        ("tweeter: @_x_y_", "@_x_y_"),
    ],
)
def test_a_handle_behind_its_network_is_found(named, text, handle):
    assert named("SOCIAL_HANDLE", text) == [handle]


@pytest.mark.parametrize(
    "text", ["@abstractmethod", "import @types/node", "tweet at a@b.com", "twitter @TwitterInfo", "tweet this"]
)
def test_decorators_packages_and_addresses_are_not(named, text):
    assert named("SOCIAL_HANDLE", text) == []
