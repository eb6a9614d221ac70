"""The log as it lies in a store: hashes, leaves and checkpoints by number. Not their check (check_log), not what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

from addons.evidence.database import Connection


class StoredHashes:
    """Stored hashes by position, for log.py's roots and proofs; b"" for one that is not there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, positions: Sequence[int]) -> list[bytes]:
        query = "SELECT hash FROM hashes WHERE position = ?"
        found = [self._connection.execute(query, (place,)).fetchone() for place in positions]
        return [b"" if row is None else row[0] for row in found]


def leaves_between(connection: Connection, first: int, end: int) -> list[bytes]:
    rows = connection.execute("SELECT leaf FROM events WHERE seq >= ? AND seq < ? ORDER BY seq", (first, end))
    return [leaf.encode() for (leaf,) in rows]


def newest_note(connection: Connection) -> str | None:
    row = connection.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])


def note_over(connection: Connection, seq: int) -> str | None:
    """The newest checkpoint, where it covers leaf `seq`."""
    row = connection.execute(
        "SELECT note FROM checkpoints WHERE size > ? ORDER BY size DESC LIMIT 1", (seq,)
    ).fetchone()
    return None if row is None else str(row[0])
