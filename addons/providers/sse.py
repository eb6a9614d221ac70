"""Server-sent events, incremental and exact. Not HTTP, not JSON. Source: WHATWG HTML, 9.2.6 "Interpreting an event stream".

Strategy: an event ends with an empty line, whichever of CR LF, LF and CR ends the lines. The bytes before it, comments and
all, are one cut; nothing is decoded before an event is whole, so a character split between two chunks needs no care.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_EMPTY_LINE: Final = re.compile(
    rb"(?>\r\n|\n|\r)(?:\r\n|\n|\r)"
)  # atomic: the two bytes of one CR LF are not two lines
_LONGEST_EMPTY_LINE: Final = 4
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Cut(NamedTuple):
    """One whole event and the exact bytes that carried it."""

    data: bytes
    event: str = ""
    payload: bytes = b""  # b"": a comment, a heartbeat, blank lines


class SseFramer:
    """Cuts a byte stream into events. Holds only the unfinished one."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> list[Cut]:
        if not self._rest:
            return self._cut(data)
        scan_from = max(0, len(self._rest) - _LONGEST_EMPTY_LINE + 1)
        self._rest += data
        if _EMPTY_LINE.search(self._rest, scan_from) is None:
            return []
        block = bytes(self._rest)
        self._rest.clear()
        return self._cut(block)

    def finish(self) -> list[Cut]:
        """The event that no empty line ended. A browser drops it; the record keeps what came."""
        block = bytes(self._rest)
        self._rest.clear()
        return [self._read(block)] if block else []

    def _cut(self, block: bytes) -> list[Cut]:
        ends = _ends(block) if b"\r" in block else _plain_ends(block)
        cuts = []
        start = 0
        for end in ends:
            cuts.append(self._read(block[start:end]))
            start = end
        self._rest += block[start:] if start else block
        return cuts

    def _read(self, data: bytes) -> Cut:
        if self._begun:
            return read_event(data, data)
        self._begun = True
        return read_event(data, data.removeprefix(_BYTE_ORDER_MARK))


def _ends(block: bytes) -> Iterator[int]:
    """Where the events of `block` end, whichever way its lines do."""
    return (found.end() for found in _EMPTY_LINE.finditer(block))


def _plain_ends(block: bytes) -> Iterator[int]:
    """The same where lines end with LF alone, as at most providers, at a third of the time."""
    end = block.find(b"\n\n") + 2
    while end > 1:
        yield end
        end = block.find(b"\n\n", end) + 2


def read_event(data: bytes, lines: bytes) -> Cut:
    """The event that `lines` spell. `id` and `retry` change a client's reconnection, not what was said.

    Lines that are no field at all are no event to a browser, but a server that answers an event-stream request with a bare
    JSON error is common: they are the payload where there is no `data`.
    """
    if lines.startswith(b"data: ") and lines.find(b"\n") == len(lines) - 2 and b"\r" not in lines:
        return Cut(data, "", lines[6:-2])  # the usual event: one field, one line
    event = b""
    values = []
    stray = []
    for line in lines.splitlines():
        name, _, value = line.partition(b":")
        if name == b"data":
            values.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ")
        elif name == b"error":  # llama.cpp: "error: {…}"
            event = name
            values.append(value.removeprefix(b" "))
        elif name and name not in _SILENT_FIELDS:
            stray.append(line)
    return Cut(data, event.decode("utf-8", errors="replace"), b"\n".join(values or stray))


_SILENT_FIELDS: Final = frozenset({b"id", b"retry"})
