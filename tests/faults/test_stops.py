"""SIGTERM in the middle of a reply: what came so far is recorded as interrupted before the gateway is gone."""

from __future__ import annotations

from scripts.local_gateway import launch
from tests.end_to_end.gateway import Bench
from tests.end_to_end.sdk import python_command, worker
from tests.faults.test_crashes import job


def test_a_stop_in_mid_stream_closes_the_exchange_with_what_came(own: Bench) -> None:
    with worker(python_command()) as client:
        client.start(job(own, 1, gate="stop", gate_after=4))
        client.events_until("text", "a word")

        status = own.gateway.stop()
        client.popen.kill()

    (exchange,) = own.rows("SELECT id, outcome, error FROM exchanges")
    said = own.rows("SELECT content FROM messages WHERE direction = 'response'")
    own.gateway = launch(own.state, own.gateway.log)
    assert status == 0
    assert (exchange["outcome"], exchange["error"]) == ("interrupted", "gateway_stopped")
    assert said[0]["content"].startswith("a word")
    assert own.rows("SELECT count(*) AS n FROM events WHERE type = 'exchange.closed'")[0]["n"] == 1
