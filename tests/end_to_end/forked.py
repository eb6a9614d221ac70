"""The `affidavit` command as a process of its own, forked from one that has imported it: starting hundreds of gateways and commands
costs their work, not their imports. So is `python -m MODULE` for a launcher of the tests; anything else is started as ever.

The server (`python -m tests.end_to_end.forked FD`) has one thread, so that a fork is safe. For each start it is sent argv, environment and
folder, with four descriptors: stdin, stdout, stderr and a pipe on which it says the child's pid, and its status when it ends.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from scripts.local_gateway import AFFIDAVIT, Process, started

ROOT = Path(__file__).parents[2]
MODULE = [sys.executable, "-m"]
NUMBER = struct.Struct("=q")
PRELOADED = ("scripts.proxy", "addons.stack", "scripts.affidavit", "scripts.approvals", "scripts.tokens", "scripts.verify", "scripts.init")  # fmt: skip


class Child:
    """A process that somebody else waits for, with Popen's own words."""

    def __init__(self, said: IO[bytes]) -> None:
        self._said = said
        self.pid = self._number()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            with selectors.DefaultSelector() as ready:
                ready.register(self._said, selectors.EVENT_READ)
                if not ready.select(timeout):
                    raise subprocess.TimeoutExpired("affidavit", timeout or 0)
            self.returncode = self._number()
            self._said.close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _number(self) -> int:
        (number,) = NUMBER.unpack(self._said.read(NUMBER.size))
        return int(number)


class Starter:
    """Starts `affidavit` and modules by a fork; everything else by `subprocess`."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server

    def __call__(
        self, command: Sequence[str], environment: Mapping[str, str], output: IO[bytes], errors: IO[bytes]
    ) -> Process:
        if command[0] != str(AFFIDAVIT) and list(command[:2]) != MODULE:
            return started(command, environment, output, errors)
        said, tells = os.pipe()
        asked = json.dumps([list(command), dict(environment), str(Path.cwd())]).encode()
        with Path(os.devnull).open("rb") as nothing:
            given = [nothing.fileno(), output.fileno(), errors.fileno(), tells]
            socket.send_fds(self._server, [NUMBER.pack(len(asked))], given)
            self._server.sendall(asked)
        os.close(tells)
        return Child(os.fdopen(said, "rb", buffering=0))


@contextlib.contextmanager
def forking() -> Iterator[Starter]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.forked", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
        )
        theirs.close()
        try:
            yield Starter(ours)
        finally:
            ours.close()  # the server ends with its last child
            server.wait(60)


def _serve(asked: socket.socket) -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, int] = {}
    open_for_more = True
    with selectors.DefaultSelector() as ready:
        ready.register(asked, selectors.EVENT_READ)
        ready.register(woken, selectors.EVENT_READ)
        while open_for_more or children:
            for key, _ in ready.select():
                if key.fileobj == woken:
                    os.read(woken, 4096)
                    _tell_ended(children)
                elif not _start(asked, children, [woken, wake, asked.fileno()]):
                    ready.unregister(asked)
                    open_for_more = False


def _tell_ended(children: dict[int, int]) -> None:
    while children and (found := os.waitpid(-1, os.WNOHANG))[0]:
        pid, status = found
        tells = children.pop(pid)
        with contextlib.suppress(BrokenPipeError):
            os.write(tells, NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os.close(tells)


def _start(asked: socket.socket, children: dict[int, int], ours: list[int]) -> bool:
    head, given, _, _ = socket.recv_fds(asked, NUMBER.size, 4)
    if not head:
        return False
    (left,) = NUMBER.unpack(head)
    words = b""
    while len(words) < left:
        words += asked.recv(left - len(words))
    command, environment, folder = json.loads(words)
    *standard, tells = given
    if (pid := os.fork()) == 0:
        _become(command, environment, folder, standard, [tells, *ours, *children.values()])
    os.write(tells, NUMBER.pack(pid))
    children[pid] = tells
    for fd in standard:
        os.close(fd)
    return True


def _become(
    command: list[str], environment: dict[str, str], folder: str, standard: list[int], closed: list[int]
) -> NoReturn:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, fd in enumerate(standard):
        os.dup2(fd, number)
    for fd in (*standard, *closed):
        os.close(fd)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = command
    streams: list[Any] = [open(fd, mode, closefd=False, encoding="utf-8") for fd, mode in enumerate("rww")]  # noqa: SIM115 -- for as long as the process lives
    sys.stdin, sys.stdout, sys.stderr = streams
    if command[:2] == MODULE:
        sys.argv = command[2:]
        runpy.run_module(command[2], run_name="__main__", alter_sys=True)
        sys.exit(0)
    affidavit = importlib.import_module("scripts.affidavit")
    sys.exit(affidavit.main(command[1:]))


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
