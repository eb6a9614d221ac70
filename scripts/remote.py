"""Asking a gateway from anywhere: by its console, or about a login by its base_url door; else through the state's own socket. Not what is asked.

Which gateway: `--gateway`, else $AFFIDAVIT_GATEWAY, else the one that owns the state.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from addons.console import reach
from addons.console.state import StateFolder
from scripts.saved_login import of_state
from scripts.terminal import Failed

SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Remote:
    gateway: str  # origin of its console or base_url door; "": the state's own
    folder: StateFolder

    @property
    def name(self) -> str:
        return self.gateway.rstrip("/") or of_state(self.folder.path)

    def ask(
        self, method: str, path: str, token: str = "", body: Any = None, query: Mapping[str, str] | None = None
    ) -> Any:
        """Raises reach.Refused, or Failed where nobody answers."""
        if not self.gateway:
            return reach.ask(self.folder, method, path, token=token, body=body, query=query or {})
        with self._asked(method, path, token, body, query) as response:
            return _read(response, self.gateway)

    def watch(self, token: str = "") -> Iterator[Any]:
        """Each approval that waits and that the token's owner may see, then each that is new or changes."""
        if not self.gateway:
            yield from reach.watch(self.folder)
            return
        with self._asked("GET", "/approvals/watch", token, seconds=None) as response:
            if response.status >= 400:
                _read(response, self.gateway)
            for line in response:
                yield json.loads(line)

    @contextlib.contextmanager
    def _asked(
        self,
        method: str,
        path: str,
        token: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        seconds: float | None = SECONDS,
    ) -> Iterator[http.client.HTTPResponse]:
        url = urlsplit(self.gateway)
        if url.scheme not in ("https", "http") or not url.hostname:
            raise Failed(
                f"gateway {self.gateway!r}: expected https://host:port", "the console's address, or that of base URLs"
            )
        if url.scheme == "http" and url.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise Failed("a token is not sent to another machine without TLS", "write https:// in --gateway")
        headers = {"content-type": "application/json", "accept": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        connection = (
            http.client.HTTPSConnection(url.hostname, url.port, timeout=seconds, context=ssl.create_default_context())
            if url.scheme == "https"  # honours SSL_CERT_FILE
            else http.client.HTTPConnection(url.hostname, url.port, timeout=seconds)
        )
        target = f"/affidavit{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        try:
            connection.request(method, target, None if body is None else json.dumps(body), headers)
            yield connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Failed(
                f"the gateway at {self.gateway} does not answer ({type(error).__name__})",
                "is it the console's address, or that of base URLs? for a private CA: SSL_CERT_FILE",
            ) from error
        finally:
            connection.close()


def _read(response: http.client.HTTPResponse, gateway: str) -> Any:
    answer = json.loads(response.read(8 << 20))
    if response.status >= 400:
        said = answer.get("error", {})
        raise reach.Refused(said.get("code", ""), said.get("message", ""), said.get("hint", "") or gateway)
    return answer
