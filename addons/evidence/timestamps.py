r"""RFC 3161 timestamps of checkpoints: the question, and what an answer says. Not the network.

    TimeStampReq   SEQUENCE { 1, messageImprint { sha256, digest }, nonce, certReq TRUE }
    TimeStampResp  SEQUENCE { status, ContentInfo { signedData { … encapContentInfo { id-ct-TSTInfo, OCTET STRING TSTInfo } … } } }
    TSTInfo        SEQUENCE { 1, policy, messageImprint, serialNumber, genTime, … }

`read` says what a token claims; only `check` says who signed it. It takes rfc3161-client (the extra `timestamps`), and openssl where that
is not there or cannot read the token: it refuses certificates that are not in DER's order, which OpenSSL itself writes.
Anyone can check with: openssl ts -verify -data CHECKPOINT -in TOKEN.tsr -CAfile CA.pem
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

_SHA256 = bytes.fromhex("300d06096086480165030402010500")  # AlgorithmIdentifier, RFC 5754
_SHA256_OID = bytes.fromhex("0609608648016503040201")
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")  # id-ct-TSTInfo
_GENERALIZED_TIME, _OCTET_STRING, _SEQUENCE = 0x18, 0x04, 0x30


class TimestampInvalid(ValueError):  # noqa: N818 - reads as what is wrong
    """No timestamp of these bytes, or by nobody who is trusted."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token says, whoever signed it."""

    digest: bytes
    at: datetime


def request(data: bytes, nonce: bytes) -> bytes:
    """A question for the digest of `data`; `nonce`: eight random bytes."""
    imprint = _tlv(_SEQUENCE, _SHA256 + _tlv(_OCTET_STRING, sha256(data).digest()))
    number = _tlv(0x02, b"\x01" + nonce)  # with 1 before it the integer is positive, and never shorter
    return _tlv(_SEQUENCE, b"\x02\x01\x01" + imprint + number + b"\x01\x01\xff")


def read(response: bytes) -> Claim:
    """The digest and the time in a TimeStampResp; or TimestampInvalid."""
    try:
        place = response.index(_TST_INFO) + len(_TST_INFO)
        explicit, _ = _value(response, place, 0xA0)
        octets, _ = _value(explicit, 0, _OCTET_STRING)
        info, _ = _value(octets, 0, _SEQUENCE)
        _, end = _value(info, 0, 0x02)
        _, end = _value(info, end, 0x06)
        imprint, end = _value(info, end, _SEQUENCE)
        algorithm, after = _value(imprint, 0, _SEQUENCE)
        digest, _ = _value(imprint, after, _OCTET_STRING)
        _, end = _value(info, end, 0x02)
        stamp, _ = _value(info, end, _GENERALIZED_TIME)
        if not algorithm.startswith(_SHA256_OID) or len(digest) != 32:
            raise TimestampInvalid("timestamp: expected SHA-256 of what is stamped, got another digest")
        text = stamp.decode("ascii").removesuffix("Z").partition(".")[0]
        return Claim(digest, datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC))
    except (ValueError, IndexError) as fault:
        if isinstance(fault, TimestampInvalid):
            raise
        raise TimestampInvalid(
            "timestamp: expected an answer of a timestamp authority that grants one, got other bytes"
        ) from fault


def check(response: bytes, data: bytes, roots: bytes) -> Claim:
    """The claim, once it is of `data` and signed under one of `roots` (PEM); or TimestampInvalid."""
    claim = read(response)
    if claim.digest != sha256(data).digest():
        raise TimestampInvalid("timestamp: of other bytes than these")
    if not _checked_by_library(response, data, roots):
        _check_by_openssl(response, data, roots)
    return claim


def _checked_by_library(response: bytes, data: bytes, roots: bytes) -> bool:
    """False: not there, or it cannot read or does not trust this token; openssl has the last word then."""
    try:
        from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 an extra, and only here
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response  # noqa: PLC0415
    except ImportError:
        return False
    try:
        verifier = VerifierBuilder(roots=load_pem_x509_certificates(roots)).build()
        return bool(verifier.verify(decode_timestamp_response(response), sha256(data).digest()))
    except (ValueError, VerificationError):
        return False


def _check_by_openssl(response: bytes, data: bytes, roots: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="affidavit-") as folder:
        paths = {name: Path(folder) / name for name in ("data", "token", "roots")}
        for name, content in (("data", data), ("token", response), ("roots", roots)):
            paths[name].write_bytes(content)
        command = ["openssl", "ts", "-verify", "-data", str(paths["data"])]
        command += ["-in", str(paths["token"]), "-CAfile", str(paths["roots"])]
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=30)  # noqa: S603 words of ours and paths of ours
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise TimestampInvalid(
                f"timestamp: not checked, openssl did not run ({type(fault).__name__}); install it"
            ) from fault
    if done.returncode:
        raise TimestampInvalid("timestamp: not signed under the given certificates")


def _tlv(tag: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([tag, len(value)]) + value


def _value(data: bytes, start: int, tag: int) -> tuple[bytes, int]:
    """The value of the element at `start`, which must have this tag, and where the next one begins. X.690, 8.1."""
    if data[start] != tag:
        raise ValueError(f"expected tag {tag:#x}")
    length, begin = data[start + 1], start + 2
    if length & 0x80:
        count = length & 0x7F
        length, begin = int.from_bytes(data[begin : begin + count]), begin + count
    if begin + length > len(data):
        raise ValueError("cut short")
    return data[begin : begin + length], begin + length
