"""Ids and times as text. Not a clock and not a random source: both are passed in.

An id is `<prefix>_<UUIDv7>` (RFC 9562, 5.7): `ex_019a1b2c-…`. The 12 bits after the version carry the fraction of the millisecond
(6.2, method 3), so that ids made in one process sort by time and new rows land at the end of an index.
A time is RFC 3339 in UTC with microseconds: `2026-11-23T14:49:00.123456Z`; as text it sorts as it passes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
Random = Callable[[int], bytes]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def pooled(source: Random, bytes_at_once: int = 4096) -> Random:
    """`source`, asked rarely: each question to the operating system costs more than an id is worth. For any thread."""
    lock = threading.Lock()
    pool = memoryview(b"")

    def take(count: int) -> bytes:
        nonlocal pool
        if count > bytes_at_once:
            return source(count)
        with lock:
            if len(pool) < count:
                pool = memoryview(source(bytes_at_once))
            taken, pool = bytes(pool[:count]), pool[count:]
        return taken

    return take


def new_id(prefix: str, now: datetime, random: Random) -> str:
    """`prefix` and a UUIDv7 of `now`; `random` gives its last 8 bytes."""
    milliseconds, microseconds = divmod((now - _EPOCH) // _MICROSECOND, 1000)
    fraction = microseconds * 4096 // 1000
    tail = int.from_bytes(random(8)) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    digits = f"{milliseconds:012x}7{fraction:03x}{tail:016x}"
    return f"{prefix}_{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def time_text(moment: datetime) -> str:
    """RFC 3339, UTC, microseconds, "Z"; 27 characters. A naive datetime is refused: nobody could say which hour it names."""
    if moment.tzinfo is None:
        raise ValueError("time without a zone; expected an aware datetime; pass datetime.now(UTC)")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def time_of(text: str) -> datetime:
    """The moment that `time_text` wrote."""
    return datetime.fromisoformat(text)
