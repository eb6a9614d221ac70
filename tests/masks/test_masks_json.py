"""JSON: leaves, numbers, keys, JSON inside JSON, and what is not JSON after all."""

import json

import pytest

from addons.masks.rules import Action, Rule

CARD = 4111111111111111


@pytest.fixture
def redacting(scope):
    return scope(Rule("r", ("*",), Action.REDACT))


def test_a_number_becomes_a_string_token(redacting):
    masked = redacting.json({"a": [CARD, 5]}, pointer="/x")

    assert masked.value == {"a": ["[CREDIT_CARD]", 5]}
    assert [hit.location for hit in masked.hits] == ["/x/a/0"]


def test_a_value_without_hits_is_the_same_object(redacting):
    value = {"model": "gpt-5", "messages": [{"role": "user", "content": "hello"}], "n": 1, "stream": True, "stop": None}

    assert redacting.json(value).value is value


@pytest.mark.parametrize(
    ("key", "value", "entity"),
    [
        ("password", "correct horse battery", "PASSWORD"),
        ("apiKey", "q8Jx2LmP0vTz4RwY", "SECRET"),
        ("ssn", "078051123", "US_SSN"),
        ("phone_number", 2125552368, "PHONE_NUMBER"),
        ("routingNumber", 121000358, "ABA_ROUTING_NUMBER"),
    ],
)
def test_a_key_name_is_context(redacting, key, value, entity):
    assert redacting.json({key: value}).value == {key: f"[{entity}]"}


@pytest.mark.parametrize(
    ("key", "value"), [("id", "078051123"), ("created", 1770741598), ("max_tokens", "q8Jx2LmP0vTz4RwY")]
)
def test_a_bare_number_under_another_key_is_left_alone(redacting, key, value):
    assert redacting.json({key: value}).value == {key: value}


def test_a_key_that_is_a_hit_is_masked_and_no_pointer_shows_it(redacting):
    masked = redacting.json({"jane.doe@example.com": [CARD]})

    assert masked.value == {"[EMAIL_ADDRESS]": ["[CREDIT_CARD]"]}
    assert [hit.location for hit in masked.hits] == ["", "/[EMAIL_ADDRESS]/0"]


def test_two_keys_with_one_placeholder_stay_two_entries(redacting):
    masked = redacting.json({"a@example.com": 1, "b@example.com": 2})

    assert masked.value == {"[EMAIL_ADDRESS]": 1, "[EMAIL_ADDRESS] 2": 2}


def test_a_pointer_escapes_slash_and_tilde(redacting):
    (hit,) = redacting.json({"a/b~c": "4111111111111111"}).hits

    assert hit.location == "/a~1b~0c"


def test_tool_arguments_are_walked_as_json(redacting):
    arguments = json.dumps({"card": CARD, "inner": json.dumps({"password": "hunter2!", "n": CARD})})

    masked = json.loads(redacting.json({"arguments": arguments}).value["arguments"])

    assert masked["card"] == "[CREDIT_CARD]"
    assert json.loads(masked["inner"]) == {"password": "[PASSWORD]", "n": "[CREDIT_CARD]"}


def test_a_text_that_is_json_keeps_its_form(redacting):
    text = '{ "card" : 4111111111111111,\n  "note": "say \\"078-05-1123\\" \\u00e9" }'

    assert redacting.text(text).text == '{ "card" : "[CREDIT_CARD]",\n  "note": "say \\"[US_SSN]\\" \\u00e9" }'


@pytest.mark.parametrize(
    "text",
    [
        '{"card": 4111111111111111',
        '{"a": "x"} {"card": 4111111111111111}',
        "<html>4111 1111 1111 1111",
        '{"card": "4111111111111111',
    ],
    ids=["cut", "two documents", "html", "open string"],
)
def test_broken_json_is_searched_as_text(redacting, text):
    assert "[CREDIT_CARD]" in redacting.text(text).text


def test_deep_nesting_neither_crashes_nor_passes(redacting):
    deep = "[" * 10_000 + "4111111111111111" + "]" * 10_000
    value = CARD
    for _ in range(300):
        value = [value]

    assert "4111111111111111" not in redacting.text(deep).text
    assert "4111111111111111" not in redacting.document(deep.encode(), "application/json").text
    assert redacting.json(value).withheld


def test_big_numbers_and_floats_are_searched_by_their_digits(redacting):
    assert redacting.json([4111111111111111.0, -4111111111111111]).value == ["[CREDIT_CARD]", "[CREDIT_CARD]"]


def test_a_long_leaf_is_searched_under_its_own_name(redacting):
    text = "x " * 400 + "4111 1111 1111 1111"

    masked = redacting.json([{"content": text}])

    assert masked.value[0]["content"].endswith("[CREDIT_CARD]")
    assert masked.hits[0].location == "/0/content"


@pytest.mark.parametrize("text", ['{"a": "078-05-1120", "a": "b"}', '[{"a":1,"b":{"c":"078-05-1120","c":2}}]'])
def test_a_key_that_stands_twice_hides_nothing(redacting, text):
    assert "[US_SSN]" in redacting.document(text.encode(), "application/json").text


def test_json_without_hits_keeps_its_writing(redacting):
    text = '{ "a": [1.10, 1e2, "\\/"] }'
    assert redacting.document(text.encode(), "application/json").text == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password": 4711}', '{"password": "[PASSWORD]"}'),
        ('{"password": "[4711471147]"}', r'{"password": "[\"[PASSWORD]\"]"}'),
        ('[{"password": null}, "hello", 123456]', '[{"password": null}, "hello", 123456]'),
    ],
)
def test_a_name_holds_for_what_stands_under_it(redacting, text, expected):
    assert redacting.text(text).text == expected


def test_a_value_cut_over_the_lines_of_an_unknown_stream_is_masked_as_one(scope):
    lines = b'{"seq":0,"output":{"text":"it is 4111 11"}}\n{"seq":1,"output":{"text":"11 1111 1111 so"}}'

    masked = scope().document(lines, "application/jsonl")

    first, second = masked.text.splitlines()
    assert (first.count("[CREDIT_CARD:"), '"text":" so"' in second) == (1, True)
    assert [hit.location for hit in masked.hits] == ["/output/text"]


def test_what_every_line_of_a_stream_says_alike_is_not_joined(scope):
    lines = b'{"id":"4111"}\n{"id":"4111"}\n{"id":"4111"}\n{"id":"4111"}'

    assert scope().document(lines, "application/jsonl").text.encode() == lines


def test_a_number_with_capitals_beside_a_moment_is_found_and_the_moment_is_none(scope):
    masked = scope().text(
        "2026-11-25T08:59:47.123Z INFO VAT id DE136695976 paid 2026-11-25T09:00Z by passport C01X00T47"
    )

    assert [hit.entity for hit in masked.hits] == ["DE_VAT_ID", "DE_PASSPORT"]
    assert masked.text.startswith("2026-11-25T08:59:47.123Z INFO VAT id [")
