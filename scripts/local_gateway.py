"""A gateway of one's own on loopback, for the demo, the tests and the measurements: a state, its tokens, and the real launcher as a process.

Not a way to run a gateway for others: `affidavit proxy` is. Everything here goes through the `affidavit` command, as a person would.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

AFFIDAVIT = Path(sys.executable).parent / "affidavit"
START_SECONDS = 40.0
STOP_SECONDS = 20.0
RUN_SECONDS = 120.0


class CommandFailed(Exception):  # noqa: N818 -- carries the command's own error: and hint: lines
    """An `affidavit` command that was expected to work did not."""


class GatewayDidNotStart(Exception):  # noqa: N818 -- as above
    """`affidavit proxy` ended, or wrote no ports in time."""


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Only what a program needs: no proxy, key or state of the person who runs us."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return {**kept, "HOME": str(home), **more}


class Process(Protocol):
    """What is asked of a started process; Popen's words."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


Start = Callable[[Sequence[str], Mapping[str, str], IO[bytes], IO[bytes]], Process]


def started(
    command: Sequence[str], environment: Mapping[str, str], output: IO[bytes], errors: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=errors)


@dataclass(frozen=True, slots=True)
class State:
    """A state folder, and the `affidavit` command on it."""

    path: Path
    environment: Mapping[str, str] = field(repr=False)
    start: Start = field(default=started, repr=False)

    def run(self, *words: str, token: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        own = {"AFFIDAVIT_STATE": str(self.path), **({"AFFIDAVIT_TOKEN": token} if token else {})}
        command = [str(AFFIDAVIT), *words]
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = self.start(command, {**self.environment, **own}, output, errors)
            try:
                status = process.wait(RUN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            output.seek(0)
            errors.seek(0)
            done = subprocess.CompletedProcess(command, status, output.read().decode(), errors.read().decode())
        if check and done.returncode:
            raise CommandFailed(f"affidavit {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *words: str, token: str = "") -> object:
        return json.loads(self.run(*words, "--json", token=token).stdout)

    def init(self) -> None:
        self.run("init")

    def write_policies(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.path / "policies" / name).write_text(text, encoding="utf-8")

    def mint(self, name: str, *groups: str) -> str:
        """A gateway token, which identifies `name` as a member of `groups`."""
        flags = [word for group in groups for word in ("--group", group)]
        minted = self.json("token", "mint", "--name", name, "--email", f"{name}@example.com", *flags)
        assert isinstance(minted, dict)
        return str(minted["token"])


@dataclass(slots=True)
class Gateway:
    """A running gateway."""

    state: State
    popen: Process
    proxy_port: int
    base_url_port: int
    log: Path  # stdout and stderr

    @property
    def pid(self) -> int:
        return self.popen.pid

    def proxy_url(self, token: str) -> str:
        return f"http://affidavit:{token}@127.0.0.1:{self.proxy_port}"

    def base_url(self, connection: str) -> str:
        return f"http://127.0.0.1:{self.base_url_port}/{connection}"

    @property
    def bundle(self) -> Path:
        return self.state.path / "bundle.pem"

    def stop(self) -> int:
        """Ends it in good order; its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut would: no handler runs."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        try:
            return self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise


def proxy_command(
    state: State, options: Sequence[str] = (), launcher: Sequence[str] = (str(AFFIDAVIT), "proxy")
) -> list[str]:
    return [
        *launcher,
        *("--set", f"affidavit_state={state.path}", "--set", "listen_port=0", "--set", "affidavit_base_url_port=0"),
        *("--set", "affidavit_console_port=0"),
        *options,
    ]


def launch(state: State, log: Path, options: Sequence[str] = (), **changes: Sequence[str]) -> Gateway:
    """Starts the launcher and waits until it has written where it listens."""
    command = proxy_command(state, options, **changes)
    ports_file = state.path / "ports.json"
    ports_file.unlink(missing_ok=True)  # of a gateway that was killed
    with log.open("ab") as output:
        popen = state.start(command, state.environment, output, output)

    def ports() -> dict[str, int] | None:
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads(ports_file.read_text(encoding="utf-8")))
        return None

    try:
        until(lambda: ports() is not None or popen.poll() is not None, START_SECONDS, "the gateway wrote no ports.json")
    except TimeoutError as late:
        popen.kill()
        popen.wait()
        raise GatewayDidNotStart(f"{late}\n{log.read_text(errors='replace')[-3000:]}") from late
    found = ports()
    if found is None:
        raise GatewayDidNotStart(f"exit {popen.returncode}\n{log.read_text(errors='replace')[-3000:]}")
    return Gateway(state, popen, found["proxy"], found["base_url"], log)


@contextlib.contextmanager
def running(state: State, log: Path, options: Sequence[str] = (), **changes: Sequence[str]) -> Iterator[Gateway]:
    gateway = launch(state, log, options, **changes)
    try:
        yield gateway
    finally:
        gateway.stop()


def until(ready: Callable[[], object], seconds: float, what: str) -> None:
    """Asks again and again; TimeoutError with `what` in it when `seconds` are over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {seconds:g} s")
        time.sleep(0.01)
