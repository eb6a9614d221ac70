"""Checks every message: its text, its labels and its place are what its id was made of, and a leaf brought it. Not who may read it.

Nodes lie in the order in which leaves brought them. A leaf's new nodes are one run of its chain, and end at the node that the leaf's
payload commits to; so every text hangs on a signed leaf, and none can be added, dropped or moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from addons.evidence.chain import content_id_of, node_id_of
from addons.evidence.check_exchanges import pages
from addons.evidence.check_log import Leaf, parsed
from addons.evidence.columns import CONTENT_ID_BYTES
from addons.evidence.database import Connection
from addons.evidence.erasure import BITS
from addons.evidence.report import Report
from addons.evidence.subjects import pseudonym_of


@dataclass(frozen=True, slots=True)
class Person:
    """A row of `subjects`."""

    name: str
    key: bytes
    pseudonym: str


def subjects_of(connection: Connection) -> dict[int, Person]:
    return {
        number: Person(*rest)
        for number, *rest in connection.execute("SELECT number, subject, key, pseudonym FROM subjects")
    }


def check_subjects(report: Report, people: Mapping[int, Person]) -> None:
    report.counts["subjects"] = len(people)
    for number, person in people.items():
        if pseudonym_of(person.key, person.name) != person.pseudonym:
            report.fail("subject_changed", None, f"subject {number}: name, key and pseudonym do not belong together")


class MessageCheck:
    """`erased`: kinds of payload, by leaf, that may be gone. Whoever erases messages takes their rows, so one that is there is whole."""

    def __init__(
        self, connection: Connection, report: Report, people: Mapping[int, Person], *, size: int, erased: bytearray
    ) -> None:
        self._connection = connection
        self._report = report
        self._people = people
        self._size = size
        self._erased = erased

    def leaf(self, leaf: Leaf) -> None:
        """Blocks of a stream end at a node that no row of `exchanges` may point at any more; it must be there all the same."""
        node = leaf.payloads.get("reply", {}).get("node") if leaf.said.get("type") == "exchange.partial" else None
        if (
            node is not None
            and self._connection.execute("SELECT 1 FROM nodes WHERE id = ?", (bytes.fromhex(node),)).fetchone() is None
        ):
            self._report.fail("node_missing", leaf.seq, f"the message that leaf {leaf.seq} ends with is not there")

    def run(self) -> None:
        before: tuple[Any, ...] | None = None
        for row in pages(self._connection, _NODES, self._size):
            self._report.counts["messages"] += 1
            self._node(row)
            self._run_of_leaf(before, row)
            before = row
        self._run_of_leaf(before, None)

    def _node(self, row: tuple[Any, ...]) -> None:
        (
            number,
            node_id,
            parent,
            depth,
            seq,
            subject,
            _,
            _,
            parent_id,
            parent_depth,
            parent_subject,
            content_id,
            text,
            *labels,
        ) = row
        *names, maskings = labels
        person = self._people.get(subject)
        if person is None:
            self._report.fail("subject_missing", seq, f"message {number}: the key that its id was made under is gone")
            return
        if parent is not None and parent_id is None:
            self._report.fail("node_missing", seq, f"message {number}: the one before it is not there")
            return
        if text is None:
            self._report.fail("content_missing", seq, f"message {number}: its text is not there")
            return
        whole = content_id_of(person.key, text)
        if whole[:CONTENT_ID_BYTES] != content_id:
            self._report.fail(
                "message_changed", seq, f"message {number} (first sent with leaf {seq}): its text was changed"
            )
            return
        rows = None if maskings is None else parsed(b'{"rows":' + maskings.encode() + b"}").get("rows")
        wanted = node_id_of(person.key, parent_id, whole, (names[0], names[1], names[2] or "", names[3] or ""), rows)
        placed = (0, subject) if parent is None else (parent_depth + 1, parent_subject)
        if wanted != node_id or placed != (depth, subject):
            self._report.fail(
                "node_changed", seq, f"message {number} (first sent with leaf {seq}): who, what or where was changed"
            )

    def _run_of_leaf(self, before: tuple[Any, ...] | None, row: tuple[Any, ...] | None) -> None:
        """`before` and `row` lie next to each other: either one follows the other in one leaf, or one leaf's run ends."""
        if before is None:
            return
        if row is not None and row[4] == before[4]:
            if row[2] != before[0]:
                self._report.fail("node_added", row[4], f"message {row[0]}: not one that leaf {row[4]} sent")
            return
        if row is not None and row[4] < before[4]:
            self._report.fail("node_added", row[4], f"message {row[0]}: came later than leaf {row[4]}")
        ends = {parsed(payload.encode()).get("node") for payload in before[6:8] if payload is not None}
        if before[1].hex() not in ends and not self._erased[before[4]] & (BITS["request"] | BITS["reply"]):
            self._report.fail(
                "node_added", before[4], f"message {before[0]}: not the last one that leaf {before[4]} sent"
            )


_NODES = """
SELECT n.number, n.id, n.parent, n.depth, n.seq, n.subject, p.request, p.reply, b.id, b.depth, b.subject, c.id, c.text,
  n.role, n.kind, n.name, n.call_id, n.maskings
FROM nodes n LEFT JOIN payloads p ON p.seq = n.seq LEFT JOIN nodes b ON b.number = n.parent LEFT JOIN contents c ON c.number = n.content
WHERE n.number > ? AND n.seq < ? ORDER BY n.number LIMIT ?
"""
