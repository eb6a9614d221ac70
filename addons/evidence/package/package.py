"""The evidence package: a folder that an auditor takes away and checks without us. Not the record that it was made (the owner's).

    OUT/bagit.txt bag-info.txt manifest-sha256.txt tagmanifest-sha256.txt      BagIt 1.0, see bag.py
    OUT/custody/          the leaf of this export, the checkpoint that covers it, who took it
    OUT/data/             a function of the store and what was asked for; no clock
      START-HERE.html     for people
      population.csv exceptions.csv masking-coverage.csv masking-run.json
      samples/            one page each, see samples.py
      controls/<id>/      SQL, lists and result of each control, see sheets.py
      evidence.sqlite     see snapshot.py, views.py
      gateways.csv, gateways/      packages of other gateways, see gateways.py
      accounting.json     the equations; usage.csv what providers say was used
      log/entries.jsonl   the leaves' bytes, one a line
      log/checkpoints/    <size>.txt, signed notes
      log/anchors/        <size>-<kind>.checkpoint, and .tsr: the timestamp of exactly these bytes
      policies/           <sha-256>.json, history.csv, changes as diffs
      machine/            OCSF events, HAR and proofs of the samples, tiles of the log, receipts, OSCAL
      verify.py KEYS.txt

Strategy: one read transaction copies what is taken into evidence.sqlite; all else is made of that copy, so a long export does not keep
the gateway from cutting its WAL. The tree's hashes only grow, so proofs read them from the store later. Nothing is held but a few rows.
A package is built under another name and gets its own when its record is durable.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from addons.evidence.database import StoreError, reader
from addons.evidence.package.bag import Bag
from addons.evidence.package.check_package import verify_package
from addons.evidence.package.controls import SHEETS
from addons.evidence.package.gateways import DATABASE, Other, Registered, other_of, register
from addons.evidence.package.listing import lines
from addons.evidence.package.payload import Given, Step, write_payload
from addons.evidence.package.scope import Scope
from addons.evidence.package.snapshot import take
from addons.evidence.package.zipped import write_zip
from addons.evidence.stored_log import StoredHashes
from addons.evidence.usage_exports import UsageRow

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of an export beside its scope."""

    seed: str = ""  # of the sample: an auditor's own words
    sample: int = 25
    controls: tuple[str, ...] = ()  # (): all
    usage: tuple[UsageRow, ...] = ()  # what providers say was used
    gateways: tuple[Path, ...] = ()  # packages of other gateways, to go into this one
    masking_run: bytes = b""  # what `affidavit report masking` last found, as it wrote it


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


def export(
    store: Path,
    out: Path,
    scope: Scope,
    owner: Owner,
    about: Mapping[str, str],
    wish: Wish = Wish(),
    step: Step = lambda *_: None,
) -> Built:
    """Write the package `out`: a folder, or one zip file where the name ends in .zip. Nothing stays of an export that failed.

    about: more lines of bag-info.txt, which may tell the time.
    """
    if out.exists():
        raise StoreError(f"{out} exists already; name a folder that does not")
    if unknown := set(wish.controls) - {sheet.id for sheet in SHEETS}:
        raise StoreError(f"control {min(unknown)}: expected one of {', '.join(sheet.id for sheet in SHEETS)}")
    unfinished = out.with_name(out.name + ".unfinished")
    try:
        unfinished.mkdir(mode=0o700)
    except FileExistsError:
        raise StoreError(f"{unfinished} is left of another export; remove it if none is running") from None
    try:
        bag = Bag(unfinished)
        built = _payload(bag, store, scope, owner, wish, step)
        _custody(bag, built, owner.record(built))
        bag.finish(about)
        if out.suffix == ".zip":
            write_zip(unfinished, out)
            shutil.rmtree(unfinished)
        else:
            unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return built


def _payload(bag: Bag, store: Path, scope: Scope, owner: Owner, wish: Wish, step: Step) -> Built:
    """data/."""
    with bag.made_by("evidence.sqlite") as path:
        step("copy what is taken", 0, 0)
        take(store, path, scope, owner.sign, _asked(wish), _usage(scope, wish.usage))
    with reader(path) as package, reader(store) as source:
        step("other gateways", 0, 0)
        inside = _take_in(bag, register(package), wish.gateways)
        given = Given(owner.vkey, StoredHashes(source), wish.masking_run, inside)
        written = write_payload(bag, package, given, step)
    return Built(bag.manifest(), written.leaves, written.exchanges)


def _asked(wish: Wish) -> dict[str, str]:
    controls = orjson.dumps(sorted(wish.controls)).decode()
    return {"controls": controls, "seed": wish.seed, "sample": str(wish.sample)}


def _usage(scope: Scope, usage: Sequence[UsageRow]) -> tuple[UsageRow, ...]:
    """The days of the period: what was used before or after it is not this package's to compare."""
    since, until = scope.since[:10], scope.until[:10]
    return tuple(row for row in usage if (not since or row.day >= since) and (not until or row.day < until))


def _take_in(bag: Bag, known: Sequence[Registered], given: Sequence[Path]) -> dict[str, Other]:
    """The packages of other gateways, each checked first, whole. Raises StoreError."""
    registered = {one.log: one for one in known}
    here: dict[str, Other] = {}
    for path in given:
        found = next((place for place in (path, path.parent) if (place / "bagit.txt").is_file()), None)
        if found is None or not (found / DATABASE).is_file():
            raise StoreError(f"{path}: expected the package of a gateway, a folder with bagit.txt; unpack a zip first")
        with reader(found / DATABASE) as package:
            [log] = package.execute("SELECT value FROM package WHERE name = 'origin'").fetchone()
        if log not in registered:
            raise StoreError(f"{path}: its log {log} is not in the register; affidavit gateways add VKEY")
        if log in here:
            raise StoreError(f"{path}: expected one package of {log}, got a second; leave one out")
        report = verify_package(found, registered[log].key)
        if report.totals:
            names = ", ".join(sorted(report.totals))
            raise StoreError(f"{path}: expected a package that holds, got {names}; affidavit verify {path}")
        here[log] = other = other_of(registered[log], found)
        for file in sorted(one for one in found.rglob("*") if one.is_file()):
            bag.write(f"{other.folder}/{file.relative_to(found).as_posix()}", _pieces(file))
    return here


def _pieces(path: Path) -> Iterator[bytes]:
    with closing(path.open("rb")) as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _custody(bag: Bag, built: Built, receipt: Receipt) -> None:
    bag.tag(
        "custody/manifest-sha256.txt", [(bag.folder / "manifest-sha256.txt").read_bytes()]
    )  # the one that the leaf names
    bag.tag("custody/receipt.jsonl", (leaf + b"\n" for leaf in receipt.leaves))
    bag.tag("custody/checkpoint.txt", [receipt.checkpoint.encode()])
    head = ("at", "who", "what", "manifest", "leaf", "handed_over_to", "handed_over_at", "signature")
    row = (receipt.at, receipt.actor, "exported", built.manifest, receipt.seq, None, None, None)
    bag.tag("custody/custody.csv", [lines([head, row])])
