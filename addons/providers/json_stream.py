r"""Streams of JSON values: one a line, one after the other, or the elements of one array as they come. Not server-sent events.

Sources: ndjson.org; Google's streaming REST replies without alt=sse ("[{…}", ",\r\n{…}", "]").
"""

from __future__ import annotations

import re
from typing import Final

from addons.providers.sse import Cut

_STRUCTURE: Final = re.compile(rb'["{}\[\]]')
_IN_STRING: Final = re.compile(rb'["\\]')
BLANKS: Final = b" \t\r\n"


class LineFramer:
    """One JSON value a line."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Cut]:
        if b"\n" not in data:
            self._rest += data
            return []
        *lines, rest = (bytes(self._rest) + data).split(b"\n")
        self._rest = bytearray(rest)
        return [Cut(line + b"\n", "", line.strip(BLANKS)) for line in lines]

    def finish(self) -> list[Cut]:
        rest = bytes(self._rest)
        self._rest.clear()
        return [Cut(rest, "", rest.strip(BLANKS))] if rest else []


class ValueFramer:
    """Objects one after the other, whatever stands between them; the elements, where the whole is one array.

    Strategy: only quotes, backslashes and brackets matter, and each byte is looked at once.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # scanned up to here
        self._begin = 0  # of the value that is open
        self._depth = 0
        self._base = -1  # depth at which values stand: 1 inside an outer array, else 0; -1: not known yet
        self._in_string = False

    def feed(self, data: bytes) -> list[Cut]:
        self._buffer += data
        cuts = []
        start = 0
        while (end := self._next_end()) >= 0:
            cuts.append(Cut(bytes(self._buffer[start:end]), "", bytes(self._buffer[self._begin : end])))
            start = end
        if start:
            del self._buffer[:start]
            self._at -= start
            self._begin -= start
        return cuts

    def _next_end(self) -> int:
        """Where the next whole value ends, or -1."""
        while True:
            pattern = _IN_STRING if self._in_string else _STRUCTURE
            found = pattern.search(self._buffer, self._at)
            if found is None:
                self._at = max(self._at, len(self._buffer))
                return -1
            self._at = found.end()
            if self._read(found[0]):
                return self._at

    def _read(self, byte: bytes) -> bool:
        """Whether `byte` ends a value."""
        if byte == b"\\":
            self._at += 1  # the escaped byte, which may not have come yet
        elif byte == b'"':
            self._in_string = not self._in_string
        elif byte in (b"{", b"["):
            self._open(byte)
        elif self._depth:  # else it closes nothing: rubbish between two values
            self._depth -= 1
            return self._depth == self._base
        return False

    def _open(self, byte: bytes) -> None:
        if self._base < 0:
            self._base = 1 if byte == b"[" else 0
        if self._depth == self._base:
            self._begin = self._at - 1
        self._depth += 1

    def finish(self) -> list[Cut]:
        rest = bytes(self._buffer)
        self._buffer.clear()
        closing = self._base == 1 and self._depth == 0
        return [Cut(rest, "", b"" if closing else rest.strip(BLANKS + b","))] if rest else []
