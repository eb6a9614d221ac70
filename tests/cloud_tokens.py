"""Stand-ins for where clouds hand out tokens: Google's token endpoint, Azure's managed identity. The libraries that ask are the real ones."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.serving import Quiet, answering


@contextmanager
def token_endpoint() -> Iterator[str]:
    """An address that gives out a token for whatever it is asked, named after the path."""

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

    with answering(Answers) as url:
        yield url


def google_account(url: str, folder: Path) -> dict[str, str]:
    """The variables of a gateway with a service account's key file whose token endpoint is `url`."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "client_email": "gateway@example.iam.gserviceaccount.com",
        "private_key": key.decode(),
        "private_key_id": "k",
        "project_id": "p",
        "token_uri": f"{url}/google",
    }
    (folder / "account.json").write_text(json.dumps(account))
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(folder / "account.json")}


def azure_identity(url: str, _folder: Path) -> dict[str, str]:
    return {"IDENTITY_ENDPOINT": f"{url}/azure", "IDENTITY_HEADER": "secret-of-the-host"}
