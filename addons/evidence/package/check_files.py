"""Checks the files of a package: as its manifests list them, as the gateway recorded them, and as evidence.sqlite gives them. Not that database.

Three witnesses, each stronger than the one before:
    manifest-sha256.txt, tagmanifest-sha256.txt   what was altered since; whoever alters a file can write them anew
    custody/                                      the manifest as it was when the gateway recorded this export in its own log
    evidence.sqlite                               every file is made again of it and compared, byte by byte
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path

from addons.evidence.check_log import parsed
from addons.evidence.checkpoints import NoteInvalid
from addons.evidence.log import Tree, leaf_hash
from addons.evidence.report import Report
from addons.evidence.rotation import KeyChain

MANIFEST, TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"
RECORDED = "custody/manifest-sha256.txt"
_NOT_MADE = re.compile(r"data/(evidence\.sqlite|gateways/.*)")  # copied, and checked for themselves
_FIGURE = re.compile(rb'<data id="([a-z_]+)" value="([0-9]+)">')
_LINE_BYTES = 1 << 20


class Files:
    """Every file of a bag, read once."""

    def __init__(self, bag: Path, report: Report) -> None:
        self.bag = bag
        self._report = report
        self._told: set[str] = set()
        self.digests = {
            path.relative_to(bag).as_posix(): _digest(path)
            for path in sorted(bag.rglob("*"))
            if path.is_symlink() or not path.is_dir()
        }
        report.counts["files"] = len(self.digests)

    def check_listed(self) -> None:
        """RFC 8493: each file as listed, none besides."""
        listed: dict[str, str] = {}
        for name in (TAGS, MANIFEST):
            if name in self.digests:
                listed |= read_manifest(self.bag / name)
            else:
                self.tell("file_missing", name)
        self._compare(listed, self.digests.keys() - {TAGS}, "not as its manifest has it")

    def check_recorded(self, recorded: str) -> bool:
        """recorded: the digest of the manifest that the gateway's leaf names. Whether that manifest is here, and all fits it."""
        if "sha256:" + self.digests.get(MANIFEST, "") == recorded:
            return True
        if "sha256:" + self.digests.get(RECORDED, "") == recorded:
            here = {name for name in self.digests if name.startswith("data/")}
            self._compare(read_manifest(self.bag / RECORDED), here, "not as the gateway recorded it when it exported")
        return False

    def tell(self, failure: str, name: str, why: str = "") -> None:
        """Once for each file and failure."""
        if f"{failure} {name}" not in self._told:
            self._told.add(f"{failure} {name}")
            self._report.fail(failure, None, f"{name}: {why}" if why else name)

    def _compare(self, listed: dict[str, str], here: Iterable[str], why: str) -> None:
        for name in sorted(listed.keys() | set(here)):
            if name not in listed:
                self.tell("file_added", name)
            elif name not in self.digests:
                self.tell("file_missing", name)
            elif self.digests[name] != listed[name]:
                self.tell("file_changed", name, why)


