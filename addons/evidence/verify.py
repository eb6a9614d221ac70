"""Checks a whole store: leaves, signatures, payloads, rows, messages. Reads only, also while a gateway writes.

A package is checked with the same rooms (package/check_package.py); the single file that lies in it shares no code with either.

    report = verify(path, verifier)          # Verifier.of(vkey): the key as it was pinned, not as it lies beside the store
    report.good, report.counts, report.failures, report.notes

Everything up to the newest leaf at the start is checked; what is appended meanwhile is left for the next time. Leaves after the newest
checkpoint are an unsigned tail, which is told and is no failure. Someone who holds the machine and its key can rewrite what no
checkpoint outside covers, and no reading of this file alone can show it: that is what `seen` is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from addons.evidence.check_anchors import anchors, check_anchors
from addons.evidence.check_exchanges import check_exchanges
from addons.evidence.check_log import Claim, Hashes, LogCheck
from addons.evidence.check_messages import MessageCheck, check_subjects, subjects_of
from addons.evidence.check_receipts import check_receipt
from addons.evidence.check_rows import ChangingRows
from addons.evidence.checkpoints import Verifier, default_name
from addons.evidence.database import Connection, Database, reader, sqlite3
from addons.evidence.erasure import erasures
from addons.evidence.head import head_path, read_head
from addons.evidence.log import Tree
from addons.evidence.migrations import MIGRATIONS
from addons.evidence.report import Failure, Report
from addons.evidence.rotation import KeyChain, key_changes

_DEFAULT_NAME = re.compile(r"affidavit\.invalid/[0-9a-f]{8}")

__all__ = ["Claim", "Failure", "Report", "verify"]


def verify(
    path: Path,
    verifier: Verifier,
    *,
    seen: Sequence[Claim] = (),
    roots: bytes = b"",
    everything: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """What holds and what does not.

    seen: checkpoints kept elsewhere; roots: certificates (PEM) of timestamp authorities; everything: each signature, and SQLite's
    integrity check.
    """
    report = Report()
    head = read_head(path)
    claims = [*seen, *([] if head is None else [Claim(head, str(head_path(path)))])]
    with reader(path) as connection:
        try:
            if _schema_holds(connection, report):
                check(
                    connection, report, verifier, claims=claims, roots=roots, everything=everything, progress=progress
                )
        except sqlite3.Error as fault:
            report.fail("database_damaged", None, f"SQLite cannot read the store: {fault}")
    return report


@dataclass(frozen=True, slots=True)
class Beside:
    """What a package lacks of a store, and what stands in for it."""

    hashes: Hashes
    missing: bytearray  # for each leaf the bits of the payloads that this package does not take
    withheld: tuple[str, ...]  # kinds of row whose payloads no package has


def check(
    connection: Connection,
    report: Report,
    verifier: Verifier,
    *,
    claims: Sequence[Claim],
    roots: bytes,
    everything: bool,
    progress: Callable[[int, int], None],
    beside: Beside | None = None,
) -> tuple[KeyChain, Tree]:
    """Everything that a database holds; the keys and the tree that were found, for what lies around it."""
    if everything:
        for (line,) in connection.execute("PRAGMA integrity_check(20)"):
            if line != "ok":
                report.fail("database_damaged", None, line)
    size, signed = connection.execute(  # in one statement: a writer may be adding to both
        "SELECT (SELECT coalesce(max(seq) + 1, 0) FROM events), (SELECT coalesce(max(size), 0) FROM checkpoints)"
    ).fetchone()
    people = subjects_of(connection)
    check_subjects(report, people)
    names = {person.pseudonym: person.name for person in people.values()}
    keys = KeyChain(verifier, key_changes(connection, size))
    _check_name(keys.oldest, report)
    claims = [*claims, *(Claim(anchor.note, f"anchor {anchor.size}") for anchor in anchors(connection))]
    erased = erasures(connection, size, min(signed, size))
    for seq, bits in enumerate(beside.missing[:size] if beside else ()):
        erased[seq] |= bits
    hashes = beside.hashes if beside else None
    log = LogCheck(connection, report, keys, size=size, names=names, claims=claims, erased=erased, hashes=hashes)
    rows = ChangingRows(connection, report, size, beside.withheld if beside else ())
    messages = MessageCheck(connection, report, people, size=size, erased=erased)
    for leaf in log.run(progress):
        rows.leaf(leaf)
        check_receipt(leaf, keys, report)
        messages.leaf(leaf)
    log.check_signatures(every=everything)
    check_anchors(connection, report, roots)
    rows.finish()
    check_exchanges(connection, report, size, erased)
    messages.run()
    if signed > size:
        report.fail("events_cut", size, f"the newest checkpoint was signed over {signed} leaves, {size} are here")
    if signed < size:
        report.counts["unsigned"] = size - signed
        report.notes.append(f"the last {size - signed} leaves came after the newest checkpoint and are not signed yet")
    return keys, log.tree


def _check_name(key: Verifier, report: Report) -> None:
    """The default name of a log is a digest of its first key: one that was made anew under another key shows."""
    if _DEFAULT_NAME.fullmatch(key.name) and key.name != default_name(key.public):
        report.fail("key_invalid", None, f"{key.name} is the name of another key than this one")


def _schema_holds(connection: Connection, report: Report) -> bool:
    """Whether tables and views are what this program makes: a view that was replaced could show anything."""
    found = schema_of(connection)
    [version] = connection.execute("PRAGMA user_version").fetchone()
    wanted = {name: sql for _, name, _, sql in store_schema(version)}
    differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    for name in differing:
        report.fail("schema_changed", None, f"{name}: not as schema {version} has it")
    return not any(name in wanted for name in differing)


def schema_of(connection: Connection) -> dict[str, str]:
    """SQL by name."""
    return {name: sql for _, name, _, sql in connection.execute(_SCHEMA)}


def store_schema(version: int) -> list[tuple[str, str, str, str]]:
    """(type, name, table, SQL) of all that a store of this version has."""
    with closing(Database(memory=True, execute_plugins=False, recursive_triggers=False)) as database:
        for migration in MIGRATIONS[:version]:
            migration(database)
        return database.execute(_SCHEMA).fetchall()


_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' ORDER BY name"
