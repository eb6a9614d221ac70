"""Clouds' credentials by their own libraries, against stand-ins on loopback. The libraries are extras: without one its test is left out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from addons.console import cloud_keys
from addons.console.key_sources import KeyMissing
from tests.serving import Quiet, answering


@pytest.fixture
def tokens() -> Iterator[str]:
    """An address that gives out a token for whatever it is asked, as Google's token endpoint and Azure's managed identity do."""

    class Answers(Quiet):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            token = {
                "access_token": f"token-of{self.path.partition('?')[0]}",
                "token_type": "Bearer",
                "expires_in": 3600,
            }
            body = json.dumps(token | {"expires_on": str(int(time.time()) + 3600), "resource": "r"}).encode()
            self.answer(200, body)

        def do_POST(self) -> None:
            self.do_GET()

    try:
        with answering(Answers) as url:
            yield url
    finally:
        for cached in (cloud_keys._google, cloud_keys._azure, cloud_keys._aws_session):
            cached.cache_clear()


def test_google_gives_a_bearer_for_the_gateways_own_service_account(
    tokens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("google.auth")
    pytest.importorskip("requests")
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "client_email": "gateway@example.iam.gserviceaccount.com",
        "private_key": key.decode(),
    }
    (tmp_path / "account.json").write_text(
        json.dumps(account | {"private_key_id": "k", "project_id": "p", "token_uri": f"{tokens}/google"})
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))

    assert cloud_keys.bearer("google", "") == "token-of/google"


def test_azure_gives_a_bearer_for_the_managed_identity(tokens: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("azure.identity")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{tokens}/azure")
    monkeypatch.setenv("IDENTITY_HEADER", "secret-of-the-host")

    assert cloud_keys.bearer("azure", "") == "token-of/azure"


@pytest.mark.parametrize(("cloud", "library"), cloud_keys.EXTRAS.items())
def test_without_the_extra_the_operator_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, cloud: str, library: str
) -> None:
    monkeypatch.setattr(cloud_keys, "EXTRAS", {cloud: f"not_{library}"})

    with pytest.raises(KeyMissing) as missing:
        cloud_keys._needs(cloud)

    assert f"affidavit[{cloud}]" in str(missing.value)
