"""A real OpenID provider for tests (tests/clients/oidc_provider.mjs: npm oidc-provider over TLS), and people who sign in at it.

with oidc_provider(tmp_path, {"alice": {"email": "alice@example.com", "groups": ["engineering"]}}) as provider:
    provider.issuer; provider.cafile            what identity.yaml and SSL_CERT_FILE need
    provider.sign_in(pending.url, "alice")      -> the redirect that ends the login, as the browser would follow it
    provider.enter_code(device.verification_uri, device.user_code, "alice")
    provider.write_people({...})                whoever is left out has left; groups change from now on

Clients there: affidavit-cli (public, native: any port of http://127.0.0.1/callback, device grant) and affidavit-console
(secret CONSOLE_SECRET, redirect URIs as given).
"""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import re
import shutil
import signal
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

from scripts.local_certificate import throwaway_certificate

CLIENT_ID, CONSOLE_ID = "affidavit-cli", "affidavit-console"
CONSOLE_SECRET = "console-secret-of-the-tests"
ROOT = Path(__file__).parents[2]
PEOPLE: dict[str, dict[str, Any]] = {
    "alice": {"email": "alice@example.com", "name": "Alice", "groups": ["engineering"]},
    "bob": {"email": "bob@example.com", "name": "Bob", "groups": ["data-owners"]},
}


@dataclass(slots=True)
class OidcProvider:
    folder: Path
    cafile: Path
    web_redirect_uris: tuple[str, ...]
    settings: Mapping[str, Any]
    issuer: str = ""
    popen: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def people_file(self) -> Path:
        return self.folder / "people.json"

    def write_people(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        self.people_file.write_text(json.dumps(people))

    def start(self) -> None:
        """Again on the port it had, if it was stopped."""
        settings = {
            "certificate": str(self.cafile),
            "people": str(self.people_file),
            "web_redirect_uris": list(self.web_redirect_uris),
            "port": urlsplit(self.issuer).port or 0 if self.issuer else 0,
            **self.settings,
        }
        with (self.folder / "provider.log").open("ab") as log:
            self.popen = subprocess.Popen(
                ["node", "oidc_provider.mjs", json.dumps(settings)],
                cwd=ROOT / "tests/clients",
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.popen.stdout
        line = self.popen.stdout.readline()
        assert line, (self.folder / "provider.log").read_text()
        self.issuer = json.loads(line)["issuer"]

    def stop(self) -> None:
        if self.popen:
            self.popen.kill()
            self.popen.communicate()
            self.popen = None

    def rotate_keys(self) -> None:
        assert self.popen
        self.popen.send_signal(signal.SIGHUP)

    # -- people -----------------------------------------------------------------------------------------------------
    def sign_in(self, url: str, who: str) -> str:
        """Follows a login from its URL through the provider's pages; the redirect that leaves the provider."""
        return Browser(self).through(url, who)

    def enter_code(self, verification_uri: str, user_code: str, who: str) -> None:
        """As on a telephone: the code, confirm, sign in, consent."""
        page = Browser(self).through(f"{verification_uri}?{urlencode({'user_code': user_code})}", who)
        assert "Sign-in Success" in page, page[:2000]


@dataclass(slots=True)
class Browser:
    """Forms and cookies, nothing else: enough for the provider's own pages."""

    provider: OidcProvider
    cookies: dict[str, str] = field(default_factory=dict)

    def through(self, url: str, who: str) -> str:
        """Where the login leaves the provider to, or the last page."""
        method, body = "GET", ""
        for _ in range(20):
            if not url.startswith(self.provider.issuer):
                return url
            status, location, page = self.ask(method, url, body)
            if location:
                method, body, url = "GET", "", urljoin(url, location)
                continue
            assert status == 200, page[:2000]
            form = re.search(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL)
            if form is None:
                return page
            fields = {
                html.unescape(name): html.unescape(value)
                for name, value in re.findall(r'name="([^"]+)"\s+value="([^"]*)"', form[2])
            }
            if 'name="login"' in form[2]:
                fields |= {"login": who, "password": "any"}
            method, body, url = "POST", urlencode(fields), urljoin(url, html.unescape(form[1]))
        raise AssertionError(f"the login does not end: {url}")

    def ask(self, method: str, url: str, body: str) -> tuple[int, str, str]:
        parts = urlsplit(url)
        assert parts.hostname
        context = ssl.create_default_context(cafile=str(self.provider.cafile))
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=10)
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body:
            headers["content-type"] = "application/x-www-form-urlencoded"
        connection.request(method, f"{parts.path}?{parts.query}", body or None, headers)
        response = connection.getresponse()
        page = response.read().decode()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        connection.close()
        return response.status, response.headers.get("location", ""), page


@contextlib.contextmanager
def oidc_provider(
    folder: Path,
    people: Mapping[str, Mapping[str, Any]] = PEOPLE,
    web_redirect_uris: Sequence[str] = (),
    **settings: Any,
) -> Iterator[OidcProvider]:
    """settings: id_token_seconds, secret_method (of affidavit-console), methods (that discovery offers). Skips where node or the package is not installed."""
    if shutil.which("node") is None or not (ROOT / "tests/clients/node_modules/oidc-provider").is_dir():
        pytest.skip("node and oidc-provider are not installed: scripts/bootstrap --clients")
    folder = folder / "oidc-provider"
    folder.mkdir()
    provider = OidcProvider(folder, throwaway_certificate(folder), tuple(web_redirect_uris), settings)
    provider.write_people(people)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
