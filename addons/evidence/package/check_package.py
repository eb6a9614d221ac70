"""Checks a package with the rooms that write one: its database like a store's, and every file of it made again. Shares no code with verify.py.

    report = verify_package(bag, vkey)           # the folder with bagit.txt; "": the key in the package, which proves less

A package differs from a store: the tree's hashes are those of log/entries.jsonl, what the newest leaf about a row is stands in the leaves
only, payloads of other periods and people are missing by choice, and those of tokens always.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from addons.evidence.check_log import Claim
from addons.evidence.checkpoints import NoteInvalid, Verifier
from addons.evidence.columns import ROWS
from addons.evidence.database import Connection, StoreError, reader, sqlite3
from addons.evidence.erasure import BITS, NOT_TAKEN
from addons.evidence.log import Tree, leaf_hash, stored_count
from addons.evidence.migrations import MIGRATIONS
from addons.evidence.package.check_files import Comparison, Files, check_custody
from addons.evidence.package.gateways import PACKAGES, folder_name, inside, register
from addons.evidence.package.payload import Asked, Given, write_payload
from addons.evidence.package.scope import CHOSEN, EXCHANGES_BY_LEAVES, LEAVES_CHOICE, Scope
from addons.evidence.package.scope import ROWS as TABLES
from addons.evidence.package.snapshot import APPLICATION_ID, layout, program
from addons.evidence.report import Report
from addons.evidence.verify import Beside, check, schema_of, store_schema

Progress = Callable[[int, int], None]

WITHHELD = ("token",)
_ALL_KINDS = sum(BITS.values()) | NOT_TAKEN
_HASH_BYTES = 32
_HOSTILE = (sqlite3.Error, StoreError, OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError)


def verify_package(
    bag: Path,
    vkey: str = "",
    *,
    seen: Sequence[Claim] = (),
    roots: bytes = b"",
    everything: bool = False,
    progress: Progress = lambda _done, _all: None,
) -> Report:
    """What holds and what does not. Whatever lies in `bag` may have been made to mislead; nothing in it is run."""
    report = Report()
    files = Files(bag, report)
    files.check_listed()
    key = _key(bag, vkey, report)
    database = bag / "data" / "evidence.sqlite"
    if key is None or not files.digests.get("data/evidence.sqlite"):
        files.tell("file_missing", "data/evidence.sqlite") if key else None
        return report
    try:
        with reader(database) as package:
            package.execute("PRAGMA query_only = OFF")  # of tables of our own; the file itself is open read-only
            _check(package, files, key, report, seen=seen, roots=roots, everything=everything, progress=progress)
    except _HOSTILE as fault:
        detail = f"{type(fault).__name__}: {fault}; what comes after this was not checked"
        report.fail("database_damaged", None, detail)
    return report


def _key(bag: Path, vkey: str, report: Report) -> Verifier | None:
    if not vkey:
        place = bag / "data" / "KEYS.txt"
        lines = place.read_text("utf-8", "replace").splitlines() if place.is_file() else []
        vkey = next((line for line in lines if line and not line.startswith("#")), "")
        report.notes.append(f"the key is the package's own; compare it with what you got another way: {vkey}")
    try:
        return Verifier.of(vkey)
    except NoteInvalid as fault:
        report.fail("key_invalid", None, str(fault))
        return None


def _check(
    package: Connection,
    files: Files,
    key: Verifier,
    report: Report,
    *,
    seen: Sequence[Claim],
    roots: bytes,
    everything: bool,
    progress: Progress,
) -> None:
    if not _layout_holds(package, report):
        return
    scope = Asked.of(package).scope
    [size] = package.execute("SELECT coalesce(max(seq) + 1, 0) FROM events").fetchone()
    _find_newest(package)
    with closing(Entries(files.bag / "data" / "log" / "entries.jsonl")) as entries:
        beside = Beside(entries, _missing(package, scope, size), WITHHELD)
        keys, tree = check(
            package, report, key, claims=seen, roots=roots, everything=everything, progress=progress, beside=beside
        )
        if entries.more():
            report.fail("events_cut", size, "log/entries.jsonl has more leaves than evidence.sqlite")
    _say_what_is_left_out(package, scope, report)
    _check_others(package, files, scope, roots, report)
    check_custody(files, keys, tree, report)
    _check_made(package, files, keys.newest.vkey, entries, report)


def _say_what_is_left_out(package: Connection, scope: Scope, report: Report) -> None:
    about = dict(package.execute("SELECT name, value FROM package"))
    [size, tokens] = package.execute("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM tokens)").fetchone()
    if about.get("leaves") != str(size):
        report.fail("events_cut", size, f"the package was made of {about.get('leaves')} leaves, {size} are here")
    if scope.connections or scope.sessions:
        report.notes.append(
            "this package was narrowed to connections or sessions: that none of theirs is left out is the exporter's word"
        )
    report.notes.append(
        f"{tokens} rows of tokens not checked: what they are checked with holds digests of tokens, and stays with the gateway"
    )


# -- what stands in for what only a store has -----------------------------------------------------------------------------


class Entries:
    """The tree's hashes, made of log/entries.jsonl: a second copy of the leaves. Holds them all: 64 bytes for each leaf."""

    def __init__(self, path: Path) -> None:
        self._lines = path.open("rb")
        self._tree = Tree()
        self._kept = bytearray()

    def __call__(self, first: int, end: int) -> dict[int, bytes]:
        found = [one for _ in range(first, end) for one in self._tree.append(leaf_hash(self._line()))]
        self._kept += b"".join(found)
        return dict(enumerate(found, stored_count(first)))

    def read(self, positions: Sequence[int]) -> list[bytes]:
        return [bytes(self._kept[place * _HASH_BYTES : (place + 1) * _HASH_BYTES]) for place in positions]

    def more(self) -> bool:
        return bool(self._lines.readline(1))

    def close(self) -> None:
        self._lines.close()

    def _line(self) -> bytes:
        return self._lines.readline(1 << 20).rstrip(b"\n")


