r"""What goes when content or a person is erased, and that it goes from every table at once. Not when (retention.py), not who may ask.

    content      payloads `request` and `reply` with their salts, the messages, an exchange's pointers to them
    everything   all payloads of an exchange's leaves, its row, its approvals; of a person also tokens, roles, other events' payloads, the key

A leaf says what is gone, in the same transaction; the leaves of what is gone stay, so does the proof:

    payload.erased   attrs {"what": "content" | "everything", "kinds": ["request","reply"], "seqs": [7, [9, 12]], "basis": …}

Messages are shared along a conversation: one goes only when no exchange that stays sends it. A plan is made on a connection that only
reads, which may take seconds; it is carried out by the writer, which first looks whether anything came between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

import orjson

from addons.evidence.canonical import Attr, RecordInvalid
from addons.evidence.columns import PAYLOAD_KINDS
from addons.evidence.database import Connection, reader
from addons.evidence.drafts import Draft
from addons.evidence.ledger import Ledger
from addons.evidence.records import Event, Record

CONTENT = ("request", "reply")
_RUNS_AT_ONCE = 100  # in one leaf: two numbers of sixteen digits each stay below ATTRS_BYTES


class Overtaken(RecordInvalid):
    """Something was written since the plan was made: plan again. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes, by the store as it was at `size` leaves."""

    size: int
    exchanges: tuple[str, ...]
    everything: bool
    person: str = ""
    leaves: tuple[int, ...] = ()  # whose payloads go
    named: tuple[int, ...] = ()  # whose column names somebody who goes
    nodes: frozenset[int] = frozenset()
    contents: frozenset[int] = frozenset()
    approvals: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()  # about this person, lifted
    kept_decisions: int = 0  # approvals of others' requests that this person gave: evidence about others, they stay

    @property
    def kinds(self) -> tuple[str, ...]:
        return PAYLOAD_KINDS if self.everything else CONTENT

    @property
    def empty(self) -> bool:
        return not self.leaves and not self.person


@dataclass(frozen=True, slots=True)
class Erased:
    """What went."""

    exchanges: int
    leaves: int
    messages: int
    seq: int  # the first payload.erased leaf
    kept_decisions: int = 0


@dataclass(frozen=True, slots=True)
class Why:
    """What the leaf says beside the numbers; `meta` may name people, `attrs` never."""

    basis: str  # "retention" | "request"
    actor: str
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    meta: Mapping[str, Attr] = field(default_factory=dict, repr=False)


# -- the plan --------------------------------------------------------------------------------------------------------------


def plan(connection: Connection, exchanges: Iterable[str], *, everything: bool, person: str = "") -> Plan:
    """For these exchanges, all of which have ended. `connection`: from `planning`.

    person: whatever else is recorded of this subject goes too; `exchanges` are then all of theirs.
    """
    ids = tuple(exchanges)
    [size] = connection.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()
    _fill(connection, "going", ids)
    approvals = tuple(_column(connection, _APPROVALS)) if everything else ()
    _fill(connection, "going_approvals", approvals)
    leaves = set(_column(connection, _LEAVES if everything else _CONTENT_LEAVES))
    tokens: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    kept = 0
    if everything:
        leaves.update(_column(connection, _APPROVAL_LEAVES))
    if person:
        tokens = tuple(_column(connection, "SELECT id FROM tokens WHERE subject = ?", person))
        roles = tuple(_column(connection, "SELECT id FROM roles WHERE subject = ?", person))
        holds = tuple(_column(connection, _HOLDS_ON, person))
        for query in (_EVENTS_OF, _TOKENS_OF, _ROLES_OF, _HOLD_LEAVES_ON):
            leaves.update(_column(connection, query, person))
        [kept] = connection.execute(_DECIDED_BY, (person,)).fetchone()
    named = tuple(_column(connection, "SELECT seq FROM events WHERE actor = ?", person)) if person else ()
    nodes = frozenset(_column(connection, _NODES_OF, person) if person else _column(connection, _NODES))
    _fill(connection, "going_nodes", nodes)
    contents = frozenset(_column(connection, _CONTENTS_OF, person) if person else _column(connection, _CONTENTS))
    return Plan(
        size=size,
        exchanges=ids,
        everything=everything,
        person=person,
        leaves=tuple(sorted(leaves)),
        named=named,
        nodes=nodes,
        contents=contents,
        approvals=approvals,
        tokens=tokens,
        roles=roles,
        holds=holds,
        kept_decisions=kept,
    )


def plan_leaves(connection: Connection, leaves: Iterable[int]) -> Plan:
    """For leaves that belong to no exchange."""
    [size] = connection.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()
    return Plan(size, (), everything=True, leaves=tuple(sorted(leaves)))


@contextmanager
def planning(path: Path) -> Iterator[Connection]:
    """A look at the store as it is now, with tables of its own in memory beside it."""
    with reader(path) as connection:
        connection.execute("PRAGMA query_only = OFF")  # of scratch tables; the file itself is open read-only
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("BEGIN")
        yield connection


def _fill(connection: Connection, table: str, values: Iterable[Any]) -> None:
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} (id PRIMARY KEY)")
    connection.execute(f"DELETE FROM {table}")  # noqa: S608 a name of this file
    connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?)", [(value,) for value in values])  # noqa: S608


def _column(connection: Connection, query: str, *values: Any) -> list[Any]:
    return [value for (value,) in connection.execute(query, values)]


# -- carrying it out -------------------------------------------------------------------------------------------------------


def carry_out(
    chosen: Plan, why: Why, drafted: Callable[[Record], Draft], connection: Connection, ledger: Ledger
) -> Erased:
    """In the writer's transaction; raises Overtaken before anything has changed. drafted: makes a draft of a record."""
    _refuse_overtaken(chosen, connection)
    drafts: list[Draft] = [drafted(event) for event in _events(chosen, why)]
    nulled = ", ".join(f"{kind} = NULL, {kind}_salt = NULL" for kind in chosen.kinds)
    _each(connection, f"UPDATE payloads SET {nulled} WHERE seq = ?", chosen.leaves)  # noqa: S608 names of this file
    if chosen.everything:
        _each(connection, "DELETE FROM payloads WHERE seq = ?", chosen.leaves)
        _each(connection, "UPDATE events SET actor = NULL WHERE seq = ?", chosen.leaves)
        _each(connection, "DELETE FROM exchanges WHERE id = ?", chosen.exchanges)
        connection.execute("DELETE FROM names WHERE session_id NOT IN (SELECT session_id FROM exchanges)")
        _each(connection, _GRANT_HEADS, chosen.approvals)
        _each(connection, "DELETE FROM grants WHERE approval_id = ?", chosen.approvals)
        for kind, table, ids in _rows(chosen):
            _each(connection, f"DELETE FROM {table} WHERE id = ?", ids)  # noqa: S608
            _each(connection, f"DELETE FROM heads WHERE kind = '{kind}' AND id = ?", ids)  # noqa: S608
    else:
        _each(connection, "UPDATE exchanges SET request_node = NULL, reply_node = NULL WHERE id = ?", chosen.exchanges)
    _each(connection, "DELETE FROM nodes WHERE number = ?", sorted(chosen.nodes))
    _each(connection, "DELETE FROM contents WHERE number = ?", sorted(chosen.contents))
    if chosen.person:
        _each(connection, "UPDATE events SET actor = NULL WHERE seq = ?", chosen.named)
        connection.execute("DELETE FROM subjects WHERE subject = ?", (chosen.person,))
    ledger.forget()
    first, *_ = ledger.append([drafts])
    if isinstance(first, RecordInvalid):
        raise TypeError(str(first))
    return Erased(len(chosen.exchanges), len(chosen.leaves), len(chosen.nodes), first[0], chosen.kept_decisions)


