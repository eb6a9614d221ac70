"""The room's door: what rules do to what is found."""

import threading

import pytest

from addons.masks.engine import ENTITIES, Masker
from addons.masks.rules import Action, Rule, Wire

CARD = "4111 1111 1111 1111"


def redact(*entities, **more):
    return Rule("r", entities, Action.REDACT, **more)


def test_a_card_number_is_replaced_by_a_typed_token(scope):
    masked = scope().text(f"pay with {CARD} now")

    assert masked.text.startswith("pay with [CREDIT_CARD:")
    assert masked.text.endswith("] now")


def test_the_same_value_gives_the_same_token_however_it_is_written(scope):
    writings = [
        CARD,
        CARD.replace(" ", "-"),
        CARD.replace(" ", ""),
        "".join(f"\\u{ord(letter):04x}" for letter in CARD),
    ]

    assert len({scope().text(writing).text for writing in writings}) == 1


def test_another_key_gives_another_token():
    rules = (Rule("all", ("*",), Action.HASH),)
    texts = {
        Masker(rules, key, b"m" * 32, 0).scope("c", (), "request").text(CARD).text for key in (b"a" * 32, b"b" * 32)
    }

    assert len(texts) == 2


def test_an_entity_without_a_rule_is_left_alone(scope):
    masked = scope(redact("CREDIT_CARD")).text("078-05-1123")

    assert (masked.text, masked.hits) == ("078-05-1123", ())


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action.REDACT, "[CREDIT_CARD]"),
        (Action.PARTIAL, "[CREDIT_CARD:..1111]"),
        (Action.KEEP, "4111111111111111"),
        (Action.HASH, "[CREDIT_CARD:"),
        (Action.BLOCK, "[CREDIT_CARD:"),
    ],
)
def test_an_action_decides_what_stands_in_the_record(scope, action, expected):
    masked = scope(Rule("r", ("CREDIT_CARD",), action)).text("4111111111111111")

    assert masked.text.startswith(expected)


def test_a_kept_value_is_counted_without_a_token(scope):
    (hit,) = scope(Rule("r", ("CREDIT_CARD",), Action.KEEP)).text("4111111111111111").hits

    assert (hit.entity, hit.action, hit.token, hit.count) == ("CREDIT_CARD", Action.KEEP, "", 1)


def test_a_blocking_rule_says_so(scope):
    blocking = scope(Rule("r", ("CREDIT_CARD",), Action.BLOCK))

    assert blocking.text("4111111111111111").blocked
    assert not blocking.text("nothing here").blocked


def test_the_first_rule_that_fits_decides(scope):
    rules = Rule("one", ("CREDIT_CARD",), Action.REDACT), Rule("two", ("*",), Action.HASH)

    assert [hit.rule for hit in scope(*rules).text(f"{CARD} and 078-05-1123").hits] == ["one", "two"]


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (redact("CREDIT_CARD", connections=("openai",)), True),
        (redact("CREDIT_CARD", connections=("anthropic",)), False),
        (redact("CREDIT_CARD", groups=("engineering", "sales")), True),
        (redact("CREDIT_CARD", groups=("sales",)), False),
        (redact("CREDIT_CARD", directions=("request",)), True),
        (redact("CREDIT_CARD", directions=("response",)), False),
    ],
)
def test_a_rule_may_be_for_some_connections_groups_or_directions(scope, rule, fits):
    assert (scope(rule).text(CARD).text == "[CREDIT_CARD]") is fits


def test_the_same_value_twice_is_one_hit_of_two(scope):
    (hit,) = scope().text(f"{CARD}, again {CARD}", location="/messages/0").hits

    assert (hit.location, hit.count) == ("/messages/0", 2)


@pytest.mark.parametrize(
    ("wire", "direction", "expected"),
    [
        (Wire.NONE, "request", "original"),
        (Wire.REQUEST, "request", "masked"),
        (Wire.REQUEST, "response", "original"),
        (Wire.BOTH, "response", "masked"),
    ],
)
def test_a_hit_says_what_the_other_side_gets(scope, wire, direction, expected):
    (hit,) = scope(redact("CREDIT_CARD", wire=wire), direction=direction).text(CARD).hits

    assert hit.wire == expected


def test_on_the_wire_only_the_rules_for_the_wire_apply(scope):
    rules = redact("CREDIT_CARD", wire=Wire.REQUEST), redact("US_SSN")

    assert scope(*rules, wire=True).text(f"{CARD} and 078-05-1123").text == "[CREDIT_CARD] and 078-05-1123"


def test_headers_are_not_redacted_by_name_on_the_wire(scope):
    assert scope(wire=True).headers([("Authorization", "x")]).pairs == (("Authorization", "x"),)


def test_entities_are_what_rules_may_name():
    assert {"CREDIT_CARD", "US_SSN", "CREDENTIAL", "AFFIDAVIT_TOKEN", "PRIVATE_KEY"} <= ENTITIES


def test_the_digest_follows_the_rules_and_the_key():
    def digest(key, *rules):
        return Masker(rules, key, b"m" * 32, 0).digest

    digests = {
        digest(b"a" * 32),
        digest(b"b" * 32),
        digest(b"a" * 32, redact("*")),
        digest(b"a" * 32, redact("US_SSN")),
    }

    assert len(digests) == 4
    assert all(one.startswith("sha256:") for one in digests)


def test_no_repr_shows_a_value(scope):
    masked = scope(Rule("r", ("US_SSN",), Action.HASH)).text(f"{CARD} 078-05-1123")
    found = scope().json({"note": CARD})

    assert CARD not in repr(masked)
    assert CARD not in repr(found)
    assert "078" not in repr(masked)


def test_a_text_that_cannot_be_searched_in_time_is_withheld(scope, monkeypatch):
    def too_slow(*_, **__):
        raise TimeoutError

    monkeypatch.setattr("addons.masks.detection._Search.whole", too_slow)
    texts, value = scope().text("some text"), scope().json({"a": ["some text"]})

    assert (texts.text, texts.withheld) == ("[WITHHELD]", True)
    assert (value.value, value.withheld) == ({"a": ["[WITHHELD]"]}, True)


def test_a_masker_is_shared_by_threads(scope):
    shared, texts = scope(), []
    threads = [
        threading.Thread(target=lambda: texts.extend(shared.text(f"{n} {CARD}").text for n in range(50)))
        for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(texts) == 200
    assert len(set(texts)) == 50


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[US_SSN:kqzbtfwmgxhdrncp]", True),
        ("[CREDIT_CARD]", True),
        ("[CREDIT_CARD:..1111]", True),
        ("[CREDIT_CARD:4111111111111111]", False),
        ("[NO_SUCH_ENTITY:4111111111111111]", False),
        ("[CREDIT_CARD:..4111111111111111]", False),
    ],
)
def test_only_an_exact_placeholder_is_passed_over(scope, text, expected):
    assert (scope().text(text).text == text) is expected
