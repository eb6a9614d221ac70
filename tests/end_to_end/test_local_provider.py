"""The stand-in provider itself: it says that it is one, does what the script says, and fails as it is asked to."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from scripts.local_faults import FAULTS
from scripts.local_provider import LocalProvider, running
from tests.end_to_end.raw import Answer, answer, head, to

SCRIPT = "think: why\nsay: because\nuse tool run_sql: SELECT 1"


@pytest.fixture(scope="module")
def provider() -> Iterator[LocalProvider]:
    with running() as made:
        yield made


def post(provider: LocalProvider, path: str, body: dict, *headers: tuple[str, str]) -> Answer:
    data = json.dumps(body).encode()
    with to(provider.port) as sock:
        sock.sendall(
            head(
                "POST", path, [("host", "local"), ("connection", "close"), ("content-length", str(len(data))), *headers]
            )
            + data
        )
        return answer(sock)


def chat(prompt: str, **more: object) -> dict:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}], **more}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/anything", "/v1/text"])
def test_every_reply_says_that_it_is_simulated(provider: LocalProvider, path: str) -> None:
    told = post(provider, path, chat("hello"))

    assert told.headers["server"] == "affidavit-local-provider (simulated)"
    assert "simulated" in told.text


def test_the_last_user_message_is_the_script(provider: LocalProvider) -> None:
    message = post(provider, "/v1/chat/completions", chat(SCRIPT)).json()["choices"][0]["message"]

    assert (message["reasoning_content"], message["content"]) == ("why", "because")
    assert message["tool_calls"][0]["function"] == {"name": "run_sql", "arguments": '{"query": "SELECT 1"}'}


@pytest.mark.parametrize("delta_chars", [1, 3, 100])
def test_a_stream_adds_up_to_the_whole_reply(provider: LocalProvider, delta_chars: int) -> None:
    told = post(
        provider,
        "/v1/messages",
        chat(SCRIPT, stream=True),
        ("x-local-script", json.dumps({"delta_chars": delta_chars})),
    )
    events = [json.loads(line[6:]) for line in told.text.splitlines() if line.startswith("data: ")]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]

    assert "".join(delta.get("text", "") for delta in deltas) == "because"
    assert "".join(delta.get("partial_json", "") for delta in deltas) == '{"query": "SELECT 1"}'
    assert events[-1]["type"] == "message_stop"


@pytest.mark.parametrize(
    "fault", [name for name in FAULTS if name not in {"reset", "no-answer", "slow-headers", "huge"}]
)
def test_each_fault_still_answers_something(provider: LocalProvider, fault: str) -> None:
    assert post(provider, "/v1/chat/completions", chat("hello", stream=True), ("x-local-fault", fault)).status in {
        200,
        103,
        401,
    }


def test_a_fault_that_does_not_exist_is_no_healthy_reply(provider: LocalProvider) -> None:
    assert post(provider, "/v1/chat/completions", chat("hello"), ("x-local-fault", "misspelt")).status == 418


def test_no_answer_ends_the_connection(provider: LocalProvider) -> None:
    with to(provider.port) as sock:
        sock.sendall(
            head("POST", "/v1/text", [("host", "local"), ("content-length", "0"), ("x-local-fault", "no-answer")])
        )
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(100) == b""


def test_what_reached_it_is_counted_and_kept(provider: LocalProvider) -> None:
    before = provider.count

    post(provider, "/v1/anything?a=b", chat("remember this"), ("x-mark", "here"))

    kept = provider.log[-1]
    assert provider.count == before + 1
    assert (kept.target, kept.header("x-mark"), kept.json()["messages"][0]["content"]) == (
        "/v1/anything?a=b",
        "here",
        "remember this",
    )
