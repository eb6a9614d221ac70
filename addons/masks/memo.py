"""Detections remembered, so that history sent again costs a hash and not a search. Not a cache of masked text: actions are applied per call.

The key is a keyed digest: the table holds neither a text nor anything a text can be guessed from. Bounded in bytes; the longest unused goes first.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from addons.masks.spans import Span

_ENTRY_BYTES = 200  # a key of 16 bytes, a tuple, and their places in the table
_SPAN_BYTES = 250  # a span with its digest and tail


class Memo:
    """Safe to share between threads."""

    def __init__(self, key: bytes, limit_bytes: int, generation: str) -> None:
        own = hashlib.blake2b(key, digest_size=32, person=b"affidavit/memo").digest()
        self._start = hashlib.blake2b(b"%b\0" % generation.encode(), digest_size=16, key=own)
        self._limit = limit_bytes
        self._used = 0
        self._table: OrderedDict[bytes, tuple[Span, ...]] = OrderedDict()
        self._lock = Lock()

    def key(self, text: str, context: str) -> bytes:
        """Digest of text, detector set and context class."""
        state = self._start.copy()
        state.update(f"{context}\0{text}".encode("utf-8", "surrogatepass"))
        return state.digest()

    def get(self, key: bytes) -> tuple[Span, ...] | None:
        with self._lock:
            spans = self._table.get(key)
            if spans is not None:
                self._table.move_to_end(key)
            return spans

    def put(self, key: bytes, spans: tuple[Span, ...]) -> None:
        with self._lock:
            self._used += _cost(spans) - self._forget(key)
            self._table[key] = spans
            while self._used > self._limit:
                self._used -= _cost(self._table.popitem(last=False)[1])

    def _forget(self, key: bytes) -> int:
        old = self._table.pop(key, None)
        return 0 if old is None else _cost(old)

    @property
    def used_bytes(self) -> int:
        return self._used


def _cost(spans: tuple[Span, ...]) -> int:
    return _ENTRY_BYTES + _SPAN_BYTES * len(spans)