def _refuse_overtaken(chosen: Plan, connection: Connection) -> None:
    """A request that came meanwhile may send what was to go, or be of the person who was to go."""
    for request, reply in connection.execute(_POINTERS_SINCE, (chosen.size,)):
        if request in chosen.nodes or reply in chosen.nodes:
            raise Overtaken("a conversation went on while its erasure was planned; it is planned again")
    for parent, content in connection.execute("SELECT parent, content FROM nodes WHERE seq >= ?", (chosen.size,)):
        if parent in chosen.nodes or content in chosen.contents:
            raise Overtaken("a conversation went on while its erasure was planned; it is planned again")
    named = "SELECT 1 FROM events WHERE seq >= ? AND (actor = ? OR type GLOB 'hold.*') LIMIT 1"
    if connection.execute(named, (chosen.size, chosen.person)).fetchone():
        raise Overtaken("a hold, or the person themselves, came between; the erasure is planned again")


def _rows(chosen: Plan) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return (
        ("approval", "approvals", chosen.approvals),
        ("token", "tokens", chosen.tokens),
        ("role", "roles", chosen.roles),
        ("hold", "holds", chosen.holds),
    )


def _events(chosen: Plan, why: Why) -> Iterator[Event]:
    what = "everything" if chosen.everything else "content"
    said = {
        "what": what,
        "kinds": list(chosen.kinds),
        "basis": why.basis,
        "exchanges": len(chosen.exchanges),
        **why.attrs,
    }
    for part in list(batched(runs(chosen.leaves), _RUNS_AT_ONCE)) or [()]:
        yield Event("payload.erased", actor=why.actor, attrs={**said, "seqs": list(part)}, meta=why.meta or None)


