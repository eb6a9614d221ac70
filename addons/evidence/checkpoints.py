r"""Signed checkpoints of the log. Not the log itself, not where keys are kept. Sources: c2sp.org/signed-note, c2sp.org/tlog-checkpoint.

A checkpoint as it is stored, published and pinned (— is U+2014):

    affidavit.invalid/1a2b3c4d                              origin
    1027                                                    leaves
    0WwVlTsDkI0sYvRfzd9hpbe1/rqNSTvmF9TpgeYN/Ts=            root, base64

    — affidavit.invalid/1a2b3c4d Az3grlgtzPICa5OS8npVmf…    origin, base64(key id || signature)

    body    = origin "\n" size "\n" base64(root) "\n"       what Ed25519 (RFC 8032) signs; any extension lines follow the root
    key id  = SHA-256(name "\n" 0x01 public key)[:4]        0x01: Ed25519
    vkey    = name "+" hex(key id) "+" base64(0x01 || public key)
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_SIGNATURE_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<blob>[A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_SIGNATURES_MAX = 16  # c2sp.org/signed-note: a reader may bound them; cosignatures of witnesses fit


class NoteInvalid(ValueError):  # noqa: N818 - reads as what is wrong
    """A note, key or checkpoint that does not say what it should, or that this key did not sign."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key by its note name: what an auditor pins."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.public)

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def of(cls, vkey: str) -> Verifier:
        """From "name+hex+base64"; the hash inside must be the key's own."""
        name, _, rest = vkey.strip().partition("+")
        digits, _, encoded = rest.partition("+")
        raw = from_base64(encoded)
        if not name or len(raw) != 33 or raw[:1] != _ED25519 or digits != key_id(name, raw[1:]).hex():
            raise NoteInvalid(
                "verifier key: expected name+hash+base64 of an Ed25519 key, got other text; copy it whole"
            )
        return cls(name, raw[1:])

    def check(self, note: str) -> str:
        """The text that this key signed, or NoteInvalid. Signatures of other keys are passed over, a wrong one of ours is not."""
        text, signatures = parse_note(note)
        ours = [blob[4:] for name, blob in signatures if name == self.name and blob[:4] == self.key_id]
        if not ours:
            raise NoteInvalid(f"note: no signature by {self.name}+{self.key_id.hex()}")
        key = Ed25519PublicKey.from_public_bytes(self.public)
        try:
            for signature in ours:
                key.verify(signature, text.encode())
        except InvalidSignature:
            raise NoteInvalid(f"note: the signature by {self.name}+{self.key_id.hex()} is not of this text") from None
        return text


@dataclass(frozen=True, slots=True)
class Signer:
    """The log's private key under its note name."""

    name: str
    seed: bytes  # never in a repr: see __repr__

    def __repr__(self) -> str:
        return f"Signer({self.verifier.vkey})"

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self._key().public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signed note of `text`, which ends in a newline."""
        return f"{text}\n{self.signature_line(text)}"

    def signature_line(self, text: str) -> str:
        """One more line for a note of `text` that somebody else signed."""
        if not text.endswith("\n") or not _plain(text):
            raise NoteInvalid("note: expected text without control characters that ends in a newline")
        blob = self.verifier.key_id + self._key().sign(text.encode())
        return f"— {self.name} {base64.b64encode(blob).decode()}\n"

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: so many leaves, this root."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def of(cls, text: str) -> Checkpoint:
        """From a checkpoint's body; extension lines are allowed and not read."""
        origin, size, root, *_ = [*text.split("\n"), "", "", ""]
        digest = from_base64(root)
        if not origin or _SIZE.fullmatch(size) is None or len(digest) != 32:
            raise NoteInvalid(
                "checkpoint: expected three lines, origin, size and base64 of a 32-byte root; got other text"
            )
        return cls(origin, int(size), digest)

    @classmethod
    def unverified(cls, note: str) -> Checkpoint:
        """What a note claims, whoever signed it."""
        return cls.of(parse_note(note)[0])


def key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def default_name(public: bytes) -> str:
    """Of a log that was given none: a digest of its first key."""
    return f"affidavit.invalid/{sha256(public).hexdigest()[:8]}"


def sign_checkpoint(signer: Signer, checkpoint: Checkpoint) -> str:
    return signer.sign(checkpoint.body)


def check_checkpoint(verifier: Verifier, note: str) -> Checkpoint:
    """The checkpoint in a note that `verifier` signed for its own origin, or NoteInvalid."""
    checkpoint = Checkpoint.of(verifier.check(note))
    if checkpoint.origin != verifier.name:
        raise NoteInvalid(f"checkpoint of {checkpoint.origin}: expected origin {verifier.name}")
    return checkpoint


def parse_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Text (with its last newline) and (key name, key id || signature) of each signature line."""
    text, separator, lines = note.rpartition("\n\n")
    rows = lines.removesuffix("\n").split("\n")
    matches = [_SIGNATURE_LINE.fullmatch(row) for row in rows]
    if not separator or not lines.endswith("\n") or not _plain(note) or len(rows) > _SIGNATURES_MAX or not all(matches):
        raise NoteInvalid("note: expected text, an empty line and signature lines; got another form")
    signatures = [(match["name"], from_base64(match["blob"])) for match in matches if match]
    if any(len(blob) < 5 for _, blob in signatures):
        raise NoteInvalid("note: a signature line is too short to hold a key id and a signature")
    return text + "\n", signatures


def _plain(text: str) -> bool:
    return all(character >= " " or character == "\n" for character in text)


def from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
