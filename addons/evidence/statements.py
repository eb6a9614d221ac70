"""Every statement of the hot path. Each is bound to (seq, at, …): ?1 is the leaf's number, ?2 its time, the rest the draft's own values.

They run in the order of ORDER, each once a transaction for all rows of the batch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

from addons.evidence.columns import CLOSED, OPENED, PAYLOADS, ROWS


def _marks(count: int, first: int = 3) -> str:
    return ", ".join(f"?{number}" for number in range(first, first + count))


_NODE_NUMBER = "(SELECT number FROM nodes WHERE id = ?{})"

SUBJECT = "INSERT INTO subjects (number, subject, key, pseudonym) VALUES (?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING"

# ON CONFLICT (id), not OR IGNORE: only a known id is passed over, any other violation is an error.
CONTENT = "INSERT INTO contents (id, subject, text) VALUES (?3, ?4, ?5) ON CONFLICT (id) DO NOTHING"

NODE = f"""
INSERT INTO nodes (seq, id, parent, depth, subject, content, role, kind, name, call_id, maskings)
VALUES (?1, ?3, {_NODE_NUMBER.format(4)}, ?5, ?6, (SELECT number FROM contents WHERE id = ?7), ?8, ?9, ?10, ?11, ?12)
ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 the pieces are constants of this file

OPEN = f"""
INSERT INTO exchanges (opened_seq, id, policy_digest, request_node, request_length, {", ".join(OPENED)})
VALUES (?1, ?3, ?4, {_NODE_NUMBER.format(5)}, ?6, {_marks(len(OPENED), 7)})
"""  # noqa: S608

PARTIAL = f"UPDATE exchanges SET reply_node = {_NODE_NUMBER.format(4)} WHERE id = ?3"  # noqa: S608

CLOSE = f"""
UPDATE exchanges SET closed_seq = ?1, reply_node = {_NODE_NUMBER.format(4)}, ({", ".join(CLOSED)}) = ({_marks(len(CLOSED), 5)})
WHERE id = ?3
"""  # noqa: S608

NAME = """
INSERT INTO names (digest, session_id) VALUES (?3, ?4) ON CONFLICT (digest) DO NOTHING
"""
EVENT = "INSERT INTO events (seq, at, type, exchange_id, actor, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
PAYLOAD = f"INSERT INTO payloads (seq, {', '.join(PAYLOADS)}) VALUES (?1, {_marks(len(PAYLOADS))})"  # noqa: S608
POLICY = "INSERT INTO policies (seq, loaded_at, digest, actor, content) VALUES (?1, ?2, ?3, ?4, ?5)"
HEAD = """
INSERT INTO heads (seq, kind, id) VALUES (?1, ?3, ?4) ON CONFLICT (kind, id) DO UPDATE SET seq = excluded.seq
"""
ROW = {
    kind: f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({_marks(len(columns))})"  # noqa: S608
    for kind, (table, columns) in ROWS.items()
}

HASH = "INSERT INTO hashes (position, hash) VALUES (?1, ?2)"
CHECKPOINT = "INSERT INTO checkpoints (size, root, note, at) VALUES (?, ?, ?, ?)"

ORDER = (SUBJECT, CONTENT, NODE, OPEN, PARTIAL, CLOSE, EVENT, PAYLOAD, POLICY, NAME, HEAD, *ROW.values(), HASH)

# Inserts that do not read the table they fill: any number of rows may go into one. (A node looks its parent up.)
_WHOLE = frozenset({CONTENT, OPEN, EVENT, PAYLOAD, HASH})
_MOST_ROWS = 64  # times the widest row stays below SQLite's limit of 32,766 bound values


def batches(statement: str, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """`rows` as few statements as may be. Each step of a statement hands the interpreter's lock over and has to win it back from
    the event loop, which costs more than the row. Counts are powers of two, so that few texts are ever prepared.
    """
    start = 0
    while start < len(rows):
        count = 1
        while statement in _WHOLE and count < _MOST_ROWS and start + 2 * count <= len(rows):
            count *= 2
        chosen = rows[start : start + count]
        yield _repeated(statement, len(chosen[0]), count), tuple(chain.from_iterable(chosen))
        start += count


@cache
def _repeated(statement: str, width: int, count: int) -> str:
    """The statement with `count` rows of VALUES; row k is bound from ?(k * width + 1) on."""
    if count == 1:
        return statement
    head, values, rest = statement.partition("VALUES ")
    row, conflict, tail = rest.partition("ON CONFLICT")
    shifted = [_shifted(row, at * width) for at in range(count)]
    return f"{head}{values}{', '.join(shifted)} {conflict}{tail}"


def _shifted(row: str, by: int) -> str:
    return _NUMBER.sub(lambda found: f"?{int(found[1]) + by}", row)


_NUMBER = re.compile(r"\?([0-9]+)")