def erasures(connection: Connection, size: int, signed: int) -> bytearray:
    """Which payloads of which leaf may be missing: for each of `size` leaves the bits of the kinds that a `payload.erased` names.

    Only leaves under a checkpoint (`signed`) excuse anything. Whether they are what was signed is checked where all leaves are.
    """
    found = bytearray(size)
    rows = connection.execute("SELECT leaf FROM events WHERE type = 'payload.erased' AND seq < ?", (signed,))
    for (leaf,) in rows:
        attrs = _attrs(leaf)
        kinds = attrs.get("kinds")
        bits = sum(bit for kind, bit in BITS.items() if not isinstance(kinds, list) or kind in kinds)
        for first, last in _spans(attrs.get("seqs")):
            for seq in range(max(0, first), min(last + 1, size)):
                found[seq] |= bits
    return found


BITS = {kind: 1 << number for number, kind in enumerate(PAYLOAD_KINDS)}
NOT_TAKEN = 1 << len(PAYLOAD_KINDS)  # beside them: nothing was destroyed, but this package does not have it


def _attrs(leaf: str) -> dict[str, Any]:
    try:
        said = orjson.loads(leaf)
    except orjson.JSONDecodeError:
        return {}
    attrs = said.get("attrs") if isinstance(said, dict) and said.get("type") == "payload.erased" else None
    return attrs if isinstance(attrs, dict) else {}


def _spans(seqs: object) -> Iterator[tuple[int, int]]:
    for each in seqs if isinstance(seqs, list) else ():
        span = each if isinstance(each, list) else [each, each]
        if len(span) == 2 and all(isinstance(number, int) for number in span):
            yield span[0], span[1]


def runs(numbers: Sequence[int]) -> list[int | list[int]]:
    """Ascending numbers, shorter: [7, 9, 10, 11, 12] is [7, [9, 12]]."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [first if first == last else [first, last] for first, last in found]


def _each(connection: Connection, statement: str, values: Iterable[Any]) -> None:
    connection.executemany(statement, [(value,) for value in values])


_APPROVALS = """
SELECT id FROM approvals WHERE (exchange_id IN (SELECT id FROM going)
    OR id IN (SELECT approval_id FROM exchanges WHERE id IN (SELECT id FROM going)))
  AND id NOT IN (SELECT approval_id FROM exchanges WHERE approval_id IS NOT NULL AND id NOT IN (SELECT id FROM going))
