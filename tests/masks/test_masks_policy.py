"""What an organisation adds to the detectors: its own patterns, allow-lists, places and thresholds."""

import re

import pytest

from addons.masks.custom import Custom, extra, fault_of
from addons.masks.detection import detect
from addons.masks.detectors import less
from addons.masks.detectors.forms import Forms
from addons.masks.engine import Masker
from addons.masks.places import place
from addons.masks.rules import Action, Allowed, Rule
from tests.masks.conftest import KEY, MEMO_KEY

ALL = Rule("all", ("*",), Action.REDACT)
BADGE = Custom("EMPLOYEE_BADGE", r"\bEB-[0-9]{6}\b", 0.9)


def scope(*rules, customs=(), allowed=()):
    made = Masker(rules or (ALL,), KEY, MEMO_KEY, 1 << 20, extra=extra(customs), allowed=allowed)
    return made.scope("openai", (), "request")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("badge EB-123456 here", "badge [EMPLOYEE_BADGE] here"),
        ("EB%2D123456", "[EMPLOYEE_BADGE]"),
        ("XEB-123456", "XEB-123456"),
        ("[EMPLOYEE_BADGE]", "[EMPLOYEE_BADGE]"),
    ],
)
def test_a_pattern_of_the_policy_is_searched_as_the_others_are(text, masked):
    assert scope(customs=(BADGE,)).text(text).text == masked


def test_a_pattern_of_letters_is_found_in_json_where_words_are_passed_over():
    project = Custom("PROJECT_NAME", r"\bNightingale\b", 0.9)

    masked = scope(customs=(project,)).document(
        b'{"name":"Nightingale","role":"user","n":["Nightingale"]}', "application/json"
    )

    assert masked.text == '{"name":"[PROJECT_NAME]","role":"user","n":["[PROJECT_NAME]"]}'


@pytest.mark.parametrize(("text", "is_masked"), [("patient 123-77", True), ("order 123-77", False)])
def test_context_words_of_a_pattern_must_stand_near(text, is_masked):
    case = Custom("CASE_NUMBER", r"\b[0-9]{3}-[0-9]{2}\b", 0.8, ("patient", "case"))

    assert ("[CASE_NUMBER]" in scope(customs=(case,)).text(text).text) is is_masked


def test_a_pattern_that_runs_out_of_time_withholds_the_text():
    slow = Custom("SLOW_ONE", r"(?:a+)+b", 0.9)

    masked = scope(customs=(slow,)).text("a" * 4000)

    assert (masked.withheld, masked.text) == (True, "[WITHHELD]")


@pytest.mark.parametrize(
    ("pattern", "matches", "others", "told"),
    [
        (r"EB-[0-9]{6}", ("EB-123456",), ("EB-12",), None),
        (r"EB-[0-9]{6}", ("EB-12",), (), "finds each of its matches"),
        (r"EB-[0-9]{2}", ("EB-12",), ("EB-123",), "finds nothing in what stands under not"),
        (r"EB-(", ("EB-",), (), "a regular expression"),
        (r"x*", ("x",), (), "at least one character"),
        (r"(?:a+)+b", ("aab",), (), "half a second"),
        (r"(?:[0-9]+[ -]?)+x", ("1 2x",), (), "half a second"),
        (r"(\w+\s?)*@corp", ("a b@corp",), (), "half a second"),
        ("a" * 501, ("a" * 501,), (), "1-500 characters"),
    ],
)
def test_a_pattern_is_tried_before_it_is_used(pattern, matches, others, told):
    fault = fault_of(pattern, matches, others)

    assert (fault is None) if told is None else (told in fault[0])


