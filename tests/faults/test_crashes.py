"""SIGKILL before, during and after a stream: after the restart the log verifies, and every exchange that upstream saw is in the store."""

from __future__ import annotations

import json
import random
import threading
from contextlib import suppress
from http.client import HTTPException

import pytest

from scripts.local_gateway import Gateway, launch
from tests.end_to_end.gateway import Bench, Template, bench
from tests.end_to_end.raw import Answer
from tests.end_to_end.sdk import Worker

TEXT = "say: " + "a word and another one and so on " * 6


@pytest.fixture
def crashing(template: Template, tmp_path):
    with bench(template, tmp_path) as made:
        yield made


def killed_and_restarted(made: Bench) -> Gateway:
    made.gateway.kill()
    made.gateway = launch(made.state, made.gateway.log)
    return made.gateway


def prompts_seen(made: Bench) -> set[str]:
    return {json.loads(request.body)["messages"][-1]["content"].splitlines()[0] for request in made.provider.log}


def prompts_recorded(made: Bench) -> set[str]:
    rows = made.rows("SELECT content FROM messages WHERE direction = 'request' AND role = 'user'")
    return {row["content"].splitlines()[0] for row in rows}


def assert_whole(made: Bench) -> None:
    verified = made.state.run("verify", str(made.state.path), check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert prompts_seen(made) <= prompts_recorded(made)
    assert made.rows("SELECT id FROM exchanges WHERE outcome IS NULL") == []


def job(made: Bench, number: int, **script: object) -> dict:
    return made.job("openai", "proxy", f"round {number}\n{TEXT}", mode="stream", script=script or None)


def test_ten_crashes_lose_nothing_that_upstream_saw(crashing: Bench, python_sdk: Worker) -> None:
    """In turn: while upstream has not answered yet, in the middle of the stream, and right after its end."""
    outcomes = []
    for number in range(10):
        if number % 3 == 0:
            count = crashing.provider.count
            python_sdk.start(job(crashing, number, head_ms=60_000))
            crashing.until(lambda seen=count: crashing.provider.count > seen, "upstream has the request")
        elif number % 3 == 1:
            python_sdk.start(job(crashing, number, gate=f"crash-{number}", gate_after=4))
            python_sdk.events_until("text", "a word")
        else:
            python_sdk.start(job(crashing, number))
            assert python_sdk.done().error == ""
        outcomes.append("completed" if number % 3 == 2 else "interrupted")
        killed_and_restarted(crashing)
        assert number % 3 == 2 or python_sdk.done().error != ""
        assert_whole(crashing)

    recorded = [row["outcome"] for row in crashing.rows("SELECT outcome FROM exchanges ORDER BY opened_at")]
    assert recorded == outcomes


def test_a_crash_before_anything_left_leaves_a_log_that_verifies(crashing: Bench) -> None:
    killed_and_restarted(crashing)

    assert_whole(crashing)
    assert crashing.provider.count == 0


def test_what_was_completed_stays_completed(crashing: Bench, python_sdk: Worker) -> None:
    """The client's completion is our acknowledgement: closed is durable before the end is sent."""
    done = crashing.ask(python_sdk, "anthropic", "base_url", TEXT, mode="stream")
    killed_and_restarted(crashing)

    assert done.error == ""
    (row,) = crashing.rows("SELECT outcome, output_tokens FROM exchanges")
    assert row["outcome"] == "completed"
    assert row["output_tokens"] > 0


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_crashes_under_load_at_any_moment(crashing: Bench) -> None:
    chosen = random.Random(20261123)
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "ROUND"}]})
    for number in range(50):
        stop = threading.Event()

        def calls(client: int, number: int = number, stop: threading.Event = stop) -> None:
            for turn in range(200):
                if stop.is_set():
                    return
                text = f"round {number} client {client} turn {turn}"
                with suppress(OSError, ValueError, HTTPException):  # the connection broke off, at whatever point
                    answered: Answer = crashing.raw(
                        "proxy", body.replace("ROUND", text).encode(), headers=(("x-local-script", '{"event_ms": 2}'),)
                    )
                    assert answered

        threads = [threading.Thread(target=calls, args=(client,)) for client in range(4)]
        for thread in threads:
            thread.start()
        crashing.until(lambda seen=crashing.provider.count: crashing.provider.count > seen, "calls are under way")
        stop.wait(chosen.uniform(0, 0.3))
        crashing.gateway.kill()
        stop.set()
        for thread in threads:
            thread.join(60)
        crashing.gateway = launch(crashing.state, crashing.gateway.log)
        if number % 10 == 9:
            assert_whole(crashing)
    assert len(crashing.rows("SELECT 1 FROM events WHERE type = 'gateway.recovered'")) > 0
