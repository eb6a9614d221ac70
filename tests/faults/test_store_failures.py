"""A store that cannot be written: nothing leaves any more, nobody is told that it did, and after the repair the log verifies."""

from __future__ import annotations

import resource

import pytest

from scripts.local_gateway import launch
from tests.end_to_end.gateway import DOORS, SDKS, Bench
from tests.end_to_end.sdk import Worker
from tests.quick import quick


def disk_is_full(made: Bench) -> None:
    """No file of the gateway's may grow any more: writes fail as they do on a full disk (EFBIG for ENOSPC). setrlimit(2)."""
    resource.prlimit(made.gateway.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def disk_has_room(made: Bench) -> None:
    resource.prlimit(made.gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.parametrize("door", quick(1, DOORS))
@pytest.mark.parametrize("sdk", SDKS)
def test_with_a_full_disk_no_call_leaves_and_the_user_is_told(
    own: Bench, python_sdk: Worker, sdk: str, door: str
) -> None:
    own.expects_faults = True
    disk_is_full(own)

    first = own.ask(python_sdk, sdk, door, "say: this must not leave")
    disk_has_room(own)
    second = own.ask(python_sdk, sdk, door, "say: nor this, for the store has latched")

    assert "affidavit status" in first.error
    assert "affidavit status" in second.error
    assert own.provider.count == 0


def test_a_disk_that_fills_up_in_mid_stream_keeps_the_end_from_the_client(own: Bench, python_sdk: Worker) -> None:
    own.expects_faults = True
    python_sdk.start(
        own.job(
            "openai",
            "proxy",
            "say: one two three four five",
            mode="stream",
            script={"gate": "full", "gate_after": 4, "delta_chars": 4},
        )
    )
    python_sdk.events_until("text", "one")

    disk_is_full(own)
    own.provider.open_gate("full")
    done = python_sdk.done()

    assert done.error != "" or done.finish == ""


def test_after_a_restart_with_room_the_log_verifies_and_calls_go_on(own: Bench, python_sdk: Worker) -> None:
    own.expects_faults = True
    disk_is_full(own)
    own.ask(python_sdk, "openai", "proxy", "say: refused")
    disk_has_room(own)
    own.gateway.stop()

    own.gateway = launch(own.state, own.gateway.log)
    done = own.ask(python_sdk, "openai", "proxy", "say: written again")

    assert done.text == "written again"
    verified = own.state.run("verify", str(own.state.path), check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
