"""A long history that is sent again is not read again, and the record is the same to the last digest as if it had been."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from mitmproxy import connection, http

from addons import histories, hooks
from addons.console.desk import Desk
from addons.hooks import Exchange
from addons.masking import Masking
from addons.policy.decide import connection_named
from addons.tokens.caller import Caller, Grade
from addons.views import RequestView
from tests.console.desks import Clock, new_state, owning

ALICE = Caller("local|alice", "", ("engineering",), "afd_token", "tk_1", Grade.TRIAL, "", None, "os|root")
FILLER = "a sentence of ordinary words that fills the conversation until it is long enough. " * 20


@dataclass
class Read:
    """What one request gave: its view, and the size of the body that was parsed."""

    view: RequestView
    parsed_bytes: int
    last: str  # where the last turn stands


def flow_of(desk: Desk, connection_id: str, path: str, body: bytes) -> http.HTTPFlow:
    flow = http.HTTPFlow(
        connection.Client(peername=("127.0.0.1", 5), sockname=("127.0.0.1", 6), timestamp_start=0.0),
        connection.Server(address=("api.test", 443)),
    )
    flow.request = http.Request.make("POST", f"https://api.test{path}", body, {"content-type": "application/json"})
    found = connection_named(desk.policies, connection_id)
    assert found
    exchange = Exchange(desk.new_id("ex"), "proxy", desk.clock(), found.provider, path, ALICE, found)
    hooks.begin(flow, exchange)
    return flow


async def read_all(
    path: Path, connection_id: str, url: str, bodies: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> list[Read]:
    found: list[Read] = []
    sizes: list[int] = []
    parse: Callable[..., Any] = histories.doors.parse_call

    def measured(provider: str, request: Any) -> Any:
        sizes.append(len(request.body))
        return parse(provider, request)

    monkeypatch.setattr(histories.doors, "parse_call", measured)
    clock = Clock()
    async with owning(new_state(path, clock), clock) as desk:
        addon = Masking(desk)
        for body in bodies:
            flow = flow_of(desk, connection_id, url, body)
            await addon.request(flow)
            exchange = hooks.exchange_of(flow)
            assert exchange
            assert flow.response is None
            assert exchange.call
            found.append(Read(exchange.request, sizes[-1], exchange.call.turns[-1].pointer))
            addon._histories.sent(exchange.request)
    monkeypatch.undo()
    return found


def both(
    tmp_path: Path, connection_id: str, url: str, bodies: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Read], list[Read]]:
    """With beginnings remembered, and without. The same key of the person: digests can be compared."""
    monkeypatch.setattr("tests.console.desks.secrets.token_bytes", lambda count: bytes(range(256))[:count])
    quick = asyncio.run(read_all(tmp_path / "quick", connection_id, url, bodies, monkeypatch))
    monkeypatch.setattr("tests.console.desks.secrets.token_bytes", lambda count: bytes(range(256))[:count])
    monkeypatch.setattr(histories, "LONG_BODY", 1 << 40)
    plain = asyncio.run(read_all(tmp_path / "plain", connection_id, url, bodies, monkeypatch))
    return quick, plain


def chat(turns: int, *, tools: str = "search", change: int = -1, **more: Any) -> dict[str, Any]:
    messages = [
        {
            "role": "user" if at % 2 == 0 else "assistant",
            "content": f"{at} {'changed' if at == change else ''} {FILLER}",
        }
        for at in range(turns)
    ]
    tool = {"type": "function", "function": {"name": tools, "parameters": {"type": "object"}}}
    return {"model": "gpt-4o", "messages": messages, "tools": [tool], "stream": False, **more}


def claude(turns: int, *, system: str = "be brief") -> dict[str, Any]:
    messages = [
        {"role": "user" if at % 2 == 0 else "assistant", "content": [{"type": "text", "text": f'{at} "]" {FILLER}'}]}
        for at in range(turns)
    ]
    return {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages, "system": system}


def dumped(*bodies: dict[str, Any]) -> list[bytes]:
    return [orjson.dumps(body) for body in bodies]


GROWING = {
    "chat with tools behind the list": ("openai", "/v1/chat/completions", dumped(*(chat(n) for n in (8, 10, 12, 14)))),
    "messages with a system prompt behind the list": (
        "anthropic", "/v1/messages", dumped(*(claude(n) for n in (8, 10, 12))),
    ),
    "responses": (
        "openai", "/v1/responses",
        dumped(*({"model": "gpt-5", "input": chat(n)["messages"], "store": False} for n in (8, 9, 10))),
    ),
    "indented": (
        "openai", "/v1/chat/completions", [orjson.dumps(chat(n), option=orjson.OPT_INDENT_2) for n in (8, 10, 12)],
    ),
}  # fmt: skip
CHANGED = {
    "a message in the middle": dumped(chat(10), chat(12, change=3)),
    "the last message that was sent": dumped(chat(10), chat(12, change=9)),
    "the tools": dumped(chat(10), chat(12, tools="other")),
    "the model, behind nothing": dumped(chat(10), {**chat(12), "model": "o3"}),
    "shorter": dumped(chat(12), chat(10)),
    "the same again": dumped(chat(10), chat(10)),
    "a second list": [orjson.dumps(chat(10)), orjson.dumps(chat(12))[:-1] + b',"input":[{"role":"user"}]}'],
    "a second list of the same name": [
        orjson.dumps(chat(10)), orjson.dumps(chat(12))[:-1] + b',"mess\\u0061ges":[{"role":"user","content":"hidden"}]}',
    ],
    "torn": [orjson.dumps(chat(10)), orjson.dumps(chat(12))[:-40]],
    "not JSON behind the history": [
        orjson.dumps(chat(10)), orjson.dumps(chat(10)).partition(b'],"tools"')[0] + b',{"role":}],"tools":[]}',
    ],
    "a message that is no object": dumped(chat(10), {**chat(12), "messages": [*chat(10)["messages"], 7, "x"]}),
}  # fmt: skip


def record(read: Read) -> tuple[object, ...]:
    view = read.view
    return view.tip, [part.content for part in view.parts], view.parameters, view.link_reason, read.last


@pytest.mark.parametrize("name", GROWING)
def test_only_what_is_new_is_parsed(name, tmp_path, monkeypatch):
    connection_id, url, bodies = GROWING[name]

    quick, plain = both(tmp_path, connection_id, url, bodies, monkeypatch)

    assert [record(read) for read in quick] == [record(read) for read in plain]
    assert [read.parsed_bytes for read in plain] == [len(body) for body in bodies]
    assert all(read.parsed_bytes < len(body) / 2 for read, body in zip(quick[2:], bodies[2:], strict=True))
    assert {read.view.session_id for read in quick} == {quick[0].view.session_id}


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_not_as_it_was_is_read_as_if_for_the_first_time(name, tmp_path, monkeypatch):
    bodies = [orjson.dumps(chat(8)), *CHANGED[name], orjson.dumps(chat(14))]  # remembered from the second on

    quick, plain = both(tmp_path, "openai", "/v1/chat/completions", bodies, monkeypatch)

    assert [record(read) for read in quick] == [record(read) for read in plain]
