"""The provider's own key and address go on, last of all; what a provider echoes of them comes off. Not policy: the template is.

A key exists here, on the wire, and nowhere else: the record gets a keyed fingerprint. Resolved values are kept in memory for the
credential's cache_seconds, so that a rotated key is used without a restart. Signatures and clouds' tokens: console/cloud_keys.py.
"""

from __future__ import annotations

import asyncio
import hmac
from functools import partial
from urllib.parse import quote
from weakref import ref

from mitmproxy import http

from addons import hooks, layers
from addons.console import cloud_keys
from addons.console.desk import Desk
from addons.console.key_sources import KeyMissing, read_key
from addons.echoes import ECHO, Echoed, Echoes, secrets_in, spellings, without_echoes
from addons.hooks import Exchange, Refused
from addons.policy.model import TENANT_HEADERS, Connection, Credential, CredentialKind, Reference
from addons.providers.encodings import decoded
from addons.providers.wire import media_type
from addons.taps import OFF_LOOP_BYTES

CLOUD_SECONDS = 60  # a cloud's token is asked of its library again, which keeps it until shortly before its end
FINGERPRINTS = 1000
FRAMES = "application/vnd.amazon.eventstream"
CUT_OFF = "the provider's reply repeats the key that the gateway put on, or cannot be looked through for it; it is not passed. Tell the gateway's operator"


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
        exchange.credential = self._fingerprint(cloud_keys.key_id(made))
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
        """A provider that repeats our key does not hand it to the client: in a header, or in a stream."""
        exchange = hooks.exchange_of(flow)
        if exchange is None or flow.response is None:
            return
        self._headers(flow.response.headers, exchange)
        if exchange.secrets and exchange.tap:
            self._watch(flow, flow.response, exchange)

    @staticmethod
    def _headers(headers: http.Headers | None, exchange: Exchange) -> None:
        for name, value in list(headers.items(multi=True)) if headers else ():
            if any(secret in value for secret in exchange.secrets):
                headers[name] = ECHO.decode()  # type: ignore[index] # it has items
                exchange.findings.append(("credential_echoed", f"header:{name.lower()}"))

    @staticmethod
    def _watch(flow: http.HTTPFlow, response: http.Response, exchange: Exchange) -> None:
        """What will be streamed is looked through on its way. Nothing here may hold the flow or its exchange: they would hold each other."""
        framed = media_type(response.headers.get("content-type", "")) == FRAMES
        encoding = response.headers.get("content-encoding", "")
        exchange.tap.echoes = Echoes(
            spellings(frozenset(exchange.secrets), framed=framed),
            partial(_note_echo, exchange.findings),
            encoding=encoding,
            framed=framed,
        )
        exchange.tap.cut_off = partial(_cut_off, ref(flow))

    @hooks.fails_closed
    async def response(self, flow: http.HTTPFlow) -> None:
        """A reply held whole: our key comes out of its body. A stream had it taken out on its way; the record is masked by value."""
        exchange = hooks.exchange_of(flow)
        if exchange is None or flow.response is None or not exchange.secrets:
            return
        self._headers(flow.response.trailers, exchange)
        if flow.response.stream:
            return
        raw, encoding = flow.response.raw_content or b"", flow.response.headers.get("content-encoding", "")
        spelt = spellings(frozenset(exchange.secrets))
        if not encoding:
            clean = without_echoes(raw, spelt)
        elif len(raw) > OFF_LOOP_BYTES:
            clean = await asyncio.to_thread(unfolded_without, raw, encoding, spelt, layers.bounds_of(flow).reply_bytes)
        else:
            clean = unfolded_without(raw, encoding, spelt, layers.bounds_of(flow).reply_bytes)
        if clean != raw:
            flow.response.headers.pop("content-encoding", None)
            flow.response.content = clean
            exchange.findings.append(("credential_echoed", "body"))

    @hooks.fails_closed
    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """A message comes whole, and so it is changed."""
        exchange = hooks.exchange_of(flow)
        assert flow.websocket
        message = flow.websocket.messages[-1]
        if exchange is None or message.from_client or not exchange.secrets:
            return
        if (clean := without_echoes(message.content, spellings(frozenset(exchange.secrets)))) != message.content:
            message.content = clean
            exchange.findings.append(("credential_echoed", "body"))


def unfolded_without(raw: bytes, encoding: str, spelt: tuple[bytes, ...], limit: int) -> bytes:
    """As it came where nothing of ours is in it, else unfolded and without it; what then is too long to be held is not passed."""
    try:
        return Echoes(spelt, lambda: None, encoding=encoding).feed(raw, last=True)
    except Echoed:
        content, whole = decoded(raw, encoding, limit)
        if not whole:
            raise Refused(502, "credential_echoed", CUT_OFF, outcome="failed") from None
        return without_echoes(content, spelt)


def _note_echo(findings: list[tuple[str, str]]) -> None:
    if (echo := ("credential_echoed", "body")) not in findings:
        findings.append(echo)


def _cut_off(streaming: ref[http.HTTPFlow]) -> None:
    """In the middle of a stream that cannot be changed: it ends here, as one that broke off, and the record says why."""
    if flow := streaming():
        hooks.refuse(flow, Refused(502, "credential_echoed", CUT_OFF, outcome="failed"))
