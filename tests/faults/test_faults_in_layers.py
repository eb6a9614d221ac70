"""A fault below the hooks, in a layer or in our connection handler: the connection ends, its value is not logged, and upstream got no request that is not on record."""

from __future__ import annotations

import sys

import pytest

from tests.end_to_end.gateway import Bench, Template, bench
from tests.end_to_end.sdk import Worker
from tests.faults.raising_launcher import PLANTED

STREAM = "mitmproxy.proxy.layers.http:HttpStream"
BEFORE_IT_IS_KNOWN = (
    "addons.handler:Handler._layer_for",
    "addons.handler:Handler._send",
    f"{STREAM}.state_wait_for_request_headers",
    f"{STREAM}.state_consume_request_body",
)
WHEN_IT_LEAVES = "mitmproxy.proxy.layers.http:HttpLayer.get_connection"
ON_THE_WAY_BACK = (f"{STREAM}.state_wait_for_response_headers", f"{STREAM}.state_consume_response_body")


def faulty(template: Template, folder, place: str):
    return bench(template, folder, launcher=(sys.executable, "-m", "tests.faults.raising_launcher", place))


def log_of(made: Bench) -> str:
    made.expects_faults = True
    return made.gateway.log.read_text(errors="replace")


@pytest.mark.parametrize("place", BEFORE_IT_IS_KNOWN, ids=lambda place: place.partition(":")[2])
def test_a_fault_before_the_request_is_known_whole_ends_the_connection_and_nothing_leaves(
    template: Template, tmp_path, python_sdk: Worker, place: str
) -> None:
    with faulty(template, tmp_path, place) as made:
        done = made.ask(python_sdk, "openai", "proxy", "say: this must not leave")

        assert done.error != ""
        assert (made.provider.count, made.exchanges_since(0)) == (0, [])
        assert "fault in a connection" in log_of(made)
        assert PLANTED not in log_of(made)


def test_a_fault_when_it_is_to_leave_keeps_it_here_and_is_recorded_as_failed(
    template: Template, tmp_path, python_sdk: Worker
) -> None:
    with faulty(template, tmp_path, WHEN_IT_LEAVES) as made:
        done = made.ask(python_sdk, "openai", "proxy", "say: this must not leave")

        assert done.error != ""
        assert made.provider.count == 0
        exchange = made.closed_exchange(0)
        assert (exchange["outcome"], exchange["error"]) == ("failed", "gateway_fault")
        assert PLANTED not in log_of(made)


@pytest.mark.parametrize("place", ON_THE_WAY_BACK, ids=lambda place: place.partition(":")[2])
def test_a_fault_on_the_way_back_ends_the_connection_and_is_recorded_as_failed(
    template: Template, tmp_path, python_sdk: Worker, place: str
) -> None:
    with faulty(template, tmp_path, place) as made:
        done = made.ask(python_sdk, "openai", "proxy", "say: this must not look whole")

        assert done.error != ""
        assert made.provider.count == 1
        exchange = made.closed_exchange(0)
        assert (exchange["outcome"], exchange["error"]) == ("failed", "gateway_fault")
        assert "fault in a connection" in log_of(made)
        assert PLANTED not in log_of(made)
