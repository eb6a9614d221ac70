"""`scripts/measure wire`: on recordings of every framing, made here; and that it would see what it is there to see."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.measuring.recorded import FileUnreadable, read
from scripts.measuring.wire_events import Said
from scripts.measuring.wire_said import said
from scripts.measuring.wire_store import Kept, differences, same, same_value

CHAT = {"id": "c1", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Write to ann@example.com, card 4539 1488 0343 6467"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}  # fmt: skip
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"where": "here"}'}}
STREAM = "".join(
    f"data: {json.dumps({'id': 'c2', 'object': 'chat.completion.chunk', 'model': 'm', 'choices': [choice]})}\n\n"
    for choice in (
        {"index": 0, "delta": {"role": "assistant", "reasoning_content": "hm, ünïcode"}},
        {"index": 0, "delta": {"tool_calls": [CALL]}},
        {"index": 0, "delta": {}, "finish_reason": "tool_calls"},
    )
)


def row(api: str, body: str | bytes, framing: str, **more: Any) -> dict[str, Any]:
    packed = isinstance(body, bytes)
    return {
        "source_repo": "here", "source_path": api, "index": 0, "provider": "openai", "api": api, "host": "api.openai.com", "port": None,
        "scheme": "https", "method": "POST", "path": "/v1/chat/completions", "query": "", "framing": framing, "status": 200,
        "request_headers": {"Content-Type": ["application/json"], "Authorization": ["Bearer SCRUBBED"]},
        "request_body": '{"model": "m", "messages": [{"role": "user", "content": "hi"}]}', "request_body_kind": "text", "request_encoding": "identity",
        "response_headers": {"Content-Type": ["application/json"]}, "response_encoding": "identity",
        "response_body": base64.b64encode(body).decode() if packed else body, "response_body_kind": "base64" if packed else "text",
    } | more  # fmt: skip


ROWS = [
    row("openai.chat", json.dumps(CHAT), "json"),
    row("openai.chat", gzip.compress(json.dumps(CHAT).encode()), "json", response_encoding="gzip", response_headers={"content-type": ["application/json"], "content-encoding": ["gzip"]}),
    row("openai.chat", STREAM + "data: [DONE]\n\n", "sse", response_headers={"content-type": ["text/event-stream"]}),
    row("openai.traces", "", "empty", status=204, path="/v1/traces/ingest"),
    row("openai.chat", '{"error": {"type": "rate_limit_error", "message": "slow down"}}', "json", status=429),
    row("non_llm", "{}", "json", host="api.example.com", path="/x"),
    row("openai.realtime", "", "websocket", method="GET", path="/v1/realtime", status=101, request_body="", response_headers={}, ws_messages=[
        {"dir": "server", "text": '{"type": "session.created"}'}, {"dir": "client", "text": '{"type": "response.create"}'},
    ]),
]  # fmt: skip


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    file = folder / "recorded.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return file


@pytest.mark.long
def test_every_framing_arrives_as_it_was_sent_and_the_store_says_what_was_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.measuring", "wire", str(written(tmp_path, ROWS)), "--seed", "5"]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "rows.json")], capture_output=True, text=True, timeout=120, check=False
    )

    figures = {each["name"]: each["value"] for each in json.loads((tmp_path / "rows.json").read_text())}
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: figures[name] for name in ("wire_equal_ratio", "wire_parsed_ratio", "wire_failed")} == {
        "wire_equal_ratio": 1, "wire_parsed_ratio": 1, "wire_failed": 0,
    }  # fmt: skip
    assert "seed 5" in done.stderr


def test_a_file_that_is_none_is_named_with_a_hint(tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text("hello\n")

    done = subprocess.run([sys.executable, "-m", "scripts.measuring", "wire", str(file)], capture_output=True, text=True, timeout=60, check=False)  # fmt: skip

    assert (done.returncode, done.stderr.startswith("error: "), "hint: " in done.stderr) == (1, True, True)
    with pytest.raises(FileUnreadable):
        list(read(file))


SAME = {
    "equal": ("a card 4539", "a card 4539", True),
    "masked": ("a card 4539 here", "a card [CREDIT_CARD:abcd] here", True),
    "masked twice": ("a@b and c@d", "[EMAIL_ADDRESS] and [EMAIL_ADDRESS]", True),
    "masked JSON, spelled anew": ('{\n "to": "a@b",\n "n": 1}', '{"to":"[EMAIL_ADDRESS:x]","n":1}', True),
    "a word is lost": ("a card 4539 right here", "a card [CREDIT_CARD:abcd] here too", False),
    "other words": ("a card", "a cart", False),
    "placeholder before its words": ("here 4539", "[CREDIT_CARD:abcd] here", False),
    "other number in JSON": ('{"to": "a@b", "n": 2}', '{"to":"[EMAIL_ADDRESS:x]","n":1}', False),
}


@pytest.mark.parametrize(("told", "stored", "expected"), SAME.values(), ids=SAME)
def test_only_masked_places_may_differ(told: str, stored: str, expected: bool) -> None:
    assert same(told, stored) is expected


def test_arguments_are_compared_as_values() -> None:
    assert same_value({"a": [1, {"b": "4539"}]}, {"a": [1, {"b": "[CREDIT_CARD:x]"}]})
    assert not same_value({"a": 1}, {"a": 1, "b": 2})
    assert not same_value({"a": [1]}, {"a": [1, 2]})


def test_each_thing_the_store_says_otherwise_is_named(tmp_path: Path) -> None:
    records = list(read(written(tmp_path, ROWS)))
    told = said(records[2])
    assert isinstance(told, Said)
    right = [("reasoning", "", "hm, ünïcode"), ("tool_call", "look", '{"where":"here"}')]
    counts = (None, None, None)

    assert differences(records[2], told, Kept("openai.chat", "completed", "", 200, counts, right)) == []
    assert differences(records[2], told, Kept("openai.chat", "completed", "", 200, counts, [("text", "", "hm")])) == [
        "text", "reasoning", "tools",
    ]  # fmt: skip
    assert differences(records[0], said(records[0]), Kept("openai.chat", "completed", "", 200, (3, 4, None), [])) == [
        "text", "output_tokens",
    ]  # fmt: skip
    assert differences(records[4], None, Kept("openai.chat", "completed", "", 429, counts, [])) == ["error"]
