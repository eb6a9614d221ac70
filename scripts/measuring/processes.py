"""The processes that are measured, each pinned to a core, and ended with the run. Proxies on core 0; client and upstream on core 1."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE, LOAD_CORE = CORES[0], CORES[-1]


class DidNotStart(Exception):  # noqa: N818 -- ends the measurement with its own last words
    """A process of the measurement ended or did not listen in time."""


@dataclass(slots=True)
class Process:
    name: str
    popen: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid


def started(
    name: str, command: list[str], core: int, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """On one core, from its first thread on: taskset would be a program more to have."""
    pin = f"import os, sys; os.sched_setaffinity(0, {{{core}}}); os.execv(sys.argv[1], sys.argv[1:])"
    with (folder / f"{name}.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-c", pin, *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=dict(environment or os.environ),
        )  # fmt: skip


@contextlib.contextmanager
def ending(process: Process) -> Iterator[Process]:
    try:
        yield process
    finally:
        end(process)


def end(process: Process) -> None:
    if process.popen.poll() is None:
        process.popen.send_signal(signal.SIGTERM)
        try:
            process.popen.wait(15)
        except subprocess.TimeoutExpired:
            process.popen.kill()
            process.popen.wait()
    if process.popen.stdout:
        process.popen.stdout.close()


def wait_for(process: Process, ready: object) -> None:
    """Until `ready()`; fails with the process's last words."""
    deadline = time.monotonic() + START_SECONDS
    while not ready():  # type: ignore[operator] # any callable
        if process.popen.poll() is not None or time.monotonic() > deadline:
            words = process.log.read_text(errors="replace")[-1500:]
            raise DidNotStart(f"{process.name} did not start within {START_SECONDS:.0f} s: {words}")
        time.sleep(0.02)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def upstream(folder: Path, pem: Path) -> Iterator[Process]:
    popen = started("upstream", [sys.executable, "-m", "scripts.measuring.upstream", str(pem)], LOAD_CORE, folder)
    assert popen.stdout
    line = popen.stdout.readline()
    process = Process("upstream", popen, int(line or 0), folder / "upstream.log")
    with ending(process):
        wait_for(process, lambda: process.port and listens(process.port))
        yield process


STREAMING_ADDON = '''"""Bare mitmdump buffers replies; this makes it stream them, and does no more."""


def responseheaders(flow):
    flow.response.stream = True
'''


@contextlib.contextmanager
def bare(folder: Path, pem: Path, *, streaming: bool) -> Iterator[Process]:
    """The proxy as it comes; quiet, or its own printing would be measured."""
    name, port = "mitmdump-stream" if streaming else "mitmdump", free_ports("127.0.0.1", 1)[0]
    command = [str(Path(sys.executable).parent / "mitmdump"), "-q", "--listen-host", "127.0.0.1", "-p", str(port)]
    command += ["--set", f"confdir={folder / 'mitmdump'}", "--set", f"ssl_verify_upstream_trusted_ca={pem}"]
    if streaming:
        addon = folder / "streaming.py"
        addon.write_text(STREAMING_ADDON, encoding="utf-8")
        command += ["-s", str(addon)]
    process = Process(name, started(name, command, PROXY_CORE, folder), port, folder / f"{name}.log")
    with ending(process):
        wait_for(process, lambda: listens(port))
        yield process
