"""A held message of a WebSocket's client, as approvers read it: within the conversation, once, with what the rule found."""

import pytest

from addons.console.web.conversation import Mark, parts
from tests.policy.small_policies import parsed

CONTROLS = "version: 1\ncontrols: []\n"
HOLD = "then: hold, approvers: {groups: [owners], count: 1}, hold_seconds: 20, expires_seconds: 60"


def held(direction, recorded):
    rule = f"{{id: held, when: {{direction: {direction}, pattern: launch-code}}, {HOLD}}}"
    (made,) = parsed(approval=f"version: 1\nrules: [{rule}]\n", controls=CONTROLS).approval
    return parts(recorded, made, held=[{"name": "", "text": "the launch-code"}])


def row(role, content, name=""):
    return {"role": role, "kind": "text", "name": name, "call_id": "", "direction": "response", "content": content}


@pytest.mark.parametrize(
    ("direction", "role", "marked"),
    [("request", "user", True), ("request", "assistant", False), ("response", "assistant", True), ("response", "user", False)],
)  # fmt: skip
def test_what_the_rule_found_is_marked_where_it_looked(direction, role, marked):
    (said,) = held(direction, [row(role, "the launch-code")])

    assert any(mark is Mark.MATCHED for _, _, mark in said.spans) is marked


@pytest.mark.parametrize("name", ["", "session"])
def test_what_is_recorded_is_not_shown_twice(name):
    assert len(held("request", [row("user", "the launch-code", name)])) == 1


def test_what_is_not_recorded_yet_is_shown_as_the_clients():
    *_, last = held("request", [row("user", "hello")])

    assert (last.role, last.direction, last.text, last.held) == ("user", "request", "the launch-code", True)
