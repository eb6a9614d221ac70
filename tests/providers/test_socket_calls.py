"""A call in a provider's WebSocket messages waits until its arguments are complete, once, and what is taken out is told nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from addons.providers.socket_calls import SocketCalls

CALL = {"id": "fc_1", "type": "function_call", "name": "run_sql", "call_id": "call_1"}
ARGUMENTS = '{"query":"DROP TABLE t"}'
CREATED = {"type": "response.created", "response": {"id": "r"}}
ADDED = {
    "type": "response.output_item.added",
    "output_index": 0,
    "item": {**CALL, "status": "in_progress", "arguments": ""},
}
ECHO = {"type": "conversation.item.added", "item": {**CALL, "arguments": ""}}
DELTA = {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": ARGUMENTS}
COMPLETE = {
    "type": "response.function_call_arguments.done", "output_index": 0, "item_id": "fc_1", "call_id": "call_1", "arguments": ARGUMENTS,
}  # fmt: skip
WHOLE = {**CALL, "status": "completed", "arguments": ARGUMENTS}
TOLD = {"type": "conversation.item.done", "item": WHOLE}
ITEM = {"type": "response.output_item.done", "output_index": 0, "item": WHOLE}
DONE = {"type": "response.done", "response": {"id": "r", "status": "completed", "output": [WHOLE]}}
BEFORE = (ADDED, ECHO, DELTA)


def sent(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def waits(calls: SocketCalls, *values: dict[str, Any]) -> list[tuple[bool, bool]]:
    """Of each message: whether it waits, and whether a decision is due."""
    return [(calls.take(sent(value)), calls.decidable) for value in values]


@pytest.mark.parametrize(
    ("ends", "decided"),
    [((COMPLETE,), [True]), ((ITEM,), [True]), ((DONE,), [True])],
    ids=["when its arguments are complete", "when its item is, without that", "when the answer is, without either"],
)
def test_a_call_is_decided_as_soon_as_it_can_be(ends, decided):
    calls = SocketCalls()

    before = waits(calls, CREATED, *BEFORE)
    after = waits(calls, *ends)

    assert before == [(False, False), *[(True, False)] * 3]
    assert after == [(True, due) for due in decided]
    assert [(part.name, part.call_id, part.content) for part in calls.completed] == [("run_sql", "call_1", ARGUMENTS)]


def test_what_follows_a_call_that_was_let_through_does_not_wait_and_is_not_decided_again():
    calls = SocketCalls()
    waits(calls, CREATED, *BEFORE, COMPLETE)

    passed = calls.let_through()

    assert passed == [sent(value) for value in (*BEFORE, COMPLETE)]
    assert waits(calls, TOLD, ITEM, DONE) == [(False, False)] * 3
    assert [calls.after(sent(value)) for value in (TOLD, ITEM, DONE)] == [sent(value) for value in (TOLD, ITEM, DONE)]


def test_a_call_that_was_taken_out_is_told_nowhere():
    calls = SocketCalls()
    waits(calls, CREATED, *BEFORE, COMPLETE)

    passed = calls.take_out("not allowed")
    waiting = waits(calls, TOLD, ITEM, DONE)
    later = [calls.after(sent(value)) for value in (TOLD, ITEM, DONE)]

    assert b"DROP" not in b"".join(passed)
    assert any(b"not allowed" in message for message in passed)
    assert waiting == [(False, False)] * 3
    assert later[:2] == [None, None]
    assert later[2]
    assert b"DROP" not in later[2]
    assert json.loads(later[2])["response"]["output"][0]["type"] == "message"


def test_the_next_answer_begins_anew():
    calls = SocketCalls()
    waits(calls, CREATED, *BEFORE, COMPLETE)
    calls.take_out("not allowed")

    again = waits(calls, CREATED, *BEFORE, COMPLETE)

    assert again == [(False, False), *[(True, False)] * 3, (True, True)]
    assert calls.let_through() == [sent(value) for value in (*BEFORE, COMPLETE)]
