import pytest

from addons.masks.engine import ENTITIES, Masker
from addons.masks.rules import Action, Rule, Wire


def scope(*rules, **more):
    masker = Masker(rules or (Rule("all", ("*",), Action.HASH),), b"k" * 32, b"m" * 32, 1 << 20)
    return masker.scope("openai", ("engineering",), "request", **more)


def test_a_card_number_is_replaced_by_a_typed_token():
    masked = scope().text("pay with 4111 1111 1111 1111 now")

    assert masked.text.startswith("pay with [CREDIT_CARD:")
    assert masked.text.endswith("] now")


def test_the_same_value_gives_the_same_token_however_it_is_written():
    one, two = scope().text("4111 1111 1111 1111"), scope().text("4111-1111-1111-1111")

    assert one.text == two.text


def test_an_entity_without_a_rule_is_kept():
    masked = scope(Rule("cards", ("CREDIT_CARD",), Action.REDACT)).text("078-05-1123")

    assert masked.text == "078-05-1123"


@pytest.mark.parametrize(
    ("action", "expected"),
    [(Action.REDACT, "[CREDIT_CARD]"), (Action.PARTIAL, "[CREDIT_CARD:..1111]"), (Action.KEEP, "4111111111111111")],
)
def test_an_action_decides_what_stands_in_the_record(action, expected):
    assert scope(Rule("r", ("CREDIT_CARD",), action)).text("4111111111111111").text == expected


def test_a_number_in_json_becomes_a_string_token():
    masked = scope(Rule("r", ("CREDIT_CARD",), Action.REDACT)).json({"a": [4111111111111111, 5]}, pointer="/x")

    assert masked.value == {"a": ["[CREDIT_CARD]", 5]}
    assert masked.hits[0].location == "/x/a/0"


def test_a_blocking_rule_says_so():
    assert scope(Rule("r", ("CREDIT_CARD",), Action.BLOCK, Wire.BOTH)).text("4111111111111111").blocked


def test_an_injected_credential_is_redacted_by_value():
    masked = scope(secrets=["sk-secretvalue"]).text("bad key sk-secretvalue given")

    assert masked.text == "bad key [CREDENTIAL] given"


def test_a_credential_header_is_redacted_by_name():
    masked = scope().headers([("Authorization", "Bearer x"), ("accept", "*/*")])

    assert masked.pairs == (("Authorization", "[CREDENTIAL]"), ("accept", "*/*"))


def test_entities_name_what_rules_may_name():
    assert {"CREDIT_CARD", "US_SSN"} <= ENTITIES
