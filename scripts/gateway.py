"""The gateway as a command finds it: the one that runs on the state, else one of its own. And what its policies mean for a client.

Commands that run at the same time share a gateway that one of them started; the last to leave stops it. Each holds a shared
flock on `run.lock`; who can take it alone is the last.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from addons.console import reach
from addons.console.state import Ports, StateFolder
from scripts.client_settings import Door, java_store
from scripts.terminal import Failed

START_SECONDS = 30.0
STOP_SECONDS = 15.0
ROOT = Path(__file__).resolve().parent.parent


def connections(folder: StateFolder) -> list[Any]:
    """As the running gateway has them in force; where none runs, as they lie in the state."""
    try:
        found: list[Any] = reach.ask_owner(folder, "GET", "/connections")["connections"]
    except reach.NobodyListens:
        from addons.console.desk import policies_in  # noqa: PLC0415 -- half a second that the other way need not pay
        from addons.console.shapes import connection_shape  # noqa: PLC0415

        found = [connection_shape(connection) for connection in policies_in(folder.policies).connections]
    return found


def doors(folder: StateFolder) -> tuple[Door, ...]:
    return tuple(Door(row["id"], row["provider"], row["own_key"]) for row in connections(folder))


def with_java_store(folder: StateFolder) -> StateFolder:
    """A state whose bundle was written before Java's stood beside it gets that now."""
    if folder.bundle.is_file() and not Path(java_store(str(folder.bundle))).is_file():
        from scripts import ca  # noqa: PLC0415 -- cryptography, which nothing else here needs

        ca.write_java_store(folder.bundle)
    return folder


@contextlib.contextmanager
def running_gateway(folder: StateFolder) -> Iterator[Ports]:
    """The gateway that owns the state; where none does, one that ends with the last command that uses it."""
    folder.check()
    with (folder.path / "run.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield folder.ports() or _start(folder)
        finally:
            if _is_last(users):
                _stop(folder)


def _start(folder: StateFolder) -> Ports:
    log = folder.path / "gateway.log"
    # -P: a folder `scripts` where the person stands is not ours.
    command = [sys.executable, "-P", "-m", "scripts.affidavit", "proxy", "--state", str(folder.path)]
    command += ["--listen-host", "127.0.0.1", "-p", "0", "--set", "affidavit_base_url_port=0"]
    command += ["--set", "affidavit_console_port=0"]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with log.open("wb") as output:
        log.chmod(0o600)
        # A session of its own: Ctrl-C is for the command, and the gateway outlives it to record its end.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if ports := folder.ports():
            if ports.pid == process.pid:
                _started_here(folder).write_text(str(process.pid))
            else:  # somebody was faster; ours would wait for the state and take it when they stop
                process.kill()
                process.wait()
            return ports
        if process.poll() is not None and folder.owner() is None:
            break
        time.sleep(0.02)
    process.kill()
    said = log.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    raise Failed(
        "the gateway did not start: " + "; ".join(said[-3:]),
        f"see {log}; or start it yourself: affidavit proxy --state {folder.path}",
    )


def _is_last(users: IO[str]) -> bool:
    """Our share is given back first: two who leave at once would else each find the other's."""
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stop(folder: StateFolder) -> None:
    """The gateway, if it is one that such a command started; one that an operator started stays."""
    marker = _started_here(folder)
    try:
        pid = int(marker.read_text())
    except (OSError, ValueError):
        return
    marker.unlink()
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if folder.owner() != pid:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)
        deadline = time.monotonic() + STOP_SECONDS
        while folder.owner() == pid and time.monotonic() < deadline:
            time.sleep(0.02)


def _started_here(folder: StateFolder) -> Path:
    return folder.path / "run.gateway"
