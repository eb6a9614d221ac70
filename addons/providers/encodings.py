"""Content-encodings undone within a bound: gzip, deflate, br, zstd. Not transfer-encoding, which the proxy undoes.

Source: RFC 9110 8.4. A bound because a kilobyte of gzip can say gigabytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
import zstandard

STEP = 256  # bytes fed at once where a decoder's output cannot be bounded: what one step unfolds to is


def decoded(body: bytes, encoding: str, limit: int) -> tuple[bytes, bool]:
    """(the body, whole?). Not whole: over `limit` bytes, cut short, or not in the encoding it names; then as much as came.

    Several encodings ("gzip, br") are undone in reverse. An encoding that is not known leaves the bytes as they are.
    """
    whole = True
    for name in reversed([one.strip().lower() for one in encoding.split(",") if one.strip()]):
        if name in DECODERS:
            body, this = DECODERS[name](body, limit)
            whole = whole and this
        elif name != "identity":
            whole = False
    return (body, whole) if len(body) <= limit else (body[:limit], False)


def _zlib(body: bytes, limit: int, bits: int) -> tuple[bytes, bool]:
    out = bytearray()
    rest = body
    while rest:  # RFC 1952 2.2: a gzip file may have several members
        reader = zlib.decompressobj(bits)
        try:
            out += reader.decompress(rest, limit + 1 - len(out))
        except zlib.error:
            return bytes(out), False
        if len(out) > limit:
            return bytes(out[:limit]), False
        if not reader.eof:
            return bytes(out), False
        rest = reader.unused_data if bits > zlib.MAX_WBITS else b""
    return bytes(out), True


def _gzip(body: bytes, limit: int) -> tuple[bytes, bool]:
    return _zlib(body, limit, 16 + zlib.MAX_WBITS)


def _deflate(body: bytes, limit: int) -> tuple[bytes, bool]:
    """zlib as the RFC says, or raw deflate as some servers send."""
    out = _zlib(body, limit, zlib.MAX_WBITS)
    return out if out[1] or out[0] else _zlib(body, limit, -zlib.MAX_WBITS)


def _brotli(body: bytes, limit: int) -> tuple[bytes, bool]:
    reader = brotli.Decompressor()
    out = bytearray()
    try:
        for at in range(0, len(body), STEP):
            out += reader.process(body[at : at + STEP])
            if len(out) > limit:
                return bytes(out[:limit]), False
    except brotli.error:
        return bytes(out), False
    return bytes(out), reader.is_finished()


def _zstd(body: bytes, limit: int) -> tuple[bytes, bool]:
    out = bytearray()
    rest = body
    while rest:  # RFC 8878 3.1: frames may follow one another
        reader = zstandard.ZstdDecompressor().decompressobj()
        try:
            for at in range(0, len(rest), STEP):
                out += reader.decompress(rest[at : at + STEP])
                if len(out) > limit:
                    return bytes(out[:limit]), False
                if reader.eof:
                    break
        except zstandard.ZstdError:
            return bytes(out), False
        if not reader.eof:
            return bytes(out), False
        rest = reader.unused_data + rest[at + STEP :]
    return bytes(out), bool(body)


class Reader(Protocol):
    """One encoding being undone, piece by piece."""

    def feed(self, data: bytes) -> bytes: ...


class Unfolding:
    """A body that is unfolded as it comes; nothing of it is kept. From where it is not in the encoding it names, nothing comes any more:
    so it is for the client.
    """

    def __init__(self, encoding: str) -> None:
        names = [one.strip().lower() for one in encoding.split(",") if one.strip()]
        self._readers = [READERS[name]() for name in reversed(names) if name in READERS]
        self._over = any(name not in READERS and name != "identity" for name in names)

    def feed(self, data: bytes) -> bytes:
        if self._over:
            return b""
        for reader in self._readers:
            try:
                data = reader.feed(data)
            except (zlib.error, brotli.error, zstandard.ZstdError):
                self._over = True
                return b""
        return data


class _ZlibReader:
    """gzip of several members; or deflate, with zlib's head or without."""

    def __init__(self, bits: int = 16 + zlib.MAX_WBITS) -> None:
        self._bits = bits
        self._reader = zlib.decompressobj(bits)

    def feed(self, data: bytes) -> bytes:
        out = bytearray()
        while data:
            if self._reader.eof:
                self._reader = zlib.decompressobj(self._bits)
            out += self._reader.decompress(data)
            data = self._reader.unused_data if self._bits > zlib.MAX_WBITS else b""
        return bytes(out)


class _DeflateReader(_ZlibReader):
    """zlib as the RFC says, or raw deflate as some servers send; the first two bytes tell. RFC 1950, 2.2."""

    def __init__(self) -> None:
        super().__init__(zlib.MAX_WBITS)
        self._first = b""

    def feed(self, data: bytes) -> bytes:
        if len(self._first) < 2:
            self._first += data
            if len(self._first) < 2:
                return b""
            data = self._first
            if data[0] & 15 != 8 or int.from_bytes(data[:2]) % 31:
                self._reader = zlib.decompressobj(-zlib.MAX_WBITS)
        return super().feed(data)


class _BrotliReader:
    def __init__(self) -> None:
        self._reader = brotli.Decompressor()

    def feed(self, data: bytes) -> bytes:
        return bytes(self._reader.process(data))


class _ZstdReader:
    def __init__(self) -> None:
        self._reader = zstandard.ZstdDecompressor().decompressobj()

    def feed(self, data: bytes) -> bytes:
        out = bytearray()
        while data:
            if self._reader.eof:
                self._reader = zstandard.ZstdDecompressor().decompressobj()
            out += self._reader.decompress(data)
            data = self._reader.unused_data if self._reader.eof else b""
        return bytes(out)


READERS: dict[str, Callable[[], Reader]] = {
    "gzip": _ZlibReader,
    "x-gzip": _ZlibReader,
    "deflate": _DeflateReader,
    "br": _BrotliReader,
    "zstd": _ZstdReader,
}
DECODERS: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
