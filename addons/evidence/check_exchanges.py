"""Checks each row of `exchanges` against its two leaves, and that there is one row for each pair of leaves: opened = closed + open.

Not the messages themselves: check_messages. The payloads read here are those that check_log compared with their leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from addons.evidence.check_log import LEAVES_AT_ONCE, parsed
from addons.evidence.check_rows import differing
from addons.evidence.columns import CLOSED, OPENED, row_of
from addons.evidence.database import Connection
from addons.evidence.erasure import BITS
from addons.evidence.report import Report

_OPENED = ("policy_digest", *OPENED)
_Row = tuple[Any, ...]


def check_exchanges(connection: Connection, report: Report, size: int, erased: bytearray) -> None:
    """Leaves below `size`; `report` already counts the leaves of each type. Whose particulars were erased has no row any more."""
    counts = report.counts
    counts["exchanges"] = sum(_is_opened(report, row) for row in pages(connection, _BEGINNINGS, size))
    counts["closed"] = sum(_is_closed(report, row, size) for row in pages(connection, _ENDS, size))
    counts["open"] = counts["exchanges"] - counts["closed"]
    if counts["exchange.opened"] != counts["exchanges"]:
        for seq, exchange_id in connection.execute(_OPENED_UNMATCHED, (size,)):
            if not erased[seq] & BITS["meta"]:
                report.fail(
                    "exchange_row_missing",
                    seq,
                    f"leaf {seq} opened exchange {exchange_id}, which has no row of that leaf",
                )
    if counts["exchange.closed"] != counts["closed"]:
        for seq, exchange_id, other in connection.execute(_CLOSED_UNMATCHED, (size,)):
            if not erased[seq] & BITS["meta"]:
                _fail_unmatched(report, seq, exchange_id, other)
    for exchange_id, seq, closed_at, state, decided_at in connection.execute(_UNDER_APPROVAL, (size,)):
        if state != "approved":
            report.fail(
                "approval_missing",
                seq,
                f"exchange {exchange_id} was completed under an approval that is {state or 'not there'}",
            )
        elif decided_at is None or decided_at > closed_at:
            report.fail("approval_after_use", seq, f"exchange {exchange_id} was completed before it was approved")


def pages(connection: Connection, query: str, size: int) -> Iterator[_Row]:
    """Rows in the order of their first column, in read transactions of a bounded length."""
    last, more = 0, True
    while more:
        more = False
        for row in connection.execute(query, (last, size, LEAVES_AT_ONCE)):
            last, more = row[0], True
            yield row


def _is_opened(report: Report, row: _Row) -> bool:
    """Whether the leaf that the row names opened it; compares what both say."""
    _, exchange_id, seq, of, kind, digest, meta, request, node, depth, length, *columns = row
    if (kind, of) != ("exchange.opened", exchange_id):
        report.fail("exchange_row_added", None, f"exchange {exchange_id}: the leaf that it names did not open it")
        return False
    _refuse_left_over(report, (seq, exchange_id), meta, request, node)
    if meta is not None:
        wanted = (digest or None, *row_of(parsed(meta.encode()), OPENED))
        _compare(report, (seq, exchange_id), _OPENED, tuple(columns), wanted)
    if request is not None:
        _compare_tip(report, (seq, exchange_id), parsed(request.encode()), node, depth)
        if parsed(request.encode()).get("length") != length:
            report.fail(
                "exchange_row_changed", seq, f"exchange {exchange_id}: another number of messages than its leaf says"
            )
    return True


def _is_closed(report: Report, row: _Row, size: int) -> bool:
    """Whether the leaf that the row names closed it; an open row holds nothing yet."""
    _, exchange_id, seq, of, kind, meta, reply, node, depth, begins, request, *columns = row
    if seq is None or seq >= size:
        if seq is None and any(column is not None for column in columns):
            report.fail("exchange_row_changed", None, f"exchange {exchange_id}: ended, and no leaf says so")
        return False
    if (kind, of) != ("exchange.closed", exchange_id):
        report.fail("exchange_row_changed", seq, f"exchange {exchange_id}: the leaf that it names did not close it")
        return False
    _refuse_left_over(report, (seq, exchange_id), meta, reply, node)
    if meta is not None:
        _compare(report, (seq, exchange_id), CLOSED, tuple(columns), row_of(parsed(meta.encode()), CLOSED))
    if reply is not None:
        _compare_tip(report, (seq, exchange_id), parsed(reply.encode()), node, depth)
        if node is not None and begins != request:
            report.fail("exchange_row_changed", seq, f"exchange {exchange_id}: its reply does not follow its request")
    return True


def _refuse_left_over(
    report: Report, place: tuple[int, str], meta: str | None, content: str | None, node: bytes | None
) -> None:
    """What says nothing any more to compare with must not be shown any more: nobody could tell whether it is true."""
    seq, exchange_id = place
    if meta is None:
        report.fail("exchange_row_added", seq, f"exchange {exchange_id}: its particulars are gone, its row is there")
    elif content is None and node is not None:
        report.fail("exchange_row_changed", seq, f"exchange {exchange_id}: its content is gone, its messages are there")


def _compare_tip(
    report: Report, place: tuple[int, str], said: Mapping[str, Any], node: bytes | None, depth: int | None
) -> None:
    """The node that a row points at is the one that its leaf commits to."""
    seq, exchange_id = place
    if "node" in said and node is None:
        report.fail("node_missing", seq, f"exchange {exchange_id}: the message that leaf {seq} ends with is not there")
    elif (node is None) != ("node" not in said) or (
        node is not None and (node.hex(), depth) != (said["node"], said["length"] - 1)
    ):
        report.fail("exchange_row_changed", seq, f"exchange {exchange_id}: points at another message than leaf {seq}")


def _compare(report: Report, place: tuple[int, str], columns: tuple[str, ...], found: _Row, wanted: _Row) -> None:
    if found != wanted:
        seq, exchange_id = place
        detail = f"exchange {exchange_id} is not what leaf {seq} says: {differing(columns, found, wanted)}"
        report.fail("exchange_row_changed", seq, detail)


def _fail_unmatched(report: Report, seq: int, exchange_id: str, other: int | None) -> None:
    if other is None:
        report.fail(
            "exchange_row_changed", seq, f"exchange {exchange_id}: closed by leaf {seq}, its row is open or not there"
        )
    else:
        report.fail("closed_twice", seq, f"exchange {exchange_id}: closed by leaf {seq}, its row names leaf {other}")


_BEGINNINGS = f"""
SELECT x.rowid, x.id, x.opened_seq, o.exchange_id, o.type, json_extract(o.leaf, '$.policy_digest'), p.meta, p.request, n.id, n.depth, x.request_length,
  x.policy_digest, {", ".join(f"x.{column}" for column in OPENED)}
