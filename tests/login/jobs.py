"""An issuer of workload tokens for tests: HTTPS on loopback with discovery, keys, and the address at which a CI's runner hands out tokens.

A stand-in: GitHub's and GitLab's own issuers cannot be asked from a test. Keys, signatures and TLS are real.
"""

from __future__ import annotations

import contextlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from scripts.local_certificate import throwaway_certificate
from tests.serving import Quiet, answering


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(key: rsa.RSAPrivateKey, claims: dict[str, Any], **header: Any) -> str:
    head = {"alg": "RS256", "kid": "k1", "typ": "JWT"} | header
    parts = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
    return f"{parts}.{b64(key.sign(parts.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def jwk(key: rsa.RSAPrivateKey, kid: str) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    n, e = (b64(value.to_bytes((value.bit_length() + 7) // 8)) for value in (numbers.n, numbers.e))
    return {"kty": "RSA", "use": "sig", "kid": kid, "n": n, "e": e}


@dataclass(slots=True)
class JobIssuer:
    url: str
    cafile: Path
    key: rsa.RSAPrivateKey
    keys: list[dict[str, str]]
    hands_out: str = ""
    asked: list[str] = field(default_factory=list)  # paths

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        base = {"iss": self.url, "aud": "affidavit", "iat": now - 5, "nbf": now - 5, "exp": now + 600, "jti": f"j{now}"}
        return signed(self.key, {name: value for name, value in (base | claims).items() if value is not None})

    def github(self, **changes: Any) -> str:
        """The claims that GitHub Actions puts in (docs.github.com, "OpenID Connect reference", 2026-11)."""
        claims = {
            "sub": "repo:acme/app:ref:refs/heads/main", "repository": "acme/app", "repository_owner": "acme", "ref": "refs/heads/main",
            "run_id": "42", "run_attempt": "1", "workflow": "release", "actor": "alice", "event_name": "push",
        }  # fmt: skip
        return self.token(**(claims | changes))


@contextlib.contextmanager
def job_issuer(folder: Path) -> Iterator[JobIssuer]:
    folder = folder / "issuer"
    folder.mkdir()
    pem = throwaway_certificate(folder)
    key = rsa.generate_private_key(65537, 2048)
    issuer = JobIssuer("", pem, key, [jwk(key, "k1")])

    class Answers(Quiet):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            known = {
                "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                "/keys": {"keys": issuer.keys},
                "/token": {"value": issuer.hands_out},
            }
            found = known.get(self.path.partition("?")[0])
            self.answer(404 if found is None else 200, json.dumps(found).encode())

    with answering(Answers, pem) as issuer.url:
        yield issuer
