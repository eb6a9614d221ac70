"""Checks the rows that change (approvals, grants, tokens, roles, policies) against the newest leaf about each, and what approvals may do.

Not exchanges: check_exchanges. Not whether the leaves are the signed ones: check_log did that, and hands on only those that are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

from addons.evidence.check_log import Leaf
from addons.evidence.columns import ROWS, row_of
from addons.evidence.database import Connection
from addons.evidence.report import Report


class ChangingRows:
    """Fed with every leaf that is no exchange's beginning or end, in order; `finish` when all were read."""

    def __init__(self, connection: Connection, report: Report, size: int, withheld: Collection[str] = ()) -> None:
        """withheld: kinds of row whose payloads a package leaves out."""
        self._connection = connection
        self._report = report
        self._size = size
        self._kinds = {kind: of for kind, of in ROWS.items() if kind not in withheld}
        self._met = dict.fromkeys((*ROWS, "policy"), 0)
        self._columns = {table: self._known(table, columns) for table, columns in ROWS.values()}

    def leaf(self, leaf: Leaf) -> None:
        if leaf.said.get("type") == "policy.loaded":
            self._policy(leaf)
        rows = {name: value for payload in leaf.payloads.values() for name, value in payload.items() if name in ROWS}
        for name, row in rows.items():
            if isinstance(row, dict) and isinstance(row.get("id"), str):
                self._row(name, row, leaf.seq)
        if "approval" in rows:
            self._approval(leaf, rows["approval"], rows.get("grant", {}))

    def finish(self) -> None:
        """Nothing may be in a table that no leaf put there."""
        there = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for kind, (table, _) in self._kinds.items():
            if table not in there:  # a store of an earlier schema
                continue
            [heads] = self._one("SELECT count(*) FROM heads WHERE kind = ? AND seq < ?", kind, self._size)
            query = f"SELECT t.id FROM {table} t LEFT JOIN heads h ON h.kind = ? AND h.id = t.id WHERE h.seq IS NULL"  # noqa: S608
            for (row_id,) in self._connection.execute(query, (kind,)):
                self._report.fail(f"{kind}_added", None, f"{table} {row_id}: no leaf knows it")
            if heads > self._met[kind]:
                self._report.fail(
                    f"{kind}_changed", None, f"{heads - self._met[kind]} of {table} point at leaves that are not theirs"
                )
            self._report.counts[table] = self._met[kind]
        [policies] = self._one("SELECT count(*) FROM policies WHERE seq < ?", self._size)
        if policies > self._met["policy"]:
            self._report.fail("policy_added", None, f"{policies - self._met['policy']} of policies: no leaf knows them")

    def _row(self, kind: str, row: Mapping[str, Any], seq: int) -> None:
        """If this is the newest leaf about the row, the row is as the leaf has it."""
        table, columns = ROWS[kind]
        # In one statement: a writer may be changing the row and its head.
        query = f"SELECT h.seq, {self._columns[table]} FROM heads h LEFT JOIN {table} t ON t.id = h.id"  # noqa: S608
        head, *found = self._one(f"{query} WHERE h.kind = ? AND h.id = ?", kind, row["id"]) or (-1,)
        if head < seq:
            self._report.fail(
                f"{kind}_changed", seq, f"{table} {row['id']}: the store does not know this leaf as its newest"
            )
        elif head == seq:
            self._met[kind] += 1
            wanted = row_of(row, columns)
            if tuple(found) != wanted:
                detail = f"{table} {row['id']} is not what leaf {seq} says: {differing(columns, tuple(found), wanted)}"
                self._report.fail(f"{kind}_changed", seq, detail)

    def _known(self, table: str, columns: tuple[str, ...]) -> str:
        """What to read of a row: a store of an earlier schema has not all of its columns."""
        there = {name for _, name, *_ in self._connection.execute(f"PRAGMA table_info({table})")}
        return ", ".join(f"t.{column}" if column in there else "NULL" for column in columns)

    def _approval(self, leaf: Leaf, row: Mapping[str, Any], grant: Mapping[str, Any]) -> None:
        place = f"approval {row.get('id')}"
        asked, decided, expires = (row.get(name, "") for name in ("requested_at", "decided_at", "expires_at"))
        if row.get("state") == "approved" and (not row.get("approver") or row.get("approver") == row.get("requester")):
            self._report.fail("self_approval", leaf.seq, f"{place}: given by nobody else than who asked")
        if row.get("state") in {"approved", "denied"} and not asked <= decided <= expires:
            self._report.fail(
                "approval_out_of_time", leaf.seq, f"{place}: asked {asked}, decided {decided}, expires {expires}"
            )
        if leaf.said.get("type") == "approval.used":
            used = grant.get("used_at", "")
            if row.get("state") != "approved" or not decided <= used:
                self._report.fail(
                    "approval_after_use", leaf.seq, f"{place}: {row.get('state')}, used {used}, decided {decided}"
                )
            elif used >= grant.get("expires_at", ""):
                self._report.fail(
                    "approval_out_of_time", leaf.seq, f"{place}: used {used}, expired {grant.get('expires_at')}"
                )

    def _policy(self, leaf: Leaf) -> None:
        row = self._one("SELECT digest, loaded_at, content FROM policies WHERE seq = ?", leaf.seq)
        digest = leaf.said["attrs"].get("digest")
        self._met["policy"] += row is not None
        if (
            row is None
            or row[:2] != (digest, leaf.said["at"])
            or "sha256:" + sha256(row[2].encode()).hexdigest() != digest
        ):
            self._report.fail("policy_changed", leaf.seq, f"policies {leaf.seq}: not what was put in force")

    def _one(self, query: str, *values: Any) -> Any:
        return self._connection.execute(query, values).fetchone()


def differing(columns: tuple[str, ...], found: tuple[Any, ...], wanted: tuple[Any, ...]) -> str:
    """Names of the columns, never their values: a report is read by more people than the store."""
    return ", ".join(column for column, one, other in zip(columns, found, wanted, strict=True) if one != other)
