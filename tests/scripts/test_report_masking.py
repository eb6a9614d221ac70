"""`affidavit report masking` and `report exposures`: made by running, able to fail, and without a value in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import coverage
from scripts.local_gateway import State, clean_environment
from scripts.report_masking import without_names
from tests.end_to_end.gateway import Bench

ROOT = Path(__file__).parents[2]
CARD, EMAIL = "4539 1488 0343 6467", "planted.person@example-corp.com"
PLAIN = {"plain": coverage.ENCODINGS["plain"]}


def test_the_shipped_rules_hide_every_planted_value(tmp_path: Path) -> None:
    rules = (ROOT / "policies" / "masking.yaml").read_text()

    cells = coverage.run(tmp_path, rules, lambda _: None, PLAIN)

    assert [cell for cell in cells if cell.missed] == []
    assert len({(cell.position, cell.provider, cell.transport) for cell in cells}) > 60


def test_what_rules_keep_is_told_as_missed_where_it_stands(tmp_path: Path) -> None:
    rules = 'version: 1\nrules:\n  - {id: kept, entities: [EMAIL_ADDRESS], action: keep}\n  - {id: rest, entities: ["*"], action: redact}\n'

    cells = coverage.run(tmp_path, rules, lambda _: None, PLAIN)

    others = [cell for cell in cells if cell.position == "cookie" or cell.position.startswith("JSON number")]
    assert {cell.missed for cell in others} == {()}  # masked by its place; cards, where JSON has a number
    assert {cell.missed for cell in cells if cell not in others} == {("email",)}


def test_the_matrix_has_every_position_and_transport() -> None:
    told = {(call.position, call.transport) for call in coverage.every("x", "plain")}
    positions = {position for position, _ in told} | {call.position for call in coverage.numbers(1)}

    assert {transport for _, transport in told} >= {"json", "header", "query", "path", "multipart", "form", "text", "stream", "websocket"}  # fmt: skip
    assert positions >= {
        "system prompt", "user text", "history", "tool arguments", "tool result", "tool definition", "JSON key", "parameter", "header", "cookie", "query", "path",
        "file name", "part", "batch line", "field", "body", "broken JSON", "reply", "error", "error page", "MCP arguments", "MCP resource", "MCP result",
        "JSON number", "JSON number in arguments", "JSON number in a result", "JSON number in a reply", "JSON number in a message",
        "realtime, user text", "realtime, reply", "realtime, tool arguments", "codex, whole request", "live, reply", "live, transcript", "live, tool result",
    }  # fmt: skip


@pytest.mark.long
def test_the_report_is_kept_beside_the_store(tmp_path: Path) -> None:
    state = State(tmp_path / "state", clean_environment(tmp_path))
    state.init()

    done = state.run("report", "masking", "--json")

    report = json.loads(done.stdout)
    assert json.loads((state.path / "masking-coverage.json").read_text()) == report
    assert report["planted"] == report["hidden"] == sum(cell["planted"] for cell in report["cells"])


def test_rules_for_some_connections_and_groups_are_asked_about_too() -> None:
    rules = 'rules:\n  - id: a\n    connections: [openai]\n    entities: ["*"]\n  - {id: b, groups: [x, y], entities: [US_SSN]}\n'

    assert ("connections" in without_names(rules), "groups" in without_names(rules)) == (False, False)
    assert 'entities: ["*"]' in without_names(rules)


def test_exposures_name_the_entity_the_person_the_provider_and_the_rule(own: Bench, python_sdk) -> None:
    for sdk in ("openai", "anthropic"):
        own.ask(python_sdk, sdk, "proxy", f"say: {EMAIL}\n{CARD} and {CARD}")

    done = own.state.run("report", "exposures", "--json")

    assert (CARD in done.stdout, EMAIL in done.stdout) == (False, False)
    rows = {(row["provider"], row["entity"]): row for row in json.loads(done.stdout)}
    card = rows["openai", "CREDIT_CARD"]
    assert (card["subject"], card["rule"], card["action"], card["exchanges"], card["occurrences"], card["values"]) == (
        "local|alice", "cards", "hash", 1, 2, 1,
    )  # fmt: skip
    assert ("anthropic", "EMAIL_ADDRESS") in rows


def test_what_was_masked_on_the_wire_or_never_sent_is_no_exposure(make_bench, python_sdk) -> None:
    masking = 'version: 1\nrules:\n  - {id: blocked, entities: [CREDIT_CARD], action: block}\n  - {id: rest, entities: ["*"], action: hash, wire: request}\n'
    with make_bench(masking=masking) as made:
        made.ask(python_sdk, "openai", "proxy", f"say: {EMAIL}")
        made.ask(python_sdk, "openai", "proxy", f"say: {CARD}")

        assert json.loads(made.state.run("report", "exposures", "--json").stdout) == []
