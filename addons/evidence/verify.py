"""Checks a whole store: leaves, signatures, payloads, rows, messages. Reads only, also while a gateway writes. Not the package's verifier.

    report = verify(path, verifier)          # Verifier.of(vkey): the key as it was pinned, not as it lies beside the store
    report.good, report.counts, report.failures, report.notes

Everything up to the newest leaf at the start is checked; what is appended meanwhile is left for the next time. Leaves after the newest
checkpoint are an unsigned tail, which is told and is no failure. Someone who holds the machine and its key can rewrite what no
checkpoint outside covers, and no reading of this file alone can show it: that is what `seen` is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from addons.evidence.check_anchors import anchors, check_anchors
from addons.evidence.check_exchanges import check_exchanges
from addons.evidence.check_log import Claim, LogCheck
from addons.evidence.check_messages import MessageCheck, check_subjects, subjects_of
from addons.evidence.check_receipts import check_receipt
from addons.evidence.check_rows import ChangingRows
from addons.evidence.checkpoints import Verifier
from addons.evidence.database import Connection, Database, reader, sqlite3
from addons.evidence.erasure import erasures
from addons.evidence.head import head_path, read_head
from addons.evidence.migrations import MIGRATIONS
from addons.evidence.report import Failure, Report
from addons.evidence.rotation import KeyChain, key_changes

__all__ = ["Claim", "Failure", "Report", "verify"]


def verify(
    path: Path,
    verifier: Verifier,
    *,
    seen: Sequence[Claim] = (),
    everything: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """What holds and what does not. `seen`: checkpoints kept elsewhere; `everything`: each signature, and SQLite's integrity check."""
    report = Report()
    head = read_head(path)
    claims = [*seen, *([] if head is None else [Claim(head, str(head_path(path)))])]
    with reader(path) as connection:
        try:
            _check(connection, report, verifier, claims=claims, everything=everything, progress=progress)
        except sqlite3.Error as fault:
            report.fail("database_damaged", None, f"SQLite cannot read the store: {fault}")
    return report


def _check(
    connection: Connection,
    report: Report,
    verifier: Verifier,
    *,
    claims: Sequence[Claim],
    everything: bool,
    progress: Callable[[int, int], None],
) -> None:
    if not _schema_holds(connection, report):
        return
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
    claims = [*claims, *(Claim(anchor.note, f"anchor {anchor.size}") for anchor in anchors(connection))]
    erased = erasures(connection, size, min(signed, size))
    log = LogCheck(connection, report, keys, size=size, names=names, claims=claims, erased=erased)
    rows = ChangingRows(connection, report, size)
    messages = MessageCheck(connection, report, people, size=size, erased=erased)
    for leaf in log.run(progress):
        rows.leaf(leaf)
        check_receipt(leaf, keys, report)
        messages.leaf(leaf)
    log.check_signatures(every=everything)
    check_anchors(connection, report)
    rows.finish()
    check_exchanges(connection, report, size, erased)
    messages.run()
    if signed > size:
        report.fail("events_cut", size, f"the newest checkpoint was signed over {signed} leaves, {size} are here")
    if signed < size:
        report.counts["unsigned"] = size - signed
        report.notes.append(f"the last {size - signed} leaves came after the newest checkpoint and are not signed yet")


def _schema_holds(connection: Connection, report: Report) -> bool:
    """Whether tables and views are what this program makes: a view that was replaced could show anything."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'"
    found = dict(connection.execute(query).fetchall())
    [version] = connection.execute("PRAGMA user_version").fetchone()
    database = Database(memory=True, execute_plugins=False, recursive_triggers=False)
    for migration in MIGRATIONS[:version]:
        migration(database)
    wanted = dict(database.execute(query).fetchall())
    database.close()
    differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    for name in differing:
        report.fail("schema_changed", None, f"{name}: not as schema {version} has it")
    return not any(name in wanted for name in differing)