def _find_newest(package: Connection) -> None:
    """`heads`, which a store has: the newest leaf about each row that changes."""
    package.execute("CREATE TEMP TABLE heads (kind TEXT, id TEXT, seq INTEGER, PRIMARY KEY (kind, id))")
    for kind in ROWS.keys() - set(WITHHELD):
        for payload in ("approval", "meta"):
            package.execute(
                f"INSERT OR REPLACE INTO heads SELECT ?, json_extract(p.{payload}, '$.{kind}.id') AS id, max(e.seq) "  # noqa: S608 names of ours
                "FROM events e JOIN payloads p ON p.seq = e.seq WHERE e.type NOT IN ('exchange.opened', 'exchange.closed', 'exchange.partial') "
                f"AND json_valid(p.{payload}) AND id IS NOT NULL GROUP BY 2",
                (kind,),
            )


def _missing(package: Connection, scope: Scope, size: int) -> bytearray:
    """For each leaf the bits of the payloads that a package of this scope need not have."""
    if scope.whole:
        missing = bytearray(size)
    else:
        for statement in (CHOSEN, EXCHANGES_BY_LEAVES, *LEAVES_CHOICE):
            package.execute(statement.replace("source.", "main."), scope.values if ":" in statement else ())
        missing = bytearray([_ALL_KINDS]) * size
        for (seq,) in package.execute("SELECT seq FROM chosen_leaves WHERE seq < ?", (size,)):
            missing[seq] = 0
    for (seq,) in package.execute("SELECT seq FROM events WHERE type GLOB 'token.*' AND seq < ?", (size,)):
        missing[seq] |= BITS["meta"] | NOT_TAKEN
    return missing


def _layout_holds(package: Connection, report: Report) -> bool:
    """Whether tables and views are those of a package: a view that was replaced could show anything."""
    found = schema_of(package)
    kinds = dict(package.execute("SELECT name, type FROM sqlite_master").fetchall())
    [application] = package.execute("PRAGMA application_id").fetchone()
    if strange := sorted(name for name in (*TABLES, "package") if kinds.get(name) != "table"):
        report.fail("schema_changed", None, f"{', '.join(strange)}: expected a table")
    elif application != APPLICATION_ID:
        report.fail("schema_changed", None, "application_id: expected that of a package")
    elif _made_here(package):
        layouts = [_layout(version) for version in range(len(MIGRATIONS), 0, -1)]
        wanted = next((one for one in layouts if one == found), layouts[0])
        for name in sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)):
            report.fail("schema_changed", None, f"{name}: not as a package has it")
    return "schema_changed" not in report.totals


def _layout(version: int) -> dict[str, str]:
    try:
        tables, later = layout(store_schema(version))
    except StoreError:  # a store so old that nothing of it goes into a package of today
        return {}
    with closing(sqlite3.connect(":memory:")) as empty:
        for sql in (*tables, *later):
            empty.execute(sql)
        return schema_of(empty)


def _made_here(package: Connection) -> bool:
    return (
        package.execute("SELECT 1 FROM package WHERE name = 'made_by' AND value = ?", (program(),)).fetchone()
        is not None
    )


# -- what lies around the database ----------------------------------------------------------------------------------------


def _check_made(package: Connection, files: Files, vkey: str, entries: Entries, report: Report) -> None:
    if not _made_here(package):
        report.notes.append(
            "made by another version of this program: its files were compared with what the gateway recorded, and not made again; "
            "for that, use the version that made it, or the package's own verify.py"
        )
        return
    run = files.bag / "data" / "masking-run.json"
    known = register(package)
    given = Given(vkey, entries.read, run.read_bytes() if run.is_file() else b"", inside(files.bag / "data", known))
    comparison = Comparison(files)
    try:
        write_payload(comparison, package, given)
    except _HOSTILE as fault:
        if not report.totals:
            raise
        report.notes.append(
            f"not every file could be made again of a database that does not hold: {type(fault).__name__}"
        )
        return
    comparison.finish()
    report.counts["made again"] = len(comparison.made)


def _check_others(package: Connection, files: Files, scope: Scope, roots: bytes, report: Report) -> None:
    """Each gateway that the log's register names is here, and holds under the key that the register has."""
    known = register(package)
    folder = files.bag / "data" / PACKAGES
    for number, one in enumerate(known, 1):
        bag = folder / folder_name(one.log)
        if not (bag / "bagit.txt").is_file():
            if bag.is_dir() or one.belongs(scope.since, scope.until):
                report.fail("gateway_missing", None, f"{one.log}: the register names it, and its package is not here")
            continue
        found = verify_package(bag, one.key, roots=roots)
        report.counts |= {f"{name} of {number}": count for name, count in found.counts.items() if "." not in name}
        report.totals += found.totals
        report.failures += [replace(failure, detail=f"in {one.log}: {failure.detail}") for failure in found.failures]
        report.notes += [f"in {one.log}: {note}" for note in (*found.notes, found.horizon) if note]
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for name in sorted(there - {folder_name(one.log) for one in known}):
        report.fail("gateway_added", None, f"gateways/{name}: the register does not name it")
