"""The evidence package: a folder that an auditor takes away and checks without us. Not the record that it was made (the owner's).

    OUT/bagit.txt bag-info.txt manifest-sha256.txt tagmanifest-sha256.txt      BagIt 1.0, see bag.py
    OUT/custody/          the leaf of this export, the checkpoint that covers it, who took it
    OUT/data/             a function of the store and the scope; no clock
      START-HERE.html     for people
      population.csv exceptions.csv
      evidence.sqlite     see snapshot.py
      log/entries.jsonl   the leaves' bytes, one a line
      log/checkpoints/    <size>.txt, signed notes
      policies/           <sha-256>.json
      verify.py KEYS.txt

Strategy: one read transaction copies what is taken into evidence.sqlite; all else is made of that copy, so a long export does not keep
the gateway from cutting its WAL. A package is built under another name and gets its own when its record is durable.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from addons.evidence.database import Connection, StoreError, reader
from addons.evidence.package.bag import Bag
from addons.evidence.package.figures import figures
from addons.evidence.package.listing import POPULATION, lines, listed
from addons.evidence.package.page import page
from addons.evidence.package.scope import Scope
from addons.evidence.package.snapshot import take

_VERIFIER = Path(__file__).with_name("single_file_verify.py")
_LEAVES_AT_ONCE = 1000

KEYS_TEXT = """\
# The key that signs this log's checkpoints: name+hash+key (c2sp.org/signed-note).
# This copy came with the package, so it proves nothing by itself. Compare it with one that you got another way: read aloud,
# printed, from an earlier package, or from the gateway's owner (affidavit status).
{vkey}
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record of the export in the gateway's log."""

    at: str
    actor: str
    seq: int
    leaves: Sequence[bytes]  # from the package's last leaf on, up to the checkpoint's size
    checkpoint: str  # signed note


@dataclass(frozen=True, slots=True)
class Built:
    """What was written."""

    manifest: str  # "sha256:" + hex of manifest-sha256.txt
    leaves: int
    exchanges: int


class Owner(Protocol):
    """Whoever may write the store that is exported."""

    vkey: str

    def sign(self) -> object:
        """Sign a checkpoint over all leaves."""

    def record(self, built: Built) -> Receipt:
        """Append the record of this export; called once, when all of data/ is there."""


def export(store: Path, out: Path, scope: Scope, owner: Owner, about: Mapping[str, str]) -> Built:
    """Write the package `out`. Nothing stays of an export that failed.

    about: more lines of bag-info.txt, which may tell the time.
    """
    if out.exists():
        raise StoreError(f"{out} exists already; name a folder that does not")
    unfinished = out.with_name(out.name + ".unfinished")
    try:
        unfinished.mkdir(mode=0o700)
    except FileExistsError:
        raise StoreError(f"{unfinished} is left of another export; remove it if none is running") from None
    try:
        bag = Bag(unfinished)
        built = _payload(bag, store, scope, owner)
        _custody(bag, built, owner.record(built))
        bag.finish(about)
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return built


def _payload(bag: Bag, store: Path, scope: Scope, owner: Owner) -> Built:
    with bag.made_by("evidence.sqlite") as path:
        take(store, path, scope, owner.sign)
    with reader(path) as package:
        found = figures(package)
        bag.write("population.csv", listed(package, POPULATION))
        bag.write("exceptions.csv", listed(package, "SELECT * FROM exceptions"))
        bag.write("log/entries.jsonl", _entries(package))
        for size, note in _notes(package):
            bag.write_text(f"log/checkpoints/{size}.txt", note)
        for digest, content in package.execute("SELECT DISTINCT digest, content FROM policies ORDER BY digest"):
            bag.write_text(f"policies/{digest.removeprefix('sha256:')}.json", content)
    bag.write_text("START-HERE.html", page(found, owner.vkey))
    bag.write_text("KEYS.txt", KEYS_TEXT.format(vkey=owner.vkey))
    bag.write("verify.py", [_VERIFIER.read_bytes()])
    return Built(bag.manifest(), found.counts["leaves"], found.counts["opened"])


def _custody(bag: Bag, built: Built, receipt: Receipt) -> None:
    bag.tag("custody/receipt.jsonl", (leaf + b"\n" for leaf in receipt.leaves))
    bag.tag("custody/checkpoint.txt", [receipt.checkpoint.encode()])
    head = ("at", "who", "what", "manifest", "leaf")
    row = (receipt.at, receipt.actor, "exported", built.manifest, receipt.seq)
    bag.tag("custody/custody.csv", [lines([head, row])])


def _entries(package: Connection) -> Iterator[bytes]:
    cursor = package.execute("SELECT leaf FROM events ORDER BY seq")
    while rows := cursor.fetchmany(_LEAVES_AT_ONCE):
        yield "".join([leaf + "\n" for (leaf,) in rows]).encode()


def _notes(package: Connection) -> Iterator[tuple[int, str]]:
    """The newest checkpoint and the last of each day: a year of them is still a folder that opens."""
    yield from package.execute(
        "SELECT size, note FROM checkpoints WHERE size IN (SELECT max(size) FROM checkpoints GROUP BY substr(at, 1, 10)) ORDER BY size"
    )
