"""A fault inside any hook: what it was asked about does not leave, or does not come back as if nothing had happened."""

from __future__ import annotations

import sys

import pytest

from tests.end_to_end.gateway import Bench, Template, bench
from tests.end_to_end.sdk import Worker
from tests.faults.raising_launcher import PLANTED

BEFORE_IT_LEAVES = (
    "addons.connecting:Connecting.http_connect",
    "addons.connecting:Connecting.next_layer",
    "addons.identity:Identity.requestheaders",
    "addons.connecting:Connecting.server_connect",
    "addons.masking:Masking.request",
    "addons.recording:Recording.requestheaders",
    "addons.recording:Recording.request",
    "addons.approval:Approval.request",
    "addons.credentials:Credentials.request",
)
BEFORE_IT_COMES_BACK = (
    "addons.recording:Recording.responseheaders",
    "addons.credentials:Credentials.responseheaders",
    "addons.approval:Approval.response",
    "addons.masking:Masking.response",
    "addons.recording:Closing.response",
)


def launcher(place: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.faults.raising_launcher", place)


def log_of(made: Bench) -> str:
    return made.gateway.log.read_text(errors="replace")


@pytest.mark.parametrize("place", BEFORE_IT_LEAVES, ids=lambda place: place.partition(":")[2])
def test_a_fault_before_the_call_leaves_keeps_it_here(
    template: Template, tmp_path, python_sdk: Worker, place: str
) -> None:
    with bench(template, tmp_path, launcher=launcher(place)) as made:
        made.expects_faults = True

        done = made.ask(python_sdk, "openai", "proxy", "say: this must not leave")

        assert done.error != ""
        assert made.provider.count == 0
        assert f"fault in {place.partition(':')[2]}" in log_of(made)
        assert PLANTED not in log_of(made)


@pytest.mark.parametrize("mode", ["create", "stream"])
@pytest.mark.parametrize("place", BEFORE_IT_COMES_BACK, ids=lambda place: place.partition(":")[2])
def test_a_fault_on_the_way_back_is_no_success(
    template: Template, tmp_path, python_sdk: Worker, place: str, mode: str
) -> None:
    """The record is written all the same: the exchange is closed, or the next start finds it open and says interrupted."""
    with bench(template, tmp_path, launcher=launcher(place)) as made:
        made.expects_faults = True

        done = made.ask(python_sdk, "openai", "proxy", "say: this must not look whole", mode=mode)

        assert done.error != ""
        assert mode == "stream" or "must not look whole" not in done.error + done.text
        assert PLANTED not in log_of(made)
        assert len(made.exchanges_since(0)) == made.provider.count == 1


@pytest.mark.parametrize("place", ["addons.approval:Approval.reply_piece"])
def test_a_fault_while_a_tool_call_waits_keeps_the_tool_call_back(
    template: Template, tmp_path, python_sdk: Worker, place: str
) -> None:
    with bench(template, tmp_path, launcher=launcher(place)) as made:
        made.expects_faults = True

        done = made.ask(
            python_sdk,
            "openai",
            "proxy",
            "say: text\nuse tool run_sql: DELETE FROM customers",
            mode="stream",
            tools=True,
        )

        assert "DELETE" not in str(done.tools)
        assert done.error != ""
