"""`affidavit policy test`: counts by rule, over what was recorded and over a file; never a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.gateway import Bench
from tests.end_to_end.policies import MASKING

CARD, EMAIL = "4539 1488 0343 6467", "planted.person@example-corp.com"
STRICTER = MASKING.replace(
    "rules:",
    "patterns:\n  - {id: tickets, entity: TICKET_NUMBER, pattern: 'OPS-[0-9]{4}', matches: [OPS-1234]}\nrules:\n  - {id: tickets, entities: [TICKET_NUMBER], action: redact, wire: request}",
)


def told(made: Bench, *arguments: str) -> dict[str, dict]:
    done = made.state.run("policy", "test", *arguments, "--json")
    assert (CARD in done.stdout, EMAIL in done.stdout) == (False, False)
    return {f"{row['rule']} {row['entity']}": row for row in json.loads(done.stdout)["rows"]}


@pytest.mark.long
def test_recorded_sessions_are_counted_by_the_rule_that_would_decide(own: Bench, python_sdk, tmp_path: Path) -> None:
    own.ask(python_sdk, "openai", "proxy", f"say: {CARD} in OPS-1234 and OPS-5678 by {EMAIL}")
    policies = tmp_path / "stricter"
    policies.mkdir()
    for path in own.state.path.joinpath("policies").glob("*.yaml"):
        policies.joinpath(path.name).write_text(STRICTER if path.name == "masking.yaml" else path.read_text())

    now, then = told(own, str(policies)), told(own)

    assert now["tickets TICKET_NUMBER"]["found_now"] == 4  # asked and answered
    assert now["tickets TICKET_NUMBER"]["exchanges"] == 1
    assert now["cards CREDIT_CARD"]["masked_then"] == then["cards CREDIT_CARD"]["masked_then"] >= 2
    assert now["cards CREDIT_CARD"]["found_now"] == 0  # it is masked in the record


def test_a_file_is_counted_without_a_store(own: Bench, tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(json.dumps({"content": f"pay {CARD}"}) + "\n" + f"write to {EMAIL}\nnothing here\n")

    rows = told(own, "--file", str(path))

    assert (rows["cards CREDIT_CARD"]["found_now"], rows["everything-else EMAIL_ADDRESS"]["found_now"]) == (1, 1)


@pytest.mark.long
def test_a_rule_that_hits_nothing_is_listed(own: Bench, tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("nothing here\n")

    assert {row["found_now"] for row in told(own, "--file", str(path)).values()} == {0}
    assert "cards " in told(own, "--file", str(path))
