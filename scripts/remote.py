"""Asking a gateway about a login: by its base_url door from anywhere, else through the control socket of the state. Not what is asked.

Which gateway: `--gateway`, else $AFFIDAVIT_GATEWAY, else the one that owns the state.
"""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from addons.console import reach
from addons.console.state import StateFolder
from scripts.saved_login import of_state
from scripts.terminal import Failed

SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Remote:
    gateway: str  # origin of its base_url door; "": the state's own
    folder: StateFolder

    @property
    def name(self) -> str:
        return self.gateway.rstrip("/") or of_state(self.folder.path)

    def ask(self, method: str, path: str, token: str = "", body: Any = None) -> Any:
        """Raises reach.Refused, or Failed where nobody answers."""
        if not self.gateway:
            return reach.ask(self.folder, method, path, token=token, body=body)
        url = urlsplit(self.gateway)
        if url.scheme not in ("https", "http") or not url.hostname:
            raise Failed(
                f"gateway {self.gateway!r}: expected https://host:port", "it is what follows `base URLs on` there"
            )
        if url.scheme == "http" and url.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Failed("a token is not sent to another machine without TLS", "write https:// in --gateway")
        headers = {"content-type": "application/json", "accept": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        secure = url.scheme == "https"
        connection = (
            http.client.HTTPSConnection(
                url.hostname, url.port, timeout=SECONDS, context=ssl.create_default_context()
            )  # honours SSL_CERT_FILE
            if secure
            else http.client.HTTPConnection(url.hostname, url.port, timeout=SECONDS)
        )
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, f"/affidavit{path}", payload, headers)
            response = connection.getresponse()
            answer = json.loads(response.read(1 << 20))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Failed(
                f"the gateway at {self.gateway} does not answer ({type(error).__name__})",
                "is it the base_url door's address? for a private CA: SSL_CERT_FILE",
            ) from error
        finally:
            connection.close()
        if response.status >= 400:
            said = answer.get("error", {})
            raise reach.Refused(said.get("code", ""), said.get("message", ""), said.get("hint", ""))
        return answer