"""
_APPROVAL_LEAVES = """
SELECT seq FROM events WHERE type GLOB 'approval.*' AND json_extract(leaf, '$.attrs.approval') IN (SELECT id FROM going_approvals)
"""
_LEAVES = """
SELECT seq FROM events WHERE exchange_id IN (SELECT id FROM going) AND type NOT GLOB 'approval.*'
"""
_CONTENT_LEAVES = """
SELECT e.seq FROM events e JOIN payloads p ON p.seq = e.seq
WHERE e.exchange_id IN (SELECT id FROM going) AND e.type GLOB 'exchange.*' AND (p.request IS NOT NULL OR p.reply IS NOT NULL)
"""
_EVENTS_OF = """
SELECT e.seq FROM events e JOIN payloads p ON p.seq = e.seq WHERE e.actor = ?
AND e.type NOT GLOB 'approval.*' AND e.type NOT IN ('payload.erased', 'hold.set', 'hold.lifted', 'gateway.recovered')
"""
_TOKENS_OF = """
SELECT seq FROM events WHERE type GLOB 'token.*'
AND json_extract(leaf, '$.attrs.token') IN (SELECT id FROM tokens WHERE subject = ?)
"""
_ROLES_OF = """
SELECT e.seq FROM events e JOIN payloads p ON p.seq = e.seq
WHERE e.type = 'config.changed' AND json_extract(p.meta, '$.role.subject') = ?
"""
_HOLDS_ON = "SELECT id FROM holds WHERE scope = 'person' AND value = ?"
_HOLD_LEAVES_ON = """
SELECT seq FROM events WHERE type GLOB 'hold.*'
AND json_extract(leaf, '$.attrs.hold') IN (SELECT id FROM holds WHERE scope = 'person' AND value = ?)
"""
_DECIDED_BY = """
SELECT count(*) FROM approvals WHERE instr(', ' || approver || ',', ', ' || ? || ',') AND id NOT IN (SELECT id FROM going_approvals)
"""
# What only those send who go: everything below their ends, less everything below the ends of the others of the same people. What
# another one brought, such as a block of its stream, stays until that one goes.
_NODES = """
WITH RECURSIVE
  ends (number, goes) AS (
    SELECT request_node, id IN (SELECT id FROM going) FROM exchanges WHERE subject IN (SELECT subject FROM exchanges WHERE id IN (SELECT id FROM going))
    UNION SELECT reply_node, id IN (SELECT id FROM going) FROM exchanges
      WHERE subject IN (SELECT subject FROM exchanges WHERE id IN (SELECT id FROM going))
    UNION SELECT number, 1 FROM nodes WHERE seq IN (SELECT seq FROM events WHERE exchange_id IN (SELECT id FROM going))
  ),
  gone (number) AS (
    SELECT number FROM ends WHERE goes AND number IS NOT NULL
    UNION SELECT n.parent FROM gone JOIN nodes n ON n.number = gone.number WHERE n.parent IS NOT NULL
  ),
  kept (number) AS (
    SELECT number FROM ends WHERE NOT goes AND number IS NOT NULL
    UNION SELECT n.parent FROM kept JOIN nodes n ON n.number = kept.number WHERE n.parent IS NOT NULL
  )
SELECT n.number FROM (SELECT number FROM gone EXCEPT SELECT number FROM kept) g JOIN nodes n ON n.number = g.number
JOIN events e ON e.seq = n.seq LEFT JOIN payloads p ON p.seq = n.seq
WHERE e.exchange_id IN (SELECT id FROM going) OR (p.request IS NULL AND p.reply IS NULL)
"""
_NODES_OF = "SELECT number FROM nodes WHERE subject = (SELECT number FROM subjects WHERE subject = ?)"
_CONTENTS_OF = "SELECT number FROM contents WHERE subject = (SELECT number FROM subjects WHERE subject = ?)"
_CONTENTS = """
SELECT content FROM nodes WHERE number IN (SELECT id FROM going_nodes)
EXCEPT
SELECT content FROM nodes
WHERE subject IN (SELECT subject FROM nodes WHERE number IN (SELECT id FROM going_nodes)) AND number NOT IN (SELECT id FROM going_nodes)
"""
_POINTERS_SINCE = """
SELECT request_node, reply_node FROM exchanges
WHERE id IN (SELECT exchange_id FROM events WHERE seq >= ? AND exchange_id IS NOT NULL)
"""
_GRANT_HEADS = """
DELETE FROM heads WHERE kind = 'grant' AND id IN (SELECT id FROM grants WHERE approval_id = ?)
"""
