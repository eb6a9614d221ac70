"""`affidavit log`: proofs and files of the log for others to check, and what an operator does to it: another key, another log."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from addons.console.desk import operator
from addons.console.state import StateFolder
from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Verifier
from addons.evidence.database import StoreError, reader
from addons.evidence.proofs import Inclusion, ProofInvalid, hash_lines, prove_consistency, prove_inclusion
from addons.evidence.renewal import begin_anew, rotate_key
from addons.evidence.stored_log import StoredHashes, leaves_between, newest_note, note_over
from addons.evidence.tiles import tiles
from scripts.options import json_option, state_option
from scripts.terminal import Failed, print_json


@click.group("log")
def log() -> None:
    """Proofs, tiles, another key, another log."""


@log.command(epilog="\b\nExample:\n  affidavit log proof ex_018f2a6c-… --out proofs")
@click.argument("what")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder to write into.")
@state_option()
def proof(*, folder: StateFolder, what: str, out: Path) -> None:
    """For WHAT, a leaf's number or an exchange's id: the leaf's bytes and its proof of inclusion (.tlog-proof)."""
    with reader(folder.database) as store:
        if what.isdecimal():
            seqs = [int(what)]
        else:
            seqs = [
                seq for (seq,) in store.execute("SELECT seq FROM events WHERE exchange_id = ? ORDER BY seq", (what,))
            ]
        if not seqs:
            raise Failed(f"{what}: expected a leaf's number or an exchange's id, got neither", "affidavit sessions")
        out.mkdir(parents=True, exist_ok=True)
        for seq in seqs:
            note = note_over(store, seq)
            leaf = leaves_between(store, seq, seq + 1)
            if note is None or not leaf:
                raise Failed(f"leaf {seq}: not under a checkpoint yet, or not there", "affidavit status")
            made = prove_inclusion(seq, note, StoredHashes(store))
            (out / f"{seq}.leaf.json").write_bytes(leaf[0])
            (out / f"{seq}.tlog-proof").write_text(made.text, "utf-8")
            click.echo(f"{out / f'{seq}.leaf.json'}  {out / f'{seq}.tlog-proof'}")


@log.command(
    epilog="\b\nExample:\n  affidavit log check 7.leaf.json 7.tlog-proof --vkey 'affidavit.invalid/1a2b3c4d+…'"
)
@click.argument("leaf", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("proof_file", metavar="PROOF", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--vkey", required=True, help="The log's key as you were given it.")
def check(*, leaf: Path, proof_file: Path, vkey: str) -> None:
    """Whether LEAF, the exact bytes, is in the log that signed PROOF. Needs no state."""
    try:
        found = Inclusion.of(proof_file.read_text("utf-8"))
        checkpoint = found.check(leaf.read_bytes(), Verifier.of(vkey))
    except (ProofInvalid, NoteInvalid, UnicodeDecodeError) as fault:
        raise Failed(str(fault), "compare leaf, proof and key with their source") from fault
    click.echo(f"leaf {found.index} is in {checkpoint.origin}, of {checkpoint.size} leaves")


@log.command(epilog="\b\nExample:\n  affidavit log consistency last-year/checkpoint.txt --json")
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option()
@state_option()
def consistency(*, folder: StateFolder, old: Path, as_json: bool) -> None:
    """The newest checkpoint, and the hashes that show it to continue the checkpoint in OLD (RFC 6962, 2.1.2)."""
    try:
        seen = Checkpoint.unverified(old.read_text("utf-8"))
    except (NoteInvalid, UnicodeDecodeError) as fault:
        raise Failed(f"{old}: {fault}", "give a checkpoint of this log") from fault
    with reader(folder.database) as store:
        note = newest_note(store) or ""
        size = Checkpoint.unverified(note).size
        if seen.size > size:
            raise Failed(f"{old} was signed over {seen.size} leaves, {size} are here", "affidavit verify --seen")
        hashes = prove_consistency(seen.size, note, StoredHashes(store))
    if as_json:
        print_json({"old_size": seen.size, "size": size, "hashes": hash_lines(hashes), "checkpoint": note})
    else:
        click.echo("\n".join([*hash_lines(hashes), "", note]), nl=False)


@log.command("tiles", epilog="\b\nExample:\n  affidavit log tiles public/log")
@click.argument("out", type=click.Path(exists=False, path_type=Path))
@state_option()
def write_tiles(*, folder: StateFolder, out: Path) -> None:
    """The log as static files of c2sp.org/tlog-tiles, in the new folder OUT: checkpoint, hashes, leaves. No prompts are in it."""
    if out.exists():
        raise Failed(f"{out} exists already", "name a folder that does not")
    with reader(folder.database) as store:
        note = newest_note(store) or ""
        size = Checkpoint.unverified(note).size

        def leaves(first: int, end: int) -> list[bytes]:
            return leaves_between(store, first, end)

        count = 0
        for name, content in tiles(size, StoredHashes(store), leaves):
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            count += 1
    out.mkdir(parents=True, exist_ok=True)
    (out / "checkpoint").write_text(note, "utf-8")
    click.echo(f"{out}: {count} tiles of {size} leaves")


@log.command("rotate-key", epilog='\b\nExample:\n  affidavit log rotate-key --reason "yearly change"')
@click.option("--reason", required=True, help="One sentence; it becomes part of the evidence.")
@state_option()
def rotate(*, folder: StateFolder, reason: str) -> None:
    """A new key for the same log; both keys sign the change. The gateway must be stopped."""
    with folder.own():
        keys = rotate_key(folder.database, folder.keys, **_sources(), reason=reason)
    click.echo(f"log       {keys.vkey}")
    click.echo("Who pinned the old key goes on with it: the log leads from one to the other.")


@log.command(epilog='\b\nExample:\n  affidavit log recover --reason "disk died, restored the backup of Monday"')
@click.option("--reason", required=True, help="One sentence; it becomes part of the evidence.")
@click.option(
    "--seen",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that somebody kept and that is further than this store.",
)
@state_option()
def recover(*, folder: StateFolder, reason: str, seen: Path | None) -> None:
    """Begin a new log where the old one cannot go on: a restored older copy, a damaged store. The old one is put aside, whole.

    Tokens are not carried over: a revocation may be among what was lost. Policies are recorded anew at the next start.
    """
    known = seen.read_text("utf-8", "replace") if seen else ""
    with folder.own():
        try:
            keys, aside = begin_anew(folder.database, folder.keys, **_sources(), reason=reason, known=known)
        except StoreError as fault:
            message, _, hint = str(fault).rpartition("; ")
            raise Failed(message, hint) from fault
    click.echo(f"log       {keys.vkey}")
    click.echo(f"aside     {aside}")
    click.echo("Give the new key to whoever checks, and keep the old log with its packages.")


def _sources() -> dict[str, Any]:
    return {"clock": lambda: datetime.now(UTC), "random": secrets.token_bytes, "actor": operator()}
