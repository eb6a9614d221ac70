"""Checks what others attested of the log's checkpoints, and says how far that reaches. Not who they are: whoever checks
has to know a witness's key and an authority's certificates.

An anchor is a checkpoint and what somebody outside made of it: a witness's cosignature, an authority's timestamp. Both prove themselves
against the checkpoint; the checkpoint is compared with the leaves where all claims are. A file or a git repository only holds a copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from addons.evidence.checkpoints import Checkpoint, NoteInvalid
from addons.evidence.database import Connection
from addons.evidence.ids import time_text
from addons.evidence.report import Report
from addons.evidence.timestamps import TimestampInvalid, check, read
from addons.evidence.witness import WitnessKey

WITNESS, TIMESTAMP, FILE, GIT = "witness", "rfc3161", "file", "git"
PROVING = (WITNESS, TIMESTAMP)


class AnchorInvalid(ValueError):  # noqa: N818 - reads as what is wrong
    """An anchor that is not of its checkpoint."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A row of `anchors`. place: the witness's vkey, the authority's URL, a path."""

    size: int
    kind: str
    place: str
    at: str
    note: str
    proof: bytes

    def attested_at(self, roots: bytes = b"") -> str:
        """The time that the anchor itself says, its own by its own word; or AnchorInvalid. roots: certificates (PEM) that a timestamp must be signed under."""
        try:
            if Checkpoint.unverified(self.note).size != self.size:
                raise AnchorInvalid(f"of another checkpoint than {self.size}")
            if self.kind == WITNESS:
                at = WitnessKey.of(self.place).check(self.note)
                return time_text(datetime.fromtimestamp(at, UTC))
            if self.kind == TIMESTAMP:
                claim = check(self.proof, self.note.encode(), roots) if roots else read(self.proof)
                if claim.digest != sha256(self.note.encode()).digest():
                    raise AnchorInvalid("the timestamp is of other bytes")
                return time_text(claim.at)
        except (NoteInvalid, TimestampInvalid, OverflowError, ValueError) as fault:
            if isinstance(fault, AnchorInvalid):
                raise
            raise AnchorInvalid(str(fault)) from fault
        return self.at


def anchors(connection: Connection) -> Iterator[Anchor]:
    """All, oldest first; none in a store of an earlier schema."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'anchors'").fetchone():
        query = "SELECT size, kind, place, at, note, proof FROM anchors ORDER BY number"
        yield from (Anchor(*row) for row in connection.execute(query))


def newest_proving(connection: Connection) -> Anchor | None:
    """The widest that a witness or an authority attested, and that is of its checkpoint."""
    found = sorted((each for each in anchors(connection) if each.kind in PROVING), key=lambda each: -each.size)
    return next((each for each in found if _holds(each)), None)


def _holds(anchor: Anchor) -> bool:
    try:
        return anchor.attested_at() == anchor.at
    except AnchorInvalid:
        return False


def check_anchors(connection: Connection, report: Report, roots: bytes = b"") -> None:
    """Each of them; then the horizon: up to which leaf somebody outside knows this log. roots: of timestamp authorities, PEM."""
    horizon: Anchor | None = None
    unsigned = 0
    for anchor in anchors(connection):
        report.counts["anchors"] += 1
        unsigned += anchor.kind == TIMESTAMP and not roots
        try:
            at = anchor.attested_at(roots)
        except AnchorInvalid as fault:
            report.fail("anchor_bad", None, f"{anchor.kind} over {anchor.size} leaves: {fault}")
            continue
        if at != anchor.at:
            report.fail(
                "anchor_bad",
                None,
                f"{anchor.kind} over {anchor.size} leaves: attested at {at}, the row says {anchor.at}",
            )
        elif anchor.kind in PROVING and (horizon is None or anchor.size >= horizon.size):
            horizon = anchor
    report.horizon = horizon_text(horizon)
    if unsigned:
        report.notes.append(
            f"{unsigned} timestamps are of their checkpoints; who signed them was not checked: give the authority's certificates, --tsa-ca FILE"
        )


def horizon_text(newest: Anchor | None) -> str:
    if newest is None:
        return (
            "no outside anchor: whoever holds this machine and its key could have made all of this; "
            "--seen compares with what you kept"
        )
    return (
        f"proof horizon: {newest.size} leaves, attested at {newest.at} by {newest.kind} {newest.place}; what comes after could be "
        "rewritten by whoever holds this machine and its key; ask that witness or authority, or compare with --seen"
    )
