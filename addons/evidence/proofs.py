r"""Proofs that travel alone: that a leaf is in the log, that one checkpoint continues another. Not how they are computed: log.py.

A proof of inclusion, "<name>.tlog-proof" (c2sp.org/tlog-proof); it is checked with the leaf's bytes and the log's key, offline:

    c2sp.org/tlog-proof@v1
    index 73894                                       the leaf's number
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=      hashes from the leaf's sibling up, base64
                                                      an empty line, then the checkpoint as it was signed
    affidavit.invalid/1a2b3c4d …
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Verifier, check_checkpoint
from addons.evidence.log import ProofInvalid, Read, check_inclusion, consistency_proof, inclusion_proof, leaf_hash

_FIRST = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})")
_HASHES_MAX = 63  # a tree of 2**63 leaves; longer ones are refused before anything is computed


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Leaf `index` is in the tree that `note` was signed over."""

    index: int
    hashes: tuple[bytes, ...]
    note: str

    @classmethod
    def of(cls, text: str) -> Inclusion:
        """From a .tlog-proof; an `extra` line is allowed and, as nothing vouches for it, not read."""
        head, blank, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        if lines and lines[0].startswith("extra "):
            del lines[0]
        index = _INDEX.fullmatch(lines[0]) if lines else None
        if first != _FIRST or index is None or not blank:
            raise ProofInvalid(f"proof: expected {_FIRST}, an index, hashes, an empty line and a checkpoint; got other")
        return cls(int(index[1]), parse_hashes(lines[1:]), note)

    @property
    def text(self) -> str:
        return "\n".join([_FIRST, f"index {self.index}", *hash_lines(self.hashes), "", self.note])

    def check(self, leaf: bytes, verifier: Verifier) -> Checkpoint:
        """The checkpoint under which `leaf`, the exact bytes, is number `index`; or ProofInvalid, NoteInvalid."""
        checkpoint = check_checkpoint(verifier, self.note)
        check_inclusion(leaf_hash(leaf), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint


def prove_inclusion(index: int, note: str, read: Read) -> Inclusion:
    """`note`: a checkpoint of the log whose stored hashes `read` gives, over more than `index` leaves."""
    return Inclusion(index, inclusion_proof(index, Checkpoint.unverified(note).size, read), note)


def prove_consistency(old_size: int, note: str, read: Read) -> tuple[bytes, ...]:
    return consistency_proof(old_size, Checkpoint.unverified(note).size, read)


def hash_lines(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(digest).decode() for digest in hashes]


def parse_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Hashes as `hash_lines` writes them, or ProofInvalid."""
    try:
        hashes = tuple(base64.b64decode(line, validate=True) for line in lines)
    except (binascii.Error, ValueError):
        hashes = (b"",)
    if len(hashes) > _HASHES_MAX or any(len(digest) != 32 for digest in hashes):
        raise ProofInvalid(f"proof: expected at most {_HASHES_MAX} lines of base64, 32 bytes each; got other")
    return hashes


__all__ = [
    "Inclusion",
    "NoteInvalid",
    "ProofInvalid",
    "hash_lines",
    "parse_hashes",
    "prove_consistency",
    "prove_inclusion",
]
