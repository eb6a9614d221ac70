r"""A witness of logs: what it signs, what it is asked, what it answers. Not HTTP, not where it keeps what it saw.

Sources: c2sp.org/tlog-cosignature (Ed25519), c2sp.org/tlog-witness, both read 2026-11-25. A cosignature is one more line of a checkpoint:

    — witness.example/w1 base64(key id || time, 8 bytes || Ed25519("cosignature/v1\ntime T\n" checkpoint body))
    key id = SHA-256(name "\n" 0x04 public key)[:4]        vkey = name "+" hex(key id) "+" base64(0x04 || public key)

It says: at this time, this was the largest tree that the witness had seen of this log, and it continued all it had seen before.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from addons.evidence.checkpoints import Checkpoint, NoteInvalid, Verifier, check_checkpoint, from_base64, parse_note
from addons.evidence.log import ProofInvalid, check_consistency
from addons.evidence.proofs import hash_lines, parse_hashes

_COSIGNATURE = b"\x04"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")
REQUEST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's public key by its name."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _COSIGNATURE + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_COSIGNATURE + self.public).decode()}"

    @classmethod
    def of(cls, vkey: str) -> WitnessKey:
        name, _, rest = vkey.strip().partition("+")
        digits, _, encoded = rest.partition("+")
        raw = from_base64(encoded)
        key = cls(name, raw[1:])
        if not name or len(raw) != 33 or raw[:1] != _COSIGNATURE or digits != key.key_id.hex():
            raise NoteInvalid("witness key: expected name+hash+base64 of a cosignature key (type 4); copy it whole")
        return key

    def check(self, note: str) -> int:
        """When this witness signed the note, in seconds since 1970; or NoteInvalid."""
        text, signatures = parse_note(note)
        ours = [blob[4:] for name, blob in signatures if name == self.name and blob[:4] == self.key_id]
        if not ours:
            raise NoteInvalid(f"note: no cosignature by {self.name}+{self.key_id.hex()}")
        key = Ed25519PublicKey.from_public_bytes(self.public)
        times: list[int] = []
        for blob in ours:
            if len(blob) != 72:
                raise NoteInvalid(f"note: the cosignature by {self.name} is not of 72 bytes")
            at = int.from_bytes(blob[:8])
            try:
                key.verify(blob[8:], _message(text, at))
            except InvalidSignature:
                raise NoteInvalid(
                    f"note: the cosignature by {self.name}+{self.key_id.hex()} is not of this text"
                ) from None
            times.append(at)
        return max(times)


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's private key."""

    name: str
    seed: bytes

    def __repr__(self) -> str:
        return f"Cosigner({self.key.vkey})"

    @property
    def key(self) -> WitnessKey:
        return WitnessKey(self.name, self._private().public_key().public_bytes_raw())

    def line(self, body: str, at: int) -> str:
        """The signature line for a checkpoint's body, at this second."""
        blob = self.key.key_id + struct.pack(">Q", at) + self._private().sign(_message(body, at))
        return f"— {self.name} {base64.b64encode(blob).decode()}\n"

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def _message(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


# -- add-checkpoint --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What HTTP says. keep: the note to be on disk before it is said."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"
    keep: str = ""


def request_text(old_size: int, proof: Sequence[bytes], note: str) -> str:
    return "\n".join([f"old {old_size}", *hash_lines(proof), "", note])


def answer(text: str, known: Checkpoint | None, logs: Iterable[Verifier], cosigner: Cosigner, now: int) -> Answer:
    """To a POST of `text`. known: the newest checkpoint of the text's origin that was cosigned here; the caller holds it fast."""
    try:
        head, blank, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        old = _OLD.fullmatch(first)
        checkpoint = Checkpoint.unverified(note)
        proof = parse_hashes(lines)
        if old is None or not blank:
            raise ProofInvalid("expected: old SIZE")  # noqa: TRY301 told with the others below
    except (NoteInvalid, ProofInvalid) as fault:
        return Answer(400, f"{fault}\n")
    keys = [key for key in logs if key.name == checkpoint.origin]
    if not keys:
        return Answer(404, "this log is not known here\n")
    if not any(_is_signed(key, note) for key in keys):
        return Answer(403, "no signature by a key of this log that is trusted here\n")
    return _judged(int(old[1]), checkpoint, proof, known or Checkpoint(checkpoint.origin, 0, b""), note, cosigner, now)


def origin_of(text: str) -> str:
    """Which log a request is about; "" where it is none."""
    try:
        return Checkpoint.unverified(text.partition("\n\n")[2]).origin
    except NoteInvalid:
        return ""


def _judged(
    old: int, new: Checkpoint, proof: tuple[bytes, ...], known: Checkpoint, note: str, cosigner: Cosigner, now: int
) -> Answer:
    if old > new.size:
        return Answer(400, "old: more leaves than the checkpoint has\n")
    if old != known.size or (new.size == known.size and known.size and new.root != known.root):
        return Answer(409, f"{known.size}\n", "text/x.tlog.size")
    try:
        if old == 0 and proof:
            raise ProofInvalid("expected no hashes after old 0")  # noqa: TRY301 told with the other below
        if old:
            check_consistency(old, new.size, proof, known.root, new.root)
    except ProofInvalid as fault:
        return Answer(422, f"{fault}\n")
    return Answer(200, cosigner.line(parse_note(note)[0], now), keep=note)


def _is_signed(key: Verifier, note: str) -> bool:
    try:
        check_checkpoint(key, note)
    except NoteInvalid:
        return False
    return True
