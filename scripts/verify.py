"""`affidavit verify`: checks a store or a package and names every failure. Changes nothing, records nothing."""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
import zlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from addons.evidence.check_receipts import is_receipt, verify_receipt
from addons.evidence.checkpoints import NoteInvalid, Verifier
from addons.evidence.database import StoreError
from addons.evidence.package.check_package import verify_package
from addons.evidence.verify import Claim, Failure, Report, verify
from scripts.terminal import Failed, harmless, print_json, print_table

EXAMPLES = """\b
Examples:
  affidavit verify ~/.affidavit
  affidavit verify ~/evidence-2026-11 --vkey 'affidavit.invalid/1a2b3c4d+…' --seen last-year/checkpoint.txt
  affidavit verify receipt.txt --vkey 'affidavit.invalid/1a2b3c4d+…'
"""


@dataclass(slots=True)
class Found:
    """What both verifiers say, in one form."""

    path: str
    kind: str  # "store" | "package" | "receipt"
    vkey: str
    counts: dict[str, int]
    totals: dict[str, int]  # of each failure's name
    failures: list[Failure] = field(default_factory=list)  # the first of each name
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever checks has from elsewhere."""

    vkey: str
    seen: tuple[Path, ...]
    roots: bytes
    everything: bool

    @property
    def claims(self) -> list[Claim]:
        return [Claim(path.read_text("utf-8", "replace"), str(path)) for path in self.seen]


@click.command("verify", epilog=EXAMPLES)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every signature, not only the newest and a sample; the whole database file.",
)
@click.option("--vkey", default="", help="The log's key as you were given it; else the one that lies beside the log.")
@click.option(
    "--seen",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A checkpoint that you kept; repeatable.",
)
@click.option(
    "--tsa-ca",
    "tsa_ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Certificates (PEM) of a timestamp authority: who signed its timestamps is then checked; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: JSON on stdout.")
def verify_path(
    *, path: Path, everything: bool, vkey: str, seen: tuple[Path, ...], tsa_ca: tuple[Path, ...], as_json: bool
) -> int:
    """Check PATH: a state folder, a store (evidence.db), a package (its folder or its zip file), or a receipt. Exit status 1 if anything does not hold."""
    asked = Asked(vkey, seen, b"\n".join(place.read_bytes() for place in tsa_ca), everything)
    if zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory() as folder:
            found = _package(_unpacked(path, Path(folder)), asked)
            return _told(replace(found, path=str(path)), as_json)
    if is_receipt(path):
        return _told(_receipt(path, vkey), as_json)
    bag = next((place for place in (path, *path.resolve().parents[:2]) if (place / "bagit.txt").is_file()), None)
    if bag:
        return _told(_package(bag, asked), as_json)
    return _told(_store(path / "evidence.db" if path.is_dir() else path, asked), as_json)


def _unpacked(path: Path, folder: Path) -> Path:
    """The bag of a package that is one zip file: below a folder of its own, as export writes it."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > (free := shutil.disk_usage(folder).free):
                raise Failed(
                    f"{path}: unpacked it has {size:,} bytes, and {folder} has room for {free:,}",
                    "another place: $TMPDIR",
                )
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise Failed(f"{path}: a zip file that cannot be read: {error}", "get the package again") from error
    bags = [found.parent for found in folder.glob("**/bagit.txt")]
    if len(bags) != 1:
        raise Failed(
            f"{path}: expected one package in it, got {len(bags)}", "affidavit export FILE.zip makes one; or unpack it"
        )
    return bags[0]


def _told(found: Found, as_json: bool) -> int:
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)
    return 1 if found.totals else 0


def _store(database: Path, asked: Asked) -> Found:
    beside = database.parent / "keys" / "log.vkey"
    try:
        key = Verifier.of(asked.vkey or beside.read_text("utf-8"))
        report = verify(
            database, key, seen=asked.claims, roots=asked.roots, everything=asked.everything, progress=_progress
        )
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}", "give the log's key: --vkey NAME+HASH+KEY") from error
    except (NoteInvalid, StoreError) as error:
        raise Failed(str(error), "affidavit verify --help") from error
    if not asked.vkey:
        report.notes.append(_ASK_FOR_KEY)
    return _found(database, "store", key.vkey, report)


def _package(bag: Path, asked: Asked) -> Found:
    report = verify_package(
        bag, asked.vkey, seen=asked.claims, roots=asked.roots, everything=asked.everything, progress=_progress
    )
    return _found(bag, "package", asked.vkey, report)


def _receipt(path: Path, vkey: str) -> Found:
    return _found(path, "receipt", vkey, verify_receipt(path.read_text("utf-8", "replace"), vkey))


def _found(path: Path, kind: str, vkey: str, report: Report) -> Found:
    counts = {name: number for name, number in sorted(report.counts.items()) if "." not in name}
    notes = [*report.notes, *([report.horizon] if report.horizon else [])]
    return Found(str(path), kind, vkey, counts, dict(report.totals), report.failures, notes)


def _progress(done: int, size: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done:,} of {size:,} leaves", err=True, nl=done == size)


def _print(found: Found) -> None:
    print_table((found.kind, "looked at"), [(name, f"{number:,}") for name, number in found.counts.items()])
    for failure in found.failures:
        place = "" if failure.seq is None else f" seq {failure.seq}"
        click.echo(click.style(f"FAILED {failure.name}{place}: {harmless(failure.detail)}", fg="red"))
    for note in found.notes:
        click.echo(f"note: {harmless(note)}")
    failed: Any = sum(found.totals.values())
    click.echo(click.style(f"{failed:,} FAILED" if failed else "all holds", bold=True, fg="red" if failed else "green"))


_ASK_FOR_KEY = "the key is the one beside the store; compare it with what you got another way, or give that one: --vkey"
