"""The provider's own key and address go on, last of all; what a provider echoes of them comes off. Not policy: the template is.

A key exists here, on the wire, and nowhere else: the record gets a keyed fingerprint. Resolved values are kept in memory for the
credential's cache_seconds, so that a rotated key is used without a restart. Signatures and clouds' tokens: console/cloud_keys.py.
"""

from __future__ import annotations

import asyncio
import hmac
from urllib.parse import quote

from mitmproxy import http

from addons import hooks
from addons.console import cloud_keys
from addons.console.desk import Desk
from addons.console.key_sources import KeyMissing, read_key
from addons.hooks import Exchange, Refused
from addons.policy.model import TENANT_HEADERS, Connection, Credential, CredentialKind, Reference

CLOUD_SECONDS = 60  # a cloud's token is asked of its library again, which keeps it until shortly before its end
FINGERPRINTS = 1000
ECHO = "[affidavit: credential removed]"
ECHO_BYTES = 4 << 20  # of a reply that are looked through


class Credentials:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._cache: dict[tuple[str | Reference, ...], tuple[float, str]] = {}
        self._fingerprints: dict[str, str] = {}  # by key

    @hooks.fails_closed
    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = hooks.exchange_of(flow)
        if flow.response or flow.error or exchange is None or exchange.connection is None:
            return
        if not exchange.opened:
            raise Refused(503, "not_recorded", hooks.FAULT, outcome="failed")
        credential = exchange.connection.credential
        try:
            value = await self._value(credential)
            if exchange.passed_key:
                exchange.credential = f"client {self._fingerprint(exchange.passed_key)}"
            if value:
                self._put_on(flow, exchange, credential, value)
            if exchange.connection.require_org:
                name = TENANT_HEADERS[exchange.connection.provider]
                flow.request.headers[name] = ",".join(exchange.connection.require_org)
            self._address(flow, exchange, exchange.connection)
            if credential.kind is CredentialKind.AWS:
                await self._sign(flow, exchange, credential)
        except KeyMissing as missing:
            raise Refused(
                503, "credential_missing",
                f"the gateway has no provider key for connection {exchange.connection.id!r}: {missing}. "
                "Its operator sets it, then types: affidavit status",
                outcome="failed",
            ) from None  # fmt: skip
        exchange.sent_at = self.desk.clock()

    def _put_on(self, flow: http.HTTPFlow, exchange: Exchange, credential: Credential, value: str) -> None:
        exchange.secrets |= secrets_in(value)
        exchange.credential = self._fingerprint(value.rpartition(" ")[2])
        if credential.kind is CredentialKind.QUERY:
            mark = "&" if "?" in exchange.path else "?"
            exchange.path += f"{mark}{quote(credential.name)}={quote(value)}"
        else:
            flow.request.headers[credential.name] = value

    async def _sign(self, flow: http.HTTPFlow, exchange: Exchange, credential: Credential) -> None:
        """Over the address and body as they go out; what the client signed with is gone."""
        headers = flow.request.headers
        for name in cloud_keys.AWS_HEADERS:
            headers.pop(name, None)
        kept = {name: headers[name] for name in ("host", "content-type") if name in headers}
        body = flow.request.raw_content or b""
        url = f"{flow.request.scheme}://{flow.request.host_header or flow.request.host}{flow.request.path}"
        made = await asyncio.to_thread(
            cloud_keys.signed,
            flow.request.method,
            url,
            kept,
            body,
            region=credential.region,
            service=credential.service,
        )
        for name, value in made.items():
            headers[name] = value
        if session := made.get("x-amz-security-token"):  # a signature is no key, and another one for each call
            exchange.secrets.add(session)

    def _fingerprint(self, key: str) -> str:
        """Which key a call used, without saying anything of it: 64 bits, keyed."""
        found = self._fingerprints.get(key)
        if found is None:
            if len(self._fingerprints) >= FINGERPRINTS:
                self._fingerprints.clear()
            digest = hmac.digest(self.desk.keys.fingerprint, key.encode("utf-8", "replace"), "sha256")
            found = self._fingerprints[key] = f"hmac-sha256:{digest.hex()[:16]}"
        return found

    def _address(self, flow: http.HTTPFlow, exchange: Exchange, connection: Connection) -> None:
        """Applied last, after every check of where the client meant to go. Setting `host` rewrites Host, and SNI with it."""
        upstream = connection.upstream
        prefix = upstream.prefix if upstream else ""
        if upstream:
            flow.request.scheme, flow.request.host, flow.request.port = upstream.scheme, upstream.host, upstream.port
        elif exchange.door == "base_url":
            flow.request.scheme, flow.request.host, flow.request.port = (
                "https",
                connection.hosts[0],
                connection.ports[0],
            )
        flow.request.path = prefix + exchange.path

    async def _value(self, credential: Credential) -> str:
        """As it goes into its place; "" where none does."""
        cloud = credential.kind in {CredentialKind.GOOGLE, CredentialKind.AZURE}
        if not cloud and not credential.references:
            return ""
        key = (credential.kind.value, credential.scope) if cloud else credential.pieces
        seconds = CLOUD_SECONDS if cloud else credential.cache_seconds
        now = asyncio.get_running_loop().time()
        cached = self._cache.get(key)
        if cached and now - cached[0] < seconds:
            return cached[1]
        if cloud:
            value = "Bearer " + await asyncio.to_thread(cloud_keys.bearer, credential.kind.value, credential.scope)
        else:
            pieces = [piece if isinstance(piece, str) else await read_key(piece) for piece in credential.pieces]
            value = "".join(pieces)
        self._cache[key] = (now, value)
        return value

    @hooks.fails_closed
    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """A provider that repeats our key in a header does not hand it to the client. Bodies: masking by value in the record."""
        exchange = hooks.exchange_of(flow)
        if exchange is None or flow.response is None:
            return
        for name, value in list(flow.response.headers.items(multi=True)):
            if any(secret in value for secret in exchange.secrets):
                flow.response.headers[name] = ECHO
                exchange.findings.append(("credential_echoed", f"header:{name.lower()}"))

    @hooks.fails_closed
    def response(self, flow: http.HTTPFlow) -> None:
        """A reply held whole: our key comes out of its body. A stream is passed as it comes; its record is masked by value."""
        exchange = hooks.exchange_of(flow)
        if exchange is None or flow.response is None or flow.response.stream or not exchange.secrets:
            return
        raw = flow.response.raw_content or b""
        encoded = "content-encoding" in flow.response.headers
        if len(raw) > ECHO_BYTES or (
            encoded and flow.response.status_code < 400
        ):  # a model's answer says what it was told
            return
        content = flow.response.get_content(strict=False) or b"" if encoded else raw
        if (clean := without_echoes(content, exchange.secrets)) != content:
            flow.response.headers.pop("content-encoding", None)
            flow.response.content = clean
            exchange.findings.append(("credential_echoed", "body"))


def secrets_in(value: str) -> set[str]:
    """The credential, whole and without its scheme: what must appear nowhere. Too short to be a secret: left out."""
    return {part for part in (value, value.rpartition(" ")[2]) if len(part) >= 6}


def without_echoes(content: bytes, secrets: set[str]) -> bytes:
    """The body with each of our credentials taken out, in the spellings of JSON and URLs too."""
    for secret in sorted(secrets, key=len, reverse=True):
        for spelt in {secret, secret.replace("/", "\\/"), quote(secret, safe="")}:
            content = content.replace(spelt.encode("utf-8", "replace"), ECHO.encode())
    return content