def _digest(path: Path) -> str:
    """Nothing for what is no file of its own: a link leads out of what is taken away."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def read_manifest(path: Path) -> dict[str, str]:
    lines = (line.partition("  ") for line in path.read_text("utf-8", "replace").splitlines())
    return {name: digest for digest, _, name in lines}


# -- custody --------------------------------------------------------------------------------------------------------------


def check_custody(files: Files, keys: KeyChain, tree: Tree, report: Report) -> None:
    """The gateway appended this export to its own log, after the leaves that are here, and signed a checkpoint over that."""
    folder, size = files.bag / "custody", tree.size
    try:
        leaves = list(_leaves(folder / "receipt.jsonl"))
        note = (folder / "checkpoint.txt").read_text("utf-8", "replace")
    except OSError:
        report.fail("export_unrecorded", None, "custody/ is not there, or not whole")
        return
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
    report.counts["custody"] += 1
    try:
        checkpoint = keys.check(note)
    except NoteInvalid as fault:
        report.fail("checkpoint_signature_bad", None, f"custody/checkpoint.txt: {fault}")
    else:
        if (checkpoint.size, checkpoint.root) != (tree.size, tree.root()):
            report.fail(
                "export_unrecorded", size, "the checkpoint in custody/ is not over its leaves and those of this package"
            )
    exports = [said for said in map(parsed, leaves) if said.get("type") == "evidence.exported"]
    if not any(files.check_recorded(str(said["attrs"].get("manifest"))) for said in exports):
        report.fail("export_unrecorded", size, "no leaf in custody/ names this manifest")
    _check_list(files, exports)


def _leaves(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(_LINE_BYTES):
            yield line.rstrip(b"\n")


def _check_list(files: Files, exports: list[dict[str, object]]) -> None:
    """The first line of custody.csv is the leaf's; who took the package over later is written below it."""
    name = "custody/custody.csv"
    if name not in files.digests:
        return
    with (files.bag / name).open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file))
    at, _, what, manifest, leaf = [*(rows[1] if len(rows) > 1 else ()), "", "", "", "", ""][:5]
    said = next((one for one in exports if str(one.get("seq")) == leaf), None)
    attrs = said.get("attrs") if said else None
    wanted = (said["at"], "exported", attrs.get("manifest")) if said and isinstance(attrs, dict) else None
    if (at, what, manifest) != wanted:
        files.tell("file_changed", name, "its first line is not the leaf's")


# -- every file, made again -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Comparison:
    """A sink that writes nothing: each file that is made again is compared with the one that is there."""

    files: Files
    made: set[str] = field(default_factory=set)

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        whole = f"data/{name}"
        self.made.add(whole)
        there = self.files.digests.get(whole)
        if not there:
            for _ in pieces:  # whoever makes them counts on the way
                pass
            self.files.tell("file_missing", whole)
        elif name == "START-HERE.html":
            self._page(whole, b"".join(pieces))
        elif line := _first_difference(self.files.bag / whole, pieces):
            self.files.tell(_failure(name), whole, f"line {line} is not what evidence.sqlite gives")

    def finish(self) -> None:
        """What no export makes has no place in data/."""
        for name in sorted(self.files.digests.keys() - self.made):
            if name.startswith("data/") and not _NOT_MADE.fullmatch(name):
                self.files.tell("file_added", name)

    def _page(self, name: str, wanted: bytes) -> None:
        found = (self.files.bag / name).read_bytes()
        shown, counted = dict(_FIGURE.findall(found)), dict(_FIGURE.findall(wanted))
        for figure, number in counted.items():
            if shown.get(figure) != number:
                why = f"{figure.decode()} is {number.decode()} in evidence.sqlite"
                self.files.tell("figure_changed", name, why)
        if found != wanted:
            self.files.tell("file_changed", name, "not the page that evidence.sqlite gives")


def _first_difference(path: Path, pieces: Iterable[bytes]) -> int:
    """The number of the first line that differs; 0: none does. Takes all pieces in any case."""
    line, differs = 1, False
    with path.open("rb") as file:
        for piece in pieces:
            if differs:
                continue
            found = file.read(len(piece))
            differs = found != piece
            line += piece[: _same(found, piece)].count(b"\n") if differs else piece.count(b"\n")
        return line if differs or file.read(1) else 0


def _same(found: bytes, piece: bytes) -> int:
    """How many bytes both begin with."""
    places = (at for at, (one, other) in enumerate(zip(found, piece, strict=False)) if one != other)
    return next(places, min(len(found), len(piece)))


def _failure(name: str) -> str:
    """What a change of this file is called."""
    if name == "samples/index.csv":
        return "sample_changed"
    if name == "log/entries.jsonl":
        return "leaf_changed"
    return "list_changed" if name.endswith((".csv", ".sql")) or name.startswith("policies/") else "file_changed"
