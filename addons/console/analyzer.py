"""A detector by a model: Presidio's analyzer in a process of its own, asked over pipes. Off unless the policy names it. Not a model, and none is in the package.

    {"text": "…", "entities": ["PERSON"], "language": "en"}     a line to it
    {"spans": [[0, 8, "PERSON", 0.85]]}                          a line back

It fails closed: what it does not answer in time, or answers wrongly, is a text that could not be searched, so nothing of it is shown; the process is
ended and started again for the next one. Source: presidio-analyzer 2.2, AnalyzerEngine.analyze.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from addons.masks.detectors.kinds import Found
from addons.masks.sight import NEUTRAL, Sight
from addons.policy.model import Policies

_SHORTEST = 3  # letters; a shorter text names nobody
_ANSWER_BYTES = 8 << 20


class AnalyzerFailed(Exception):  # noqa: N818 -- carries the operator's sentence
    """The analyzer cannot be started."""


@dataclass(slots=True, eq=False)
class Analyzer:
    """Asked from several threads, answers one after the other."""

    command: Sequence[str]
    names: tuple[str, ...]  # of entities
    language: str
    seconds: float
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __repr__(self) -> str:
        return f"Analyzer({self.names!r}, {self.language!r})"  # part of what a remembered detection depends on

    @property
    def entities(self) -> frozenset[str]:
        return frozenset(self.names)

    def find(self, sight: Sight) -> Iterator[Found]:
        """Raises TimeoutError where there is no answer to trust."""
        if sum(map(str.isalpha, sight.text)) < _SHORTEST:
            return
        for start, end, entity, score in self._spans(sight.text):
            value = sight.text[start:end]
            if value and NEUTRAL not in value:
                yield Found(start, end, entity, score, value)

    def check(self) -> None:
        """At the start of the gateway, with ten times the time: models load slowly. Raises AnalyzerFailed."""
        try:
            self._spans("Jane Doe", self.seconds * 10 + 60)
        except TimeoutError:
            raise AnalyzerFailed(
                f"the analyzer of masking.yaml did not answer: {' '.join(self.command[:3])} …; install the extra (pip install 'affidavit[presidio]') and a model, or take the key `analyzer` out"
            ) from None

    def close(self) -> None:
        with self._lock:
            self._end()

    def _spans(self, text: str, seconds: float | None = None) -> list[tuple[int, int, str, float]]:
        question = json.dumps({"text": text, "entities": self.names, "language": self.language}).encode() + b"\n"
        with self._lock:
            try:
                return self._read(self._asked(question, time.monotonic() + (seconds or self.seconds)), len(text))
            except (OSError, ValueError, TypeError, KeyError) as error:
                self._end()
                raise TimeoutError from error

    def _read(self, answer: bytes, length: int) -> list[tuple[int, int, str, float]]:
        spans = [
            (int(start), int(end), str(entity), float(score))
            for start, end, entity, score in json.loads(answer)["spans"]
        ]
        if not all(0 <= start < end <= length and entity in self.names for start, end, entity, _ in spans):
            raise ValueError
        return spans

    def _asked(self, question: bytes, until: float) -> bytes:
        process = self._running()
        assert process.stdin
        assert process.stdout
        rest, answer = memoryview(question), bytearray()
        out, back = process.stdin.fileno(), process.stdout.fileno()
        while not answer.endswith(b"\n"):
            readable, writable, _ = select.select([back], [out] if rest else [], [], max(0.0, until - time.monotonic()))
            if not readable and not writable:
                raise OSError
            if writable:
                rest = rest[os.write(out, rest) :]
            if readable:
                piece = os.read(back, 65_536)
                answer += piece
                if not piece or len(answer) > _ANSWER_BYTES:
                    raise OSError
        return bytes(answer)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process and self._process.poll() is not None:
            self._end()
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 -- our own worker, by the interpreter that the operator named
                list(self.command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
            )
            assert self._process.stdin
            os.set_blocking(self._process.stdin.fileno(), False)
        return self._process

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            with self._process:  # waits, and closes its pipes
                self._process = None


WORKER = Path(__file__).resolve().parents[2] / "scripts" / "presidio_worker.py"


def analyzer_of(policies: Policies, python: str) -> Analyzer | None:
    """python: an interpreter that has presidio-analyzer."""
    asked = policies.masking_analyzer
    return Analyzer((python, str(WORKER)), asked.entities, asked.language, asked.seconds) if asked else None