@pytest.mark.parametrize("written", ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111"])
def test_an_allowed_value_is_left_alone_however_it_is_written(written):
    free = Allowed(("CREDIT_CARD",), ("4111111111111111",))

    assert (
        scope(allowed=(free,)).text(f"test card {written}, real one 4539 1488 0343 6467").text
        == f"test card {written}, real one [CREDIT_CARD]"
    )


def test_an_allowed_pattern_fits_the_whole_value():
    free = Allowed(("EMAIL_ADDRESS",), (), (re.compile(r".{1,40}@example\.com"),))

    assert scope(allowed=(free,)).text("a@example.com b@example.com.evil.org").text == "a@example.com [EMAIL_ADDRESS]"


def test_what_is_allowed_for_one_entity_is_not_for_another():
    assert (
        scope(allowed=(Allowed(("US_SSN",), ("4111111111111111",)),)).text("4111 1111 1111 1111").text
        == "[CREDIT_CARD]"
    )


def test_a_threshold_leaves_the_less_sure_to_the_rules_below():
    sure = Rule("sure", ("PASSWORD",), Action.REDACT, threshold=0.9)
    rest = Rule("rest", ("PASSWORD",), Action.KEEP)

    masked = scope(sure, rest).text("password: hunter2xyz")

    assert (masked.text, [hit.rule for hit in masked.hits]) == ("password: hunter2xyz", ["rest"])


def test_a_rule_of_a_place_applies_there_and_nowhere_else():
    here = Rule("here", ("EMAIL_ADDRESS",), Action.REDACT, fields=(place("$.metadata.owner"),))
    rest = Rule("rest", ("EMAIL_ADDRESS",), Action.KEEP)

    masked = scope(here, rest).json({"metadata": {"owner": "a@corp.org", "other": "b@corp.org"}})

    assert masked.value == {"metadata": {"owner": "[EMAIL_ADDRESS]", "other": "b@corp.org"}}


def test_a_field_is_masked_whatever_it_says():
    whole = Rule("ids", ("FIELD",), Action.HASH, fields=(place("$..user_id"),))

    masked = scope(whole).document(
        b'{"a":{"user_id":"u-17"},"user_id":42,"list":[{"user_id":"x"}],"user":"y"}', "application/json"
    )

    assert masked.text.count("[FIELD:") == 3
    assert ("u-17" in masked.text, "42" in masked.text, '"user":"y"' in masked.text) == (False, False, True)
    assert scope(whole).document(masked.text.encode(), "application/json").text == masked.text


def test_a_text_of_a_message_lies_where_the_message_stands():
    here = Rule("here", ("EMAIL_ADDRESS",), Action.REDACT, fields=(place("$.messages[*]"),))

    assert scope(here).text("a@corp.org", base="/messages/3").text == "[EMAIL_ADDRESS]"
    assert scope(here).text("a@corp.org", base="/system").text == "a@corp.org"


@pytest.mark.parametrize(
    ("path", "location", "covered"),
    [
        ("$.a.b", "/a/b", True),
        ("$.a.b", "/a/b/c", True),
        ("$.a.b", "/a", False),
        ("$.a[*].b", "/a/7/b", True),
        ("$.a[7].b", "/a/8/b", False),
        ("$['a b'].c", "/a b/c", True),
        ("$..ssn", "/x/y/ssn", True),
        ("$..ssn", "/x/ssns", False),
        ("$.a~", "/a", None),
        ("$", "/anything", True),
        ("header:x-note", "header:x-note", True),
        ("query:user", "query:users", False),
        ("a.b", "", None),
    ],
)
def test_a_path_covers_a_place_and_what_is_below_it(path, location, covered):
    found = place(path)

    assert (found.covers(location) if found else None) is covered


def test_what_is_off_is_not_even_searched_for() -> None:
    off = frozenset({"BIC", "PASSWORD", "AZURE_KEY"})
    text = "BIC: DEUTDEFF500, password = 'super$ecret', api_key = 'q8Jx2LmP0vTz4RwY'"

    def kinds(without: frozenset[str]) -> set[str]:
        return {span.entity for span in detect(text, "", b"k" * 32, extra=extra((), without=without))}

    assert kinds(frozenset()) == {"BIC", "PASSWORD", "SECRET"}
    assert kinds(off) == {"SECRET"}
    left = less(off)
    assert [one for one in left if one.entities <= off] == []
    assert [row for one in left if isinstance(one, Forms) for row in one.table if row.entity in off] == []


def test_other_kinds_off_are_another_memory() -> None:
    one, other = (
        Masker((), b"k" * 32, b"m" * 32, 1 << 20, extra=extra((), without=off))
        for off in (frozenset(), frozenset({"BIC"}))
    )

    assert one.digest != other.digest
