"""Packages of other gateways inside one package, and the register that shows when one is left out. Not how each is made (package.py).

    data/gateways.csv                    the register: each log, its key, since when, and whether its package is here
    data/gateways/<name>/                the package of another gateway, whole, as it was exported there

The register is in this gateway's own log: a `config.changed` leaf for each gateway that is added or retired. So it cannot be made to fit
afterwards, and whoever checks the package knows which ones have to be in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from addons.evidence.database import Connection, StoreError, reader
from addons.evidence.package import single_file_verify
from addons.evidence.package.bag import Bag
from addons.evidence.package.listing import lines

HEAD = ("log", "key", "added_at", "retired_at", "folder", "exchanges", "leaves", "signed", "since", "until", "manifest")
_PIECE_BYTES = 1 << 20
_REGISTER = """
SELECT at, json_extract(leaf, '$.attrs') FROM events
WHERE type = 'config.changed' AND type NOT IN ('exchange.opened', 'exchange.closed') AND json_extract(leaf, '$.attrs.changed') = 'gateway' ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """Another gateway, as this one's log names it."""

    log: str  # its origin
    key: str  # vkey
    added_at: str
    retired_at: str = ""

    def belongs(self, since: str, until: str) -> bool:
        """Whether a package of this period is incomplete without it."""
        return (not until or self.added_at < until) and (not self.retired_at or self.retired_at > since)


@dataclass(frozen=True, slots=True)
class Other:
    """A line of gateways.csv."""

    registered: Registered
    folder: str = ""  # in data/; "": its package is not here
    exchanges: int = 0
    leaves: int = 0
    signed: int = 0
    since: str = ""
    until: str = ""
    manifest: str = ""


def register(database: Connection) -> list[Registered]:
    """In the order in which they were added; the newest word about each counts."""
    found: dict[str, Registered] = {}
    for at, attrs in database.execute(_REGISTER):
        said = orjson.loads(attrs)
        log, before = said["log"], found.get(said["log"])
        if said["state"] == "retired" and before:
            found[log] = Registered(log, before.key, before.added_at, at)
        elif said["state"] == "added":
            found[log] = Registered(log, said["key"], before.added_at if before and not before.retired_at else at)
    return list(found.values())


def folder_name(log: str) -> str:
    """A folder's name made of the log's; the same in verify.py."""
    return "log-" + re.sub(r"[^A-Za-z0-9.-]", "_", log)


def write_others(bag: Bag, package: Connection, given: Sequence[Path], since: str, until: str) -> list[Other]:
    """Take in the packages that were given, each checked first; say of each registered gateway whether it is here. Raises StoreError."""
    known = {one.log: one for one in register(package)}
    here: dict[str, Other] = {}
    for path in given:
        other = _take(bag, path, known, here)
        here[other.registered.log] = other
    others = [here.get(one.log, Other(one)) for one in known.values() if one.log in here or one.belongs(since, until)]
    if others:
        rows = [
            (one.registered.log, one.registered.key, one.registered.added_at, one.registered.retired_at, one.folder, *_numbers(one), one.since, one.until, one.manifest)
            for one in others
        ]  # fmt: skip
        bag.write("gateways.csv", [lines([HEAD, *rows])])
    return others


def _numbers(one: Other) -> tuple[int | None, int | None, int | None]:
    return (one.exchanges, one.leaves, one.signed) if one.folder else (None, None, None)


def _take(bag: Bag, path: Path, known: Mapping[str, Registered], here: Mapping[str, Other]) -> Other:
    found, database = single_file_verify.places(path)
    if found is None or not database.is_file():
        raise StoreError(f"{path}: expected the package of a gateway, a folder with bagit.txt; unpack a zip first")
    with reader(database) as package:
        about = dict(package.execute("SELECT name, value FROM package").fetchall())
        [exchanges] = package.execute("SELECT count(*) FROM exchanges").fetchone()
    log = about["origin"]
    if log not in known:
        raise StoreError(f"{path}: its log {log} is not in the register; affidavit gateways add VKEY")
    if log in here:
        raise StoreError(f"{path}: expected one package of {log}, got a second; leave one out")
    report = single_file_verify.verify(found, known[log].key, [], every=False)
    if report.totals:
        names = ", ".join(sorted(report.totals))
        raise StoreError(f"{path}: expected a package that holds, got {names}; affidavit verify {path}")
    folder = f"gateways/{folder_name(log)}"
    for file in sorted(one for one in found.rglob("*") if one.is_file()):
        bag.write(f"{folder}/{file.relative_to(found).as_posix()}", _pieces(file))
    manifest = "sha256:" + single_file_verify.digest_of(found / "manifest-sha256.txt")
    return Other(
        known[log],
        folder,
        exchanges,
        int(about["leaves"]),
        int(about["signed"]),
        about["since"],
        about["until"],
        manifest,
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with closing(path.open("rb")) as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
