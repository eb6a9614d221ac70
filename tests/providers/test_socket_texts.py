"""A text in a provider's WebSocket messages waits until it ends or has grown long, once; what is taken out is told nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from addons.providers.socket_calls import SocketCalls
from addons.providers.socket_texts import SocketTexts
from addons.providers.texts import PIECE

SAID = "It is launch-code 1234."
ITEM = {"id": "m1", "type": "message", "role": "assistant"}
CREATED = {"type": "response.created", "response": {"id": "r", "output": []}}
CALL = {
    "id": "f1",
    "type": "function_call",
    "call_id": "c1",
    "name": "run_sql",
    "arguments": '{"query":"DROP TABLE t"}',
}


def events(kind: str, entry: str, key: str) -> list[dict[str, Any]]:
    """How a text is told: in two pieces, then whole, four times."""
    place = {"output_index": 0, "item_id": "m1", "content_index": 0}
    item = {**ITEM, "content": [{"type": entry, key: SAID}]}
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "content": []}},
        {"type": "conversation.item.added", "item": {**ITEM, "content": []}},
        {"type": "response.content_part.added", **place, "part": {"type": entry, key: ""}},
        {"type": f"{kind}.delta", **place, "delta": SAID[:12]},
        {"type": f"{kind}.delta", **place, "delta": SAID[12:]},
        {"type": f"{kind}.done", **place, key: SAID},
        {"type": "response.content_part.done", **place, "part": item["content"][0]},
        {"type": "conversation.item.done", "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.done", "response": {"id": "r", "status": "completed", "output": [item]}},
    ]


KINDS = {
    "text": ("response.output_text", "output_text", "text"),
    "transcript": ("response.output_audio_transcript", "output_audio", "transcript"),
    "beta transcript": ("response.audio_transcript", "audio", "transcript"),
    "refusal": ("response.refusal", "refusal", "refusal"),
    "reasoning": ("response.reasoning_text", "reasoning_text", "text"),
}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


def sent(value: Any) -> bytes:
    return json.dumps(value).encode()


class Socket:
    """What a client gets, while each decision is `verdict`; what was decided."""

    def __init__(self, verdict: str = "pass") -> None:
        self.calls = SocketCalls(SocketTexts())
        self.verdict = verdict
        self.decided: list[tuple[str, ...]] = []
        self.got: list[Any] = []

    def say(self, *values: Any) -> list[Any]:
        before = len(self.got)
        for value in values:
            content = value if isinstance(value, bytes) else sent(value)
            if self.calls.ends_texts(content):
                self._decide()
            if not self.calls.take(content):
                left = self.calls.after(content)
                self.got += [json.loads(left)] if left is not None else []
            elif self.calls.decidable:
                self._decide()
        return self.got[before:]

    def _decide(self) -> None:
        self.decided.append(tuple(part.content for part in self.calls.undecided()))
        if self.verdict == "pass":
            self.got += map(json.loads, self.calls.let_through())
        elif (edited := self.calls.take_out("[not told]", texts=True)) is None:
            self.got.append("cut")
        else:
            self.got += map(json.loads, edited)


@kinds
def test_a_text_waits_from_its_items_beginning_until_it_ends_and_is_decided_once(kind):
    socket, told = Socket(), events(*kind)

    before = socket.say(CREATED, *told[:5])
    after = socket.say(*told[5:])

    assert before == [CREATED]
    assert after == told
    assert socket.decided == [(SAID,)]


@kinds
def test_a_text_that_was_taken_out_is_told_nowhere_and_the_answer_stays_whole(kind):
    socket, told = Socket("deny"), events(*kind)

    got = socket.say(CREATED, *told)

    assert "launch" not in json.dumps(got)
    assert "[not told]" in json.dumps(got)
    assert [event["type"] for event in got].count("response.output_item.done") == 1
    (item,) = got[-1]["response"]["output"]
    assert (item["type"], item["content"][0]["text"]) == ("message", "[not told]")
    assert socket.decided == [(SAID,)]


def test_sound_waits_with_its_transcript():
    socket = Socket("deny")
    told = events(*KINDS["transcript"])
    sound = {
        "type": "response.output_audio.delta",
        "output_index": 0,
        "item_id": "m1",
        "content_index": 0,
        "delta": "UklGRg==",
    }

    got = socket.say(CREATED, *told[:3], sound, *told[3:6], sound, *told[6:])

    assert "UklGRg" not in json.dumps(got)


def test_the_call_after_a_text_is_decided_by_itself():
    socket = Socket()
    call = {"type": "response.output_item.done", "output_index": 1, "item": CALL}

    got = socket.say(CREATED, *events(*KINDS["text"])[:9], call)

    assert got[-1] == call
    assert socket.decided == [(SAID,), (CALL["arguments"],)]


def test_a_long_text_is_decided_in_pieces_and_one_that_has_begun_is_not_taken_out():
    socket = Socket()
    begun, *_ = events(*KINDS["text"])
    piece = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a" * PIECE}
    code = {**piece, "delta": "launch-code 1234"}

    first = socket.say(CREATED, begun, piece)
    socket.verdict = "deny"
    second = socket.say(code, {"type": "response.done", "response": {"output": []}})

    assert first[1:] == [begun, piece]
    assert second == ["cut"]
    assert socket.decided[1] == ("a" * PIECE + "launch-code 1234",)


def test_a_last_event_that_says_other_than_the_pieces_did_is_decided_too():
    socket = Socket()
    told = events(*KINDS["text"])

    socket.say(CREATED, *told[:5], {**told[5], "text": "Something else."})

    assert [text for texts in socket.decided for text in texts] == [SAID, "Something else."]


def test_the_next_answer_is_decided_anew_and_an_echo_of_the_one_before_is_not():
    socket = Socket()
    told = events(*KINDS["text"])

    socket.say(CREATED, *told, {**CREATED, "response": {"id": "r2"}}, told[7], *told)

    assert socket.decided == [(SAID,), (SAID,)]


def test_what_a_person_said_does_not_wait():
    heard = [
        {"type": "conversation.item.input_audio_transcription.completed", "transcript": SAID},
        {"type": "conversation.item.created", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": SAID}]}},
        {"type": "session.updated", "session": {"instructions": SAID}},
    ]  # fmt: skip
    socket = Socket()

    assert socket.say(*heard) == heard
    assert socket.decided == []


def live(**content: Any) -> dict[str, Any]:
    return {"serverContent": content}


def turn(text: str) -> dict[str, Any]:
    return live(modelTurn={"parts": [{"text": text}]})


END = {**live(turnComplete=True), "usageMetadata": {"totalTokenCount": 9}}


@pytest.mark.parametrize(
    "pieces",
    [
        [turn(SAID[:12]), turn(SAID[12:])],
        [live(outputTranscription={"text": SAID[:12]}), live(output_transcription={"text": SAID[12:]})],
    ],
    ids=["text", "transcript"],
)
def test_a_turn_of_geminis_live_waits_until_it_is_complete(pieces):
    passing, denying = Socket(), Socket("deny")

    told = passing.say(*pieces)
    assert told == []
    assert passing.say(END) == [*pieces, END]
    assert passing.decided == [(SAID,)]

    got = denying.say(*pieces, END, turn("Next."), END)
    assert "launch" not in json.dumps(got)
    assert got[0] == turn("[not told]")
    assert got[1] == END


def test_the_rest_of_a_turn_whose_beginning_is_with_the_client_is_not_told():
    socket = Socket()
    long = turn("a" * PIECE)
    first = socket.say(long)
    socket.verdict = "deny"

    rest = socket.say(turn(f"{SAID}{'b' * PIECE}"), turn("And more."), live(generationComplete=True), END)

    assert first == [long]
    assert rest == [turn("[not told]"), live(generationComplete=True), END]


def test_a_text_is_decided_before_the_call_that_follows_it_and_does_not_wait_for_its_sake():
    socket = Socket()
    begun = {"type": "response.output_item.added", "output_index": 1, "item": {**CALL, "arguments": ""}}
    told = events(*KINDS["text"])[:5]

    assert socket.say(CREATED, *told, begun) == [CREATED, *told]
    assert socket.decided == [(SAID,)]


def test_a_call_of_geminis_live_ends_the_text_before_it():
    socket = Socket()
    call = {"toolCall": {"functionCalls": [{"id": "f", "name": "run_sql", "args": {}}]}}

    assert socket.say(turn(SAID), call) == [turn(SAID), call]
    assert socket.decided == [(SAID,), ("{}",)]


@pytest.mark.parametrize(
    "content", [b'{"answer": "launch-code"}', b"launch-code", b"[1]"], ids=["object", "no JSON", "list"]
)
def test_each_message_in_a_format_nobody_knows_is_a_text_and_cannot_be_edited(content):
    socket = SocketCalls(SocketTexts())

    assert socket.take(content)
    assert socket.decidable
    assert [part.content for part in socket.undecided()] == [content.decode()]
    assert socket.take_out("[not told]", texts=True) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "response.output_text.delta", "output_index": ["x"], "content_index": {}, "delta": 7},
        {"type": "response.output_item.added", "output_index": None, "item": "message"},
        {"type": "response.done", "response": [1]},
        {"serverContent": {"modelTurn": 3, "outputTranscription": []}},
        {"serverContent": None},
    ],
)
def test_odd_messages_pass_as_they_are(odd):
    assert Socket().say(CREATED, odd, {"type": "response.done", "response": {}})[1] == odd
