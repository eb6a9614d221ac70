"""addons/providers/withholding.py with addons/taps.py: a reply without the tool calls that were denied, in each format."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from addons.providers.call import Kind
from addons.providers.doors import parse_reply
from addons.providers.events import events_in, written
from addons.providers.wire import WireReply
from addons.providers.withholding import Withholding, without_calls
from addons.taps import Tap
from tests.wire.twins import Twin, load, streams

FORMATS = (
    "openai.chat", "openai.responses", "anthropic.messages", "gemini.generate", "gemini.interactions", "bedrock.converse", "bedrock.agent",
    "cohere.chat", "cohere.chat_v1", "ollama.chat",
)  # fmt: skip
SENTENCE = "[A tool call was taken out: ap_1 was denied by bob: production data.]"
CALLING = [
    twin
    for twin in streams()
    if twin.endpoint in FORMATS and any(part[0] == "tool_call" for part in twin.said["parts"])
]
PROVIDERS_OWN = {
    "web_search",
    "web_search_call",
    "demo.echo",
    "google_search",
}  # run by the provider: nothing of them can be taken back
CALLED = {"tool_calls", "function_call", "tool_use", "TOOL_CALL", "requires_action"}


def name(twin: Twin) -> str:
    return f"{twin.endpoint}/{twin.name}"


def guarded(twin: Twin) -> Tap:
    return Tap(limit=1 << 20, parser=twin.parser(), guarded=True)


def decided(twin: Twin, size: int, verdicts) -> tuple[bytes, int]:
    """What the client gets when each batch of calls is denied (True) or let through; and how many batches there were."""
    tap, passed, batches = guarded(twin), bytearray(), 0

    def settle() -> None:
        nonlocal batches
        while tap.waiting:
            own = {part.name for part in tap.undecided()} <= PROVIDERS_OWN
            out = tap.take_out(SENTENCE, Withholding.of(twin.endpoint, twin.parser)) if verdicts(batches) else None
            assert out is not None or own or not verdicts(batches)
            passed.extend(tap.let_through() if out is None else out)
            batches += not own

    for at in range(0, len(twin.body), size):
        passed += tap.feed(twin.body[at : at + size])
        settle()
    passed += tap.finish()
    settle()
    return bytes(passed + tap.release()), batches


def read(twin: Twin, body: bytes):
    return parse_reply(twin.call, WireReply(200, (("content-type", twin.content_type),), body))


def otherwise_carried() -> list[Twin]:
    """The same events in the other framings they come in: Claude's through Bedrock's InvokeModel, Gemini's without alt=sse."""
    found = []
    for twin in CALLING:
        events = [event[1] for event, _ in events_in(twin.body) if event]
        if name(twin) == "anthropic.messages/tools.sse":
            body = b"".join(written([("", value)], b"\0") for value in events)
            kind = "application/vnd.amazon.eventstream"
            found.append(replace(twin, name="tools.invoke", content_type=kind, body=body))
        if name(twin).startswith("gemini.generate/tools"):
            body = b"[" + b",\r\n".join(json.dumps(value).encode() for value in events) + b"\n]"
            found.append(
                replace(twin, name=twin.name.replace(".sse", ".array"), content_type="application/json", body=body)
            )
    return found


def clients_calls(twin: Twin) -> bool:
    tap = guarded(twin)
    tap.feed(twin.body)
    tap.finish()
    while tap.waiting:
        if not {part.name for part in tap.undecided()} <= PROVIDERS_OWN:
            return True
        tap.let_through()
    return False


MINE = [twin for twin in (*CALLING, *otherwise_carried()) if clients_calls(twin)]


def test_every_format_is_here() -> None:
    assert {"tools.invoke", "tools.array", "tools_in_pieces.array"} <= {twin.name for twin in MINE}
    assert {twin.endpoint for twin in MINE} == set(FORMATS)


@pytest.mark.parametrize("size", [7, 10_000])
@pytest.mark.parametrize("twin", MINE, ids=name)
def test_a_denied_call_is_gone_and_the_rest_is_the_same(twin: Twin, size: int) -> None:
    body, batches = decided(twin, size, lambda _: True)

    before, after = read(twin, twin.body), read(twin, body)
    assert batches
    assert {part.name for part in after.parts if part.kind is Kind.TOOL_CALL} <= PROVIDERS_OWN
    assert SENTENCE in "".join(part.content for part in after.parts if part.kind is Kind.TEXT) or not before.complete
    assert not CALLED & set(after.finish_reasons)
    assert (after.model, after.response_id, after.usage, after.complete) == (
        before.model, before.response_id, before.usage, before.complete,
    )  # fmt: skip


@pytest.mark.parametrize("size", [7, 10_000])
@pytest.mark.parametrize("twin", MINE, ids=name)
def test_what_is_let_through_is_byte_for_byte_what_came(twin: Twin, size: int) -> None:
    assert decided(twin, size, lambda _: False)[0] == twin.body


@pytest.mark.parametrize("twin", MINE, ids=name)
def test_a_call_that_passed_keeps_the_finish_reason(twin: Twin) -> None:
    body, batches = decided(twin, 10_000, lambda batch: batch > 0)

    after = read(twin, body)
    assert any(part.kind is Kind.TOOL_CALL for part in after.parts)
    if batches == 1:
        assert after == read(twin, twin.body)
    elif twin.endpoint in {"anthropic.messages", "bedrock.converse"}:
        assert after.finish_reasons == ("tool_use",)


WHOLE = [
    twin
    for twin in load()
    if twin.endpoint in FORMATS
    and twin.name.endswith(".json")
    and any(part[0] == "tool_call" for part in twin.said["parts"])
]


@pytest.mark.parametrize("twin", WHOLE, ids=name)
def test_a_whole_reply_without_its_calls(twin: Twin) -> None:
    body = without_calls(twin.endpoint, twin.body, SENTENCE)

    assert body is not None
    after = read(twin, body)
    texts = "".join(part.content for part in after.parts if part.kind is Kind.TEXT)
    assert SENTENCE in texts or not _has_clients_call(twin)
    assert not CALLED & set(after.finish_reasons)


def _has_clients_call(twin: Twin) -> bool:
    return without_calls(twin.endpoint, twin.body, SENTENCE) != without_calls(twin.endpoint, twin.body, "")


def test_the_closing_object_of_a_responses_stream_has_the_message_in_the_calls_place() -> None:
    (twin,) = [twin for twin in MINE if name(twin) == "openai.responses/tools.sse"]

    body, _ = decided(twin, 10_000, lambda _: True)

    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["message", "web_search_call"]
    numbers = [event["sequence_number"] for event in events]
    assert numbers == list(range(len(numbers)))


def test_a_format_without_an_editor_is_refused() -> None:
    """A run of OpenAI's assistants waits for its result at the provider: without the call the reply would not be the truth."""
    assert Withholding.of("openai.assistants", lambda: None) is None
    assert without_calls("openai.assistants", b"{}", SENTENCE) is None


def test_what_is_no_json_is_refused() -> None:
    assert without_calls("openai.chat", b"<html>", SENTENCE) is None


def test_a_stream_in_another_format_than_promised_is_refused_rather_than_passed_with_its_call() -> None:
    (twin,) = [twin for twin in MINE if name(twin) == "anthropic.messages/tools.sse"]
    tap = guarded(twin)
    tap.feed(twin.body)

    assert tap.take_out(SENTENCE, Withholding.of("openai.chat", twin.parser)) is None
    assert tap.waiting
