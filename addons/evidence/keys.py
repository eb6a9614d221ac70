r"""The gateway's own keys, on disk. Not credentials of providers, not the CA, not the keys of subjects (those are in the store).

    <folder>/                 0700
      log.key                 PRIVATE+KEY+<origin>+<key id>+<base64 of 0x01 seed>    c2sp.org/signed-note, as Go's sumdb/note writes it
      log.vkey                <origin>+<key id>+<base64 of 0x01 public key>          for whoever checks the log
      approval.key            64 hex digits: HMAC of held payloads
      masking.key             64 hex digits: tokens that stand for masked values
      fingerprint.key         64 hex digits: fingerprints of credentials

The origin is chosen once, with the key: a log that changed its name would be another log.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from addons.evidence.checkpoints import Signer, default_name
from addons.evidence.ids import Random

_LOG = "log.key"
_VKEY = "log.vkey"
_NEXT = "log.key.next"  # while the key is being changed, see renewal.py
_SECRETS = ("approval.key", "masking.key", "fingerprint.key")
_ORIGIN = re.compile(r"[\x21-\x2a\x2c-\x7e]{1,120}")  # printable ASCII without space and "+": c2sp.org/tlog-checkpoint
_SECRET = re.compile(r"[0-9a-f]{64}")


class KeysError(Exception):
    """The keys are missing, exposed, incomplete or in the way. For whoever runs the gateway."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything secret that this gateway made for itself."""

    signer: Signer
    approval: bytes = field(repr=False)
    masking: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)

    @property
    def origin(self) -> str:
        return self.signer.name

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    @classmethod
    def create(cls, folder: Path, random: Random, origin: str | None = None, like: Keys | None = None) -> Keys:
        """Make all keys in a new folder; refuses one that exists. `origin`: "log.example.org/gateway-1", this log's own name.

        like: keep the other secrets of these keys, so that equal values still get equal tokens.
        """
        seed = random(32)
        signer = Signer(origin or default_origin(seed), seed)
        if _ORIGIN.fullmatch(signer.name) is None:
            raise KeysError(
                "origin: expected 1-120 printable ASCII characters without space or +; write it like a URL without https://"
            )
        secrets = (like.approval, like.masking, like.fingerprint) if like else (random(32), random(32), random(32))
        keys = cls(signer, *secrets)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise KeysError(
                f"keys {folder} exist already; keep them, or move the whole state folder away first"
            ) from None
        _write(folder / _LOG, _private_text(signer))
        _write(folder / _VKEY, keys.vkey)
        for name, secret in zip(_SECRETS, secrets, strict=True):
            _write(folder / name, secret.hex())
        sync_folder(folder)
        return keys

    @classmethod
    def load(cls, folder: Path) -> Keys:
        """The keys in `folder`, or KeysError: missing, not of this form, or readable by others than their owner."""
        if not folder.is_dir():
            raise KeysError(f"keys {folder} not found; create them: affidavit init")
        _refuse_exposed(folder)
        following = successor(folder)
        if following is not None and _read(folder / _VKEY) == following.verifier.vkey:
            install_successor(folder)  # a change of the key that was cut short at its last step
        signer = _signer(folder / _LOG)
        if _read(folder / _VKEY) != signer.verifier.vkey:
            raise KeysError(
                f"{folder / _VKEY}: expected the public half of {_LOG}, got another key; restore both from one backup"
            )
        return cls(signer, *(_secret(folder / name) for name in _SECRETS))


def default_origin(seed: bytes) -> str:
    """`affidavit.invalid/` and 8 hex digits of the public key's hash: unique, and claims no domain (RFC 2606)."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return default_name(public)


def prepare_successor(folder: Path, origin: str, random: Random) -> Signer:
    """A new key for the same log, in a file beside the old one; it is not in force yet."""
    signer = Signer(origin, random(32))
    (folder / _NEXT).unlink(missing_ok=True)
    _write(folder / _NEXT, _private_text(signer))
    sync_folder(folder)
    return signer


def successor(folder: Path) -> Signer | None:
    return _signer(folder / _NEXT) if (folder / _NEXT).exists() else None


def install_successor(folder: Path) -> None:
    """From now on the new key is the log's. The old private key is gone afterwards; its public half is in the log."""
    signer = _signer(folder / _NEXT)
    fresh = folder / (_VKEY + ".next")
    fresh.unlink(missing_ok=True)
    _write(fresh, signer.verifier.vkey)
    fresh.rename(folder / _VKEY)
    sync_folder(folder)
    (folder / _NEXT).rename(folder / _LOG)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (fsync of the directory)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _private_text(signer: Signer) -> str:
    return (
        f"PRIVATE+KEY+{signer.name}+{signer.verifier.key_id.hex()}+{base64.b64encode(b'\x01' + signer.seed).decode()}"
    )


def _signer(path: Path) -> Signer:
    parts = _read(path).split("+", 4)  # the base64 may hold a "+" too
    try:
        raw = base64.b64decode(parts[4], validate=True)
        signer = Signer(parts[2], raw[1:])
        if raw[:1] == b"\x01" and _private_text(signer) == "+".join(parts):
            return signer
    except (ValueError, IndexError):
        pass
    raise KeysError(f"{path}: expected PRIVATE+KEY+origin+hash+base64, got other text; restore it from the backup")


def _secret(path: Path) -> bytes:
    text = _read(path)
    if _SECRET.fullmatch(text) is None:
        raise KeysError(f"{path}: expected 64 hex digits, got other text; restore it from the backup")
    return bytes.fromhex(text)


def _read(path: Path) -> str:
    if not path.is_file():
        raise KeysError(f"key {path} not found; restore it from the backup: the store cannot be continued without it")
    _refuse_exposed(path)
    return path.read_text("ascii", "replace").removesuffix("\n")


def _refuse_exposed(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        wanted = 0o700 if path.is_dir() else 0o600
        raise KeysError(f"{path}: mode {mode:04o} lets others in; expected {wanted:04o}; chmod {wanted:o} {path}")


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(handle)
