"""Content-encodings undone within a bound: gzip, deflate, br, zstd. Not transfer-encoding, which the proxy undoes.

Source: RFC 9110 8.4. A bound because a kilobyte of gzip can say gigabytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

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


DECODERS: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
