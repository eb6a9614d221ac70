"""Real replies, read by the room and by the official SDKs of OpenAI, Anthropic, Google and AWS: text, reasoning, tools and counts agree.

An SDK's refusal to read a recording is no fault of the room's: how many there may be is bounded, so that the comparison cannot vanish.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from addons.providers.call import Kind
from addons.providers.doors import parse_call, parse_reply
from addons.providers.wire import WireReply, WireRequest
from scripts.measuring.recorded import Recorded, read
from scripts.measuring.wire_events import parsed
from tests.end_to_end.sdk import PYTHON
from tests.wire import recordings

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not recordings.FILE.exists(), reason="the recordings (../shared/wire) are not part of the repository"
    ),
    pytest.mark.skipif(
        not PYTHON.exists(), reason="the SDKs are not installed; scripts/bootstrap --clients makes .venv-clients"
    ),
]

WORKER = Path(__file__).parents[1] / "clients" / "recorded_replies.py"
STREAMS = frozenset({"sse", "aws_eventstream", "json_array"})
# Which vendors' recordings each SDK is asked about: its own vendor's, and those that tell their users to take it.
ASKED = {
    "openai.chat": {"openai", "azure", "deepseek", "groq", "xai", "together", "openrouter", "ollama"},
    "openai.responses": {"openai", "azure", "xai", "deepseek"},
    "anthropic.messages": {"anthropic"},
    "gemini.generateContent": {"google_ai", "vertex"},
    "gemini.streamGenerateContent": {"google_ai", "vertex"},
    "bedrock.converse": {"bedrock"},
    "bedrock.converse-stream": {"bedrock"},
}


def asked() -> list[Recorded]:
    return [
        one for one in read(recordings.FILE)
        if one.label[0] in ASKED.get(one.label[1], ()) and one.status < 400 and one.said and one.framing in {"json", *STREAMS} and comparable(one)
    ]  # fmt: skip


def comparable(one: Recorded) -> bool:
    """Not several streams put into one file, which no SDK ever gets; not what an SDK hands on in pieces (Google's partial arguments) or leaves out
    (Anthropic's compaction in a stream)."""
    in_pieces = (b"partialArgs", b"willContinue", b"compaction_delta")
    return one.said.count(b'"message_start"') <= 1 and not any(word in one.said for word in in_pieces)


def by_sdk(records: list[Recorded]) -> dict[str, dict[str, Any]]:
    lines = [
        json.dumps({
            "mark": one.mark, "api": one.label[1], "streamed": one.framing in STREAMS,
            "content_type": "text/event-stream" if one.framing == "sse" else "application/json",
            "body": base64.b64encode(one.said).decode(),
        })
        for one in records
    ]  # fmt: skip
    done = subprocess.run(
        [PYTHON, WORKER], input="\n".join(lines), capture_output=True, text=True, timeout=600, check=True
    )
    return {row["mark"]: row for row in map(json.loads, done.stdout.splitlines())}


def by_room(one: Recorded) -> dict[str, Any]:
    path, _, query = one.target.partition("?")
    call = parse_call(one.provider, WireRequest(one.method, path, query, one.headers, one.body))
    reply = parse_reply(call, WireReply(one.status, one.reply_headers, one.said))
    kinds = {kind: "".join(part.content for part in reply.parts if part.kind is kind and not part.base64) for kind in (Kind.TEXT, Kind.REASONING)}  # fmt: skip
    return {
        "text": kinds[Kind.TEXT],
        "reasoning": kinds[Kind.REASONING],
        "tools": [(part.name, parsed(part.content)) for part in reply.parts if part.kind is Kind.TOOL_CALL],
        "input_tokens": reply.usage.input_tokens,
        "output_tokens": reply.usage.output_tokens,
        "reasoning_tokens": reply.usage.reasoning_tokens,
        "error": reply.error,
    }


def differences(sdk: dict[str, Any], room: dict[str, Any], api: str) -> list[str]:
    names = ["text"] + ([] if api == "openai.chat" else ["reasoning"])  # OpenAI's SDK knows no reasoning in chat
    wrong = [name for name in names if sdk[name] != room[name]]
    wrong += [
        name for name in ("input_tokens", "output_tokens", "reasoning_tokens") if sdk[name] not in (None, room[name])
    ]
    told = [(name, parsed(arguments)) for name, arguments in sdk["tools"]]
    return wrong + (["tools"] if [tool for tool in told if tool not in room["tools"]] else [])


def test_the_room_reads_what_the_official_sdks_read() -> None:
    records = asked()
    found = by_sdk(records)

    unread = {one.mark: found[one.mark]["error"] for one in records if "error" in found[one.mark]}
    read_by_both = [one for one in records if one.mark not in unread]
    rooms = {one.mark: by_room(one) for one in read_by_both}
    wrong = [
        (one.source, told)
        for one in read_by_both
        if not rooms[one.mark]["error"] and (told := differences(found[one.mark], rooms[one.mark], one.label[1]))
    ]
    assert wrong == []
    assert len(unread) <= len(records) // 50, Counter(error[:60] for error in unread.values()).most_common(10)
    assert {one.label[1] for one in read_by_both} == set(ASKED)
