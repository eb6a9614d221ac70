"""Our key in what a provider sends back: found whole or over any cut, and taken out. Pure bytes; not the key's source, not where it was put on.

A reply that can be changed gets a filler in its place: of the same length in a stream, whose length or framing may have been announced. What
cannot be changed on its way (compressed, or framed under a checksum) is unfolded beside it; it passes byte for byte, and ends before the key.
Kept back is only what might be the key's beginning: ordinary chunks pass at once.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote

from addons.providers.encodings import STEP, Unfolding

ECHO = b"[affidavit: credential removed]"
LEAST = 6  # characters of a secret; a shorter one is no secret, and would be found everywhere
UNFOLDED_BYTES = 1 << 30  # of a compressed reply that are looked through; what unfolds to more is not passed
HELD_BYTES = 1 << 20  # of a compressed stream, kept back for what looks like a key's beginning


class Echoed(Exception):  # noqa: N818 -- a state of the stream
    """The key came in a reply that cannot be changed on its way, or one that cannot be looked through."""


def secrets_in(value: str) -> set[str]:
    """The credential, whole and without its scheme: what must appear nowhere. Too short to be a secret: left out."""
    return {part for part in (value, value.rpartition(" ")[2]) if len(part) >= LEAST}


@lru_cache(maxsize=256)
def spellings(secrets: frozenset[str], *, framed: bool = False) -> tuple[bytes, ...]:
    """As they may stand in a body: as they are, in JSON, in a URL; framed: also inside base64, as frames carry events."""
    shortest = [one for one in secrets if not any(other != one and other in one for other in secrets)]
    spelt = {
        each.encode("utf-8", "replace")
        for one in shortest
        for each in (one, one.replace("/", "\\/"), quote(one, safe=""))
    }
    if framed:
        spelt |= {inner for one in shortest for inner in _in_base64(one.encode("utf-8", "replace"))}
    return tuple(sorted(spelt, key=lambda one: (-len(one), one)))


def _in_base64(secret: bytes) -> Iterator[bytes]:
    """The characters that stand for the secret alone, for each of the three places where it may begin in a group. RFC 4648, 4."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        first, last = -(-before * 4 // 3), (before + len(secret)) * 8 // 6
        yield encoded[first:last]


def without_echoes(content: bytes, spelt: Iterable[bytes]) -> bytes:
    """A whole body with each of our credentials taken out."""
    for needle in spelt:
        content = content.replace(needle, ECHO)
    return content


class Echoes:
    """One reply on its way to the client. Fixed: compressed or framed, so that it cannot be changed."""

    def __init__(
        self,
        spelt: tuple[bytes, ...],
        found: Callable[[], None],
        *,
        encoding: str = "",
        framed: bool = False,
        most: int = UNFOLDED_BYTES,
    ) -> None:
        self._spelt = spelt
        self._found = found
        self._unfolding = Unfolding(encoding) if encoding else None
        self._fixed = bool(encoding) or framed
        self._left = most  # bytes that a compressed reply may still unfold to
        self._held = bytearray()  # chunks of a fixed reply that have not passed yet
        self._begun = b""  # the end of what was seen, where a key may have begun

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """What may pass now. Raises Echoed, and is not to be fed again then."""
        if self._fixed:
            return self._whole_chunks(data, last=last)
        window = self._begun + data if self._begun else data
        for needle in self._spelt:
            if needle in window:
                self._found()
                window = window.replace(needle, ECHO[: len(needle)].ljust(len(needle), b"*"))
        keep = 0 if last or not window else self._beginning(window)
        self._begun = window[len(window) - keep :]
        return window[: len(window) - keep] if keep else window

    def _whole_chunks(self, data: bytes, *, last: bool) -> bytes:
        """Chunks pass as they came, once nothing in them can be the beginning of a key."""
        fresh = 0
        for seen in self._unfolded(data):
            window = self._begun + seen if self._begun else seen
            if any(needle in window for needle in self._spelt):
                self._found()
                raise Echoed
            self._begun = window[len(window) - self._beginning(window) :] if window else b""
            fresh += len(seen)
        began_before = len(self._begun) > fresh
        if last or not self._begun:
            self._held += data
            return self._let_go()
        passed = b"" if began_before else self._let_go()
        self._held += data
        if len(self._held) > HELD_BYTES:
            raise Echoed
        return passed

    def _let_go(self) -> bytes:
        passed = bytes(self._held)
        self._held.clear()
        return passed

    def _unfolded(self, data: bytes) -> Iterator[bytes]:
        if self._unfolding is None:
            yield data
            return
        for at in range(0, len(data), STEP):
            seen = self._unfolding.feed(data[at : at + STEP])
            self._left -= len(seen)
            if self._left < 0:
                raise Echoed
            yield seen

    def _beginning(self, window: bytes) -> int:
        """How many bytes at the end may be the beginning of a key."""
        longest = 0
        for needle in self._spelt:
            if window[-1] not in needle:
                continue
            at = window.find(needle[:1], max(0, len(window) - len(needle) + 1))
            while at >= 0 and len(window) - at > longest:
                if needle.startswith(window[at:]):
                    longest = len(window) - at
                at = window.find(needle[:1], at + 1)
        return longest
