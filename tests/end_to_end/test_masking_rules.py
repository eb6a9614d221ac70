"""What masking.yaml says is done, through the real gateway: each action, for each connection, group and direction; an organisation's own patterns, or a refusal to start."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.end_to_end.gateway import Bench
from tests.end_to_end.sdk import Worker

CARD, EMAIL, IBAN, SSN = (
    "4539 1488 0343 6467",
    "planted.person@example-corp.com",
    "GB29 NWBK 6016 1331 9268 19",
    "078-05-1123",
)
PHONE = "+49 30 901820"
RULES = """\
version: 1
rules:
  - {id: anthropic-cards, entities: [CREDIT_CARD], connections: [anthropic], action: redact}
  - {id: cards, entities: [CREDIT_CARD], action: hash}
  - {id: owners-mail, entities: [EMAIL_ADDRESS], groups: [data-owners], action: keep}
  - {id: asked-mail, entities: [EMAIL_ADDRESS], directions: [request], action: partial}
  - {id: told-mail, entities: [EMAIL_ADDRESS], directions: [response], action: redact}
  - {id: accounts, entities: [IBAN_CODE], action: partial}
  - {id: phones, entities: [PHONE_NUMBER], action: keep}
  - {id: numbers, entities: [US_SSN], action: block}
"""
MakeBench = Callable[..., AbstractContextManager[Bench]]


def recorded(made: Bench, worker: Worker, prompt: str, *, sdk: str = "openai", who: str = "alice") -> list[str]:
    """What the record has of a question and of its answer."""
    before = made.last_seq()
    made.ask(worker, sdk, "proxy", prompt, who=who)
    return [row["content"] for row in made.messages(made.closed_exchange(before)["id"])]


def test_each_action_is_done_for_its_connection_group_and_direction(make_bench: MakeBench, python_sdk: Worker) -> None:
    with make_bench(masking=RULES) as made:
        text = f"{CARD} {EMAIL} {IBAN} {PHONE}"
        asked, told = recorded(made, python_sdk, f"say: {text}")
        elsewhere, _ = recorded(made, python_sdk, f"say: {text}", sdk="anthropic")
        owners, _ = recorded(made, python_sdk, f"say: {text}", who="bob")
        rows = made.rows("SELECT DISTINCT rule, entity, action, token FROM maskings ORDER BY rule, token")

    assert asked.startswith("say: [CREDIT_CARD:")
    assert asked.endswith(f"[IBAN_CODE:..6819] {PHONE}")
    assert ("[EMAIL_ADDRESS:.." in asked, "[EMAIL_ADDRESS]" in told) == (True, True)
    assert elsewhere.startswith("say: [CREDIT_CARD] ")
    assert (EMAIL in owners, EMAIL in asked + told + elsewhere) == (True, False)
    assert [text for text in (asked, told, elsewhere, owners) if CARD in text or IBAN in text] == []
    assert {(row["rule"], row["action"]) for row in rows} >= {
        ("anthropic-cards", "redact"), ("cards", "hash"), ("owners-mail", "keep"), ("asked-mail", "partial"),
        ("told-mail", "redact"), ("accounts", "partial"), ("phones", "keep"),
    }  # fmt: skip
    assert {row["token"] for row in rows if row["action"] == "keep"} == {""}


def test_a_blocked_value_stops_the_call_before_it_leaves(make_bench: MakeBench, python_sdk: Worker) -> None:
    with make_bench(masking=RULES) as made:
        done = made.ask(python_sdk, "openai", "proxy", f"my SSN is {SSN}")
        row = made.closed_exchange(0)
        content = json.dumps(made.messages(row["id"]))

    assert "content_blocked" in done.error or "US_SSN" in done.error
    assert list(made.provider.log) == []
    assert (row["outcome"], row["error"], SSN in content, "[US_SSN:" in content) == (
        "denied",
        "content_blocked",
        False,
        True,
    )


PATTERNS = """\
version: 1
patterns:
  - {{id: badges, entity: EMPLOYEE_BADGE, pattern: '{pattern}', matches: ["EB-123456"], not: ["EB-12"]}}
rules:
  - {{id: rest, entities: ["*"], action: redact}}
"""


def test_an_own_pattern_is_masked_in_the_record(make_bench: MakeBench, python_sdk: Worker) -> None:
    with make_bench(masking=PATTERNS.format(pattern="EB-[0-9]{6}")) as made:
        asked, told = recorded(made, python_sdk, "say: badge EB-654321")

    assert (asked, told) == ("say: badge [EMPLOYEE_BADGE]", "badge [EMPLOYEE_BADGE]")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(?:[0-9BE-]+)+x?6$", "half a second"),  # runs for minutes on what nearly fits
        ("EB-[0-9]{7}", "finds each of its matches"),
        ("EB-[0-9]{2}", "nothing in what stands under not"),
    ],
)
def test_a_pattern_that_fails_its_own_tests_or_its_time_is_refused_with_file_and_line(
    own: Bench, pattern: str, told: str
) -> None:
    own.state.write_policies({"masking.yaml": PATTERNS.format(pattern=pattern)})

    done = own.state.run("policy", "check", check=False)

    assert done.returncode == 1
    assert "masking.yaml:3: " in done.stdout + done.stderr
    assert told in done.stdout + done.stderr
