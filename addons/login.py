"""What a client asks the gateway about itself, at the base_url door under /affidavit/: sign in, who am I, sign out. Not the rest of the API.

    GET  /affidavit/login     {"issuers": [{"id", "issuer", "client_id", "scopes"}]}      where `affidavit login` signs in
    POST /affidavit/login     Authorization: Bearer <the issuer's token>; {"purpose", "lifetime_seconds", "refresh_token", "on_behalf_of", "renew"}
    GET  /affidavit/whoami    Authorization: Bearer afd_… or JWT
    POST /affidavit/logout    Authorization: Bearer afd_…
    GET  /affidavit/continuity/N    the log's newest checkpoint, and that it continues the one over N leaves, which the client kept
The first addon of the list: what it answers is no model's call, and no other addon begins an exchange for it. It always answers, and
the base_url door's own upstream is a name that does not exist.
"""

from __future__ import annotations

from typing import Any

import orjson
from mitmproxy import http

from addons import hooks, layers
from addons.console import operations
from addons.console.desk import Desk
from addons.console.operations import Ask, OperationRefused
from addons.evidence.records import Event

BODY_BYTES = 64 * 1024  # an ID token travels in a header; a refresh token of Entra has a few thousand characters
SERVED = frozenset({("GET", "/login"), ("POST", "/login"), ("GET", "/whoami"), ("POST", "/logout")})
CONTINUITY = "/continuity/"


class Login:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.allow_plain_proxy = False  # as mitm.conf says

    @hooks.fails_closed
    async def request(self, flow: http.HTTPFlow) -> None:
        if flow.error or flow.response or not hooks.asks_gateway(flow):
            return
        try:
            flow.response = _answer(200, await self._answered(flow))
        except OperationRefused as refusal:
            await self._refused(flow, refusal)
            flow.response = _answer(refusal.status, _error(refusal.code, refusal.message, refusal.hint))

    async def _answered(self, flow: http.HTTPFlow) -> Any:
        if not self.allow_plain_proxy and not flow.client_conn.tls_established and not hooks.is_near(flow.client_conn):
            raise OperationRefused(
                403, "plain_proxy", "a token is not taken without TLS from another machine", "use https://"
            )
        path = flow.request.path.removeprefix(hooks.OWN_PATHS.rstrip("/")).partition("?")[0]
        asks_for_log = flow.request.method == "GET" and path.startswith(CONTINUITY)
        if (flow.request.method, path) not in SERVED and not asks_for_log:
            raise OperationRefused(404, "path_unknown", "nothing is at this path", "affidavit login --help")
        body = flow.request.raw_content or b""
        if len(body) > BODY_BYTES or layers.bounds_of(flow).overrun:
            raise OperationRefused(413, "body_too_large", f"expected at most {BODY_BYTES} bytes", "send less")
        scheme, _, credential = flow.request.headers.get("authorization", "").partition(" ")
        token = credential.strip() if scheme.lower() == "bearer" else ""
        return await operations.answer(self.desk, Ask(flow.request.method, path, "", {}, _json(body), token))

    async def _refused(self, flow: http.HTTPFlow, refusal: OperationRefused) -> None:
        """As any other credential that was not believed; never with the credential."""
        self.desk.counted.requests += 1
        peer = flow.client_conn.peername
        attrs = {"code": refusal.code, "door": "base_url", "host": "", "connection": "", "at": "login"}
        meta = {"client_address": str(peer[0])} if peer else None
        await self.desk.record(Event("identity.refused", exchange_id=self.desk.new_id("ex"), attrs=attrs, meta=meta))
        self.desk.counted.recorded += 1


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError as error:
        raise OperationRefused(400, "body_malformed", "expected JSON", "send a JSON object") from error


def _error(code: str, message: str, hint: str) -> Any:
    return {"error": {"code": code, "message": message, "hint": hint}}


def _answer(status: int, value: Any) -> http.Response:
    headers = {"content-type": "application/json", "cache-control": "no-store", "x-should-retry": "false"}
    return http.Response.make(status, orjson.dumps(value), headers)
