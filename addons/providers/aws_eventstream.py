"""AWS event-stream frames: bytes to events and back. Not what the events say: bedrock_*.py read that.

    total length (4) | headers length (4) | CRC-32 of those 8 (4) | headers | payload | CRC-32 of all before (4)
    header: name length (1) | name | type (1) | value; type 7, a string: length (2) | UTF-8
Source: Smithy 2.0, "Amazon Event Stream specification".
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from addons.providers.json_values import loads, obj, text
from addons.providers.sse import Cut

_PRELUDE: Final = struct.Struct(">III")
_SMALLEST: Final = 16
_LARGEST: Final = 24 << 20  # the specification: a message is at most 24 MiB
_WIDTHS: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # of values whose type says their length
_BYTES, _STRING = 6, 7

EXCEPTION: Final = "exception/"  # before the exception's type, in Cut.event


class FrameFramer:
    """Cuts a byte stream into frames. Bytes that are no frame end the reading: after them nothing can be trusted to be one."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lost = False

    def feed(self, data: bytes) -> list[Cut]:
        self._buffer += data
        cuts = []
        start = 0
        while not self._lost and (size := self._size_at(start)) and len(self._buffer) - start >= size:
            frame = bytes(self._buffer[start : start + size])
            self._lost = not _sound(frame)
            cuts.append(Cut(frame) if self._lost else read_frame(frame))
            start += size
        if self._lost and start < len(self._buffer):
            cuts.append(Cut(bytes(self._buffer[start:])))
            start = len(self._buffer)
        del self._buffer[:start]
        return cuts

    def _size_at(self, start: int) -> int:
        """The frame's length; 0: not known yet, or no frame."""
        if len(self._buffer) - start < _PRELUDE.size:
            return 0
        total, headers, checksum = _PRELUDE.unpack_from(self._buffer, start)
        known = zlib.crc32(self._buffer[start : start + 8]) == checksum
        self._lost = not (known and _SMALLEST + headers <= total <= _LARGEST)
        return 0 if self._lost else int(total)

    def finish(self) -> list[Cut]:
        rest = bytes(self._buffer)
        self._buffer.clear()
        return [Cut(rest)] if rest else []


def _sound(frame: bytes) -> bool:
    return zlib.crc32(frame[:-4]) == int.from_bytes(frame[-4:])


def read_frame(frame: bytes) -> Cut:
    """A frame whose checksums hold."""
    _, headers_length, _ = _PRELUDE.unpack_from(frame)
    split = _PRELUDE.size + headers_length
    headers = dict(_headers(frame[_PRELUDE.size : split]))
    exception = headers.get(":exception-type") or headers.get(":error-code")
    event = EXCEPTION + exception if exception else headers.get(":event-type", "")
    payload = frame[split:-4] or (b"{}" if exception else b"")
    inner = _unwrapped(payload) if event == "chunk" else b""
    return Cut(frame, "", inner) if inner else Cut(frame, event, payload)


def _unwrapped(payload: bytes) -> bytes:
    """The event that a model says in base64: {"bytes": …, "p": "padding"}; b"" where it is no event (an agent says text)."""
    try:
        inner = base64.b64decode(text(obj(loads(payload)).get("bytes")), validate=True)
    except ValueError:
        return b""
    return inner if inner.startswith(b"{") else b""


def _headers(block: bytes) -> Iterator[tuple[str, str]]:
    """The headers that are strings; the rest are stepped over."""
    at = 0
    while at + 2 <= len(block):
        name_end = at + 1 + block[at]
        name = block[at + 1 : name_end].decode("utf-8", errors="replace")
        kind = block[name_end] if name_end < len(block) else _STRING
        at = name_end + 1
        if kind in (_BYTES, _STRING):
            length = int.from_bytes(block[at : at + 2])
            if kind == _STRING:
                yield name, block[at + 2 : at + 2 + length].decode("utf-8", errors="replace")
            at += 2 + length
        elif kind in _WIDTHS:
            at += _WIDTHS[kind]
        else:
            return


def write_frame(headers: dict[str, str], payload: bytes) -> bytes:
    """The frame that says `payload`."""
    return _framed(b"".join(_header(name, value) for name, value in headers.items()), payload)


def _framed(block: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", _SMALLEST + len(block) + len(payload), len(block))
    message = prelude + zlib.crc32(prelude).to_bytes(4) + block + payload
    return message + zlib.crc32(message).to_bytes(4)


def _header(name: str, value: str) -> bytes:
    said = value.encode()
    return bytes([len(name)]) + name.encode() + bytes([_STRING]) + len(said).to_bytes(2) + said


def reframed(frame: bytes, payload: bytes) -> bytes:
    """The same frame with another payload."""
    _, headers_length, _ = _PRELUDE.unpack_from(frame)
    block = frame[_PRELUDE.size : _PRELUDE.size + headers_length]
    return _framed(block, payload)


def payload_of(frame: bytes) -> bytes:
    """A frame's own payload, which may hold an event in base64."""
    _, headers_length, _ = _PRELUDE.unpack_from(frame)
    return frame[_PRELUDE.size + headers_length : -4]