FROM exchanges x LEFT JOIN events o ON o.seq = x.opened_seq LEFT JOIN payloads p ON p.seq = x.opened_seq
LEFT JOIN nodes n ON n.number = x.request_node
WHERE x.rowid > ? AND x.opened_seq < ? ORDER BY x.rowid LIMIT ?
"""  # noqa: S608 the pieces are constants

# `begins`: where the reply's chain passes the end of the request; it must be the request's own last node.
_ENDS = f"""
SELECT x.rowid, x.id, x.closed_seq, c.exchange_id, c.type, p.meta, p.reply, r.id, r.depth, (
  WITH RECURSIVE walk (number, parent, depth) AS (
    SELECT r.number, r.parent, r.depth
    UNION ALL
    SELECT n.number, n.parent, n.depth FROM walk JOIN nodes n ON n.number = walk.parent AND n.depth = walk.depth - 1
    WHERE walk.depth >= x.request_length
  )
  SELECT number FROM walk WHERE depth = x.request_length - 1
), x.request_node, {", ".join(f"x.{column}" for column in CLOSED)}
FROM exchanges x LEFT JOIN events c ON c.seq = x.closed_seq LEFT JOIN payloads p ON p.seq = x.closed_seq
LEFT JOIN nodes r ON r.number = x.reply_node
WHERE x.rowid > ? AND x.opened_seq < ? ORDER BY x.rowid LIMIT ?
"""  # noqa: S608

_OPENED_UNMATCHED = """
SELECT e.seq, e.exchange_id FROM events e LEFT JOIN exchanges x ON x.id = e.exchange_id AND x.opened_seq = e.seq
WHERE e.type = 'exchange.opened' AND e.seq < ? AND x.id IS NULL
"""
_CLOSED_UNMATCHED = """
SELECT e.seq, e.exchange_id, x.closed_seq FROM events e LEFT JOIN exchanges x ON x.id = e.exchange_id
WHERE e.type = 'exchange.closed' AND e.seq < ? AND x.closed_seq IS NOT e.seq
"""
_UNDER_APPROVAL = """
SELECT x.id, x.closed_seq, x.closed_at, a.state, a.decided_at FROM exchanges x LEFT JOIN approvals a ON a.id = x.approval_id
WHERE x.approval_id IS NOT NULL AND x.outcome = 'completed' AND x.closed_seq < ?
"""
