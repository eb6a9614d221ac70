"""Packages of other gateways inside one package, and the register that shows when one is left out. Not how each is made (package.py), taken in or checked.

    data/gateways.csv                    the register: each log, its key, since when, and whether its package is here
    data/gateways/<name>/                the package of another gateway, whole, as it was exported there

The register is in this gateway's own log: a `config.changed` leaf for each gateway that is added or retired. So it cannot be made to fit
afterwards, and whoever checks the package knows which ones have to be in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from addons.evidence.database import Connection, reader
from addons.evidence.package.listing import lines

HEAD = ("log", "key", "added_at", "retired_at", "folder", "exchanges", "leaves", "signed", "since", "until", "manifest")
PACKAGES = "gateways"  # in data/
DATABASE = Path("data", "evidence.sqlite")  # in a bag
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


def others(known: Sequence[Registered], here: Mapping[str, Other], since: str, until: str) -> list[Other]:
    """Of each registered gateway whether its package is here; those that are not and belong to another period are left out."""
    return [here.get(one.log, Other(one)) for one in known if one.log in here or one.belongs(since, until)]


def listing(rows: Sequence[Other]) -> bytes:
    """gateways.csv."""
    return lines([
        HEAD,
        *((one.registered.log, one.registered.key, one.registered.added_at, one.registered.retired_at, one.folder, *_numbers(one), one.since, one.until, one.manifest) for one in rows),
    ])  # fmt: skip


def inside(data: Path, known: Sequence[Registered]) -> dict[str, Other]:
    """The registered gateways whose packages lie in this data/, by log; what they say of themselves, unchecked."""
    places = {one.log: data / PACKAGES / folder_name(one.log) for one in known}
    return {one.log: other_of(one, places[one.log]) for one in known if (places[one.log] / DATABASE).is_file()}


def other_of(registered: Registered, bag: Path) -> Other:
    with reader(bag / DATABASE) as package:
        about = dict(package.execute("SELECT name, value FROM package").fetchall())
        [exchanges] = package.execute("SELECT count(*) FROM exchanges").fetchone()
    manifest = "sha256:" + sha256((bag / "manifest-sha256.txt").read_bytes()).hexdigest()
    return Other(
        registered,
        f"{PACKAGES}/{folder_name(registered.log)}",
        exchanges,
        int(about["leaves"]),
        int(about["signed"]),
        about["since"],
        about["until"],
        manifest,
    )


def _numbers(one: Other) -> tuple[int | None, int | None, int | None]:
    return (one.exchanges, one.leaves, one.signed) if one.folder else (None, None, None)
