"""The SDKs as they are: a worker process in their own environment takes jobs and tells what the SDK gave its user, event by event."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-clients" / "bin" / "python"
CLIENTS = ROOT / "tests" / "clients"
ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Done:
    """What the SDK's user has in hand at the end."""

    text: str
    reasoning: str
    tools: tuple[tuple[str, Any], ...]  # (name, arguments as parsed JSON, or the text if it is none)
    model: str
    finish: str
    error: str  # "" if nothing was raised: type and text of the exception, as a traceback's last line prints them
    cause: str
    status: int | None
    events: int
    seconds: float


class Worker:
    """One client process; one job at a time."""

    def __init__(self, command: list[str]) -> None:
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        for line in self.popen.stdout:
            self.lines.put(line)

    def start(self, job: dict[str, Any]) -> None:
        assert self.popen.stdin
        self.popen.stdin.write(json.dumps(job) + "\n")
        self.popen.stdin.flush()

    def next(self, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """{"event": …} or {"done": …}."""
        try:
            return dict(json.loads(self.lines.get(timeout=seconds)))
        except queue.Empty:
            raise TimeoutError(f"the client said nothing for {seconds:g} s") from None

    def events_until(self, wanted: str, text: str) -> str:
        """Reads events until the `wanted` ("text" or "tool") of them together contain `text`."""
        seen = ""
        while text not in seen:
            line = self.next()
            assert "done" not in line, f"the reply ended before {text!r}: {line}"
            seen += line["event"].get(wanted) or ""
        return seen

    def done(self, seconds: float = ANSWER_SECONDS) -> Done:
        deadline = time.monotonic() + seconds
        while "done" not in (line := self.next(max(0.1, deadline - time.monotonic()))):
            pass
        found = line["done"]
        tools = tuple((tool["name"], parsed(tool["arguments"])) for tool in found.pop("tools"))
        return Done(**found | {"tools": tools, "error": found["error"] or ""})

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing more comes for that long. Puts nothing back: ask only where nothing is expected."""
        try:
            self.lines.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def close(self, *, kill: bool = False) -> None:
        assert self.popen.stdin
        if kill:
            self.popen.kill()
        self.popen.stdin.close()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.reader.join(10)
        assert self.popen.stdout
        self.popen.stdout.close()


def parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def python_command() -> list[str]:
    return [str(PYTHON), str(CLIENTS / "worker.py")]


def node_command() -> list[str] | None:
    """None where Node or its packages are not installed."""
    node = shutil.which("node")
    return [node, str(CLIENTS / "worker.mjs")] if node and (CLIENTS / "node_modules" / "openai").is_dir() else None


@contextmanager
def worker(command: list[str]) -> Iterator[Worker]:
    made = Worker(command)
    try:
        yield made
    finally:
        made.close()
