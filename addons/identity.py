"""Who is calling, at each request, at both doors. Not where a client may connect to (connecting.py), not what the caller may do (approval.py)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, unquote_plus

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ReverseMode

from addons import hooks, layers
from addons.console.desk import Desk
from addons.entrance import (
    PLAIN_PROXY,
    check_identified,
    client_address,
    plain_from_afar,
    provider_name,
    record_event,
    record_malformed,
)
from addons.hooks import Exchange, Refused
from addons.policy import decide
from addons.policy.hosts import normal_host
from addons.policy.model import DEFAULT_PORTS, Connection, CredentialKind
from addons.providers.registry import provider_named, provider_of_host
from addons.tokens.caller import Caller
from addons.tokens.credentials import SLOT_HEADERS, Holds, Slot, api_key_slots, is_provider_key, proxy_authorization
from addons.tokens.gateway_token import MINT_HINT, TokenRefused

# What other proxies say about who is behind them, and clients could say too: never believed, never passed on.
WHO = frozenset(
    """
    forwarded x-forwarded-for x-real-ip x-forwarded-user x-forwarded-email x-forwarded-groups x-forwarded-preferred-username
    x-forwarded-access-token remote-user x-remote-user x-remote-group x-authenticated-user x-auth-request-user x-auth-request-email
    x-auth-request-groups x-auth-user x-user x-user-id x-user-email x-webauth-user x-consumer-username x-consumer-custom-id
    x-goog-authenticated-user-email x-goog-authenticated-user-id x-goog-iap-jwt-assertion cf-access-authenticated-user-email
    cf-access-jwt-assertion x-ms-client-principal x-ms-client-principal-id x-ms-client-principal-name x-amzn-oidc-identity
    x-amzn-oidc-data x-amzn-oidc-accesstoken tailscale-user-login x-client-cert x-ssl-client-s-dn
    """.split()
)
# What could make a server answer for another place than the one that was checked and recorded.
WHERE = frozenset("x-forwarded-host x-original-host x-original-url x-rewrite-url x-http-method-override".split())
_WATCHED = frozenset(name.encode() for name in (*WHO, *WHERE, *SLOT_HEADERS, "proxy-authorization"))
NO_LOGIN = "no gateway token was sent. Type: affidavit login; then set what this prints: affidavit env"
NO_TOKEN = f"no gateway token was sent. Type: {MINT_HINT}; then set what this prints: affidavit env"


class Identity:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.allow_plain_proxy = False  # as mitm.conf says

    @hooks.fails_closed
    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        if flow.error:  # mitmproxy found two readings in it
            await record_malformed(self.desk, layers.Malformed(flow.client_conn))
            return
        if hooks.asks_gateway(flow):
            return
        self.desk.counted.requests += 1
        reverse = isinstance(flow.client_conn.proxy_mode, ReverseMode)
        exchange = hooks.begin(
            flow, Exchange(self.desk.new_id("ex"), "base_url" if reverse else "proxy", self.desk.clock())
        )
        said = _said(flow)
        try:
            if plain_from_afar(flow, allowed=self.allow_plain_proxy):
                raise Refused(403, "plain_proxy", PLAIN_PROXY)  # noqa: TRY301 -- one way out
            exchange.connection = (
                self._behind_base_url(flow, exchange) if reverse else self._behind_proxy(flow, exchange)
            )
            exchange.provider = provider_named(exchange.connection.provider).name
            exchange.caller = await self._caller(flow, exchange, said)
        except TokenRefused as refusal:
            await self._refused(flow, exchange, refusal.code)
            raise Refused(401, refusal.code, f"Affidavit does not know this caller: {refusal.hint}") from None
        except Refused as refusal:
            await self._refused(flow, exchange, refusal.code, refusal.rule)
            raise

    def _behind_base_url(self, flow: http.HTTPFlow, exchange: Exchange) -> Connection:
        first, _, rest = flow.request.path.lstrip("/").partition("/")
        exchange.path = "/" + rest
        if _climbs(rest):
            raise Refused(
                400, "path_unclear", "a path that climbs (..) may end at another place than it names; send a plain one"
            )
        connection = decide.connection_named(self.desk.policies, first.partition("?")[0])
        if connection is None:
            known = ", ".join(one.id for one in self.desk.policies.connections)
            raise Refused(
                404,
                "connection_unknown",
                f"no connection of this name; expected /<connection>/… with one of: {known}. Type: affidavit env --base-url",
            )
        return connection

    def _behind_proxy(self, flow: http.HTTPFlow, exchange: Exchange) -> Connection:
        exchange.path = flow.request.path
        state = hooks.client_state(flow.client_conn)
        asked = (
            flow.request.host,
            flow.request.port,
            flow.request.host_header,
            flow.request.authority,  # of a target in absolute form
            flow.client_conn.sni,
            self.desk.policies.digest,
        )
        agreed = state.get("agreed")
        if agreed and agreed[0] == asked:
            return agreed[1]  # type: ignore[no-any-return] # state is untyped
        connection = self._agreed(flow, exchange, state)
        if "connect" in state:
            state["agreed"] = (asked, connection)
        return connection

    def _agreed(self, flow: http.HTTPFlow, exchange: Exchange, state: dict[str, Any]) -> Connection:
        """The connection, if CONNECT, SNI and Host name one and the same host."""
        host, port = normal_host(flow.request.host) or "", flow.request.port
        exchange.provider = provider_name(host)
        if "connect" in state:
            target = state["connect"]
            sni = flow.client_conn.sni
            exchange.provider = provider_name(target[0])
            agree = (host, port) == target and not (sni and normal_host(sni) != target[0])
        else:
            target = (host, port)
            agree = True
        usual = DEFAULT_PORTS.get(flow.request.scheme, 443)
        if not agree or any(
            _authority(named, target, usual) != target for named in (flow.request.host_header, flow.request.authority)
        ):
            raise Refused(
                421,
                "hosts_disagree",
                "CONNECT, SNI and Host name different hosts; send all three alike (a client library does this by itself)",
            )
        connection = decide.connection_for_host(self.desk.policies, host, port)
        if connection:
            if (
                flow.request.scheme == "http"
                and (connection.upstream is None or connection.upstream.scheme != "http")
                and "connect" not in state
            ):
                exchange.provider = provider_named(connection.provider).name
                raise Refused(
                    403, "plain_http", "this provider is called over https only; use https:// in the client's base URL"
                )
            return connection
        provider = provider_of_host(host)
        exchange.provider = provider.name if provider else "generic"
        if provider:
            raise Refused(
                403,
                "provider_undeclared",
                f"{host} is a model provider that no connection allows. Add it to connections.yaml, then type: affidavit policy check",
            )
        raise Refused(403, "plain_http", "plain http to other hosts is not passed; use https")

    async def _caller(self, flow: http.HTTPFlow, exchange: Exchange, said: list[tuple[str, str]]) -> Caller:
        """The one individual behind the proxy credential and the API-key slots. Takes our tokens off the request."""
        assert exchange.connection
        state = hooks.client_state(flow.client_conn)
        query = flow.request.path.partition("?")[2]
        slots = api_key_slots(said, query)
        headers = [value for name, value in said if name == "proxy-authorization"] or [
            state.get("proxy_credential", "")
        ]
        secrets = [proxy_authorization(header) for header in headers if header.strip()]
        ours = [slot for slot in slots if self._is_ours(slot)]
        secrets += [slot.value for slot in ours]
        passes = exchange.connection.credential.kind is CredentialKind.CLIENT
        theirs = [slot for slot in slots if slot not in ours]
        if passes and theirs:
            exchange.passed_key = theirs[0].value
        self._take_off(flow, exchange, said, [slot for slot in slots if slot in ours or not passes], ours)
        callers = [
            self.desk.directory.known(secret) or await self.desk.directory.find(secret)
            for secret in (secrets if len(secrets) < 2 else dict.fromkeys(secrets))
        ]
        if not callers:
            raise TokenRefused("token_missing", NO_TOKEN if self.desk.policies.identity.accepts_local else NO_LOGIN)
        if len({caller.subject for caller in callers}) > 1:
            raise Refused(
                401,
                "credentials_disagree",
                "the proxy's token and the API key's token name different people; send one of them. Type: affidavit whoami",
            )
        check_identified(self.desk, callers[0])
        if exchange.connection.refuse_client_keys and any(is_provider_key(slot.value) for slot in theirs):
            raise Refused(
                403,
                "client_key_refused",
                f"connection {exchange.connection.id!r} takes no provider's key from a client: the gateway puts its own on. "
                "Take it out of the environment, and revoke it at the provider. Type: affidavit env",
                rule=f"connections:{exchange.connection.id}",
            )
        if state.get("seen") is not callers[0]:
            state["seen"] = callers[0]
            if shared := self.desk.directory.seen_from(callers[0], client_address(flow)):
                await self.desk.record(shared)
        return callers[0]

    def _is_ours(self, slot: Slot) -> bool:
        """A JWT in an API key's place may be the provider's own: ours is for one of our issuers and audiences."""
        if slot.holds is Holds.JWT and self.desk.policies.identity.issuers:
            return self.desk.directory.issuers.addressed(slot.value)
        return slot.holds is Holds.TOKEN

    def _take_off(
        self, flow: http.HTTPFlow, exchange: Exchange, said: list[tuple[str, str]], off: list[Slot], ours: list[Slot]
    ) -> None:
        """Credentials that are not to be passed, and what nobody is believed: one pass over the headers, if at all."""
        taken = {"proxy-authorization"}
        for slot in off:
            kind, _, name = slot.place.partition(":")
            if slot not in ours:
                exchange.client_keys.append((slot.place, slot.value))
            if kind == "header":
                taken.add(name)
            else:
                exchange.path = _without(exchange.path, name)
                flow.request.path = _without(flow.request.path, name)
        for name, _value in said:
            if name in WHO or name in WHERE:
                taken.add(name)
                exchange.findings.append(("identity_header_ignored" if name in WHO else "routing_header_ignored", name))
        names = {name.encode() for name in taken}
        headers = flow.request.headers
        headers.fields = tuple(pair for pair in headers.fields if pair[0].lower() not in names)

    async def _refused(self, flow: http.HTTPFlow, exchange: Exchange, code: str, rule: str = "") -> None:
        connection = exchange.connection.id if exchange.connection else ""
        await record_event(
            self.desk, "identity.refused", exchange.id, await self._presumed(flow),
            code=code, door=exchange.door, host=flow.request.pretty_host, connection=connection, client=client_address(flow),
            **({"rule": rule} if rule else {}),
        )  # fmt: skip
        exchange.at_door = True
        self.desk.counted.recorded += 1

    async def _presumed(self, flow: http.HTTPFlow) -> str:
        """Whose proxy credential came along with what is refused, if it is anybody's: bypass attempts have a name."""
        try:
            caller = await self.desk.directory.find(
                proxy_authorization(hooks.client_state(flow.client_conn).get("proxy_credential", ""))
            )
        except TokenRefused:
            return ""
        return caller.subject


def _without(path: str, parameter: str) -> str:
    """The path with one query parameter cut out, every other byte as it came."""
    before, mark, query = path.partition("?")
    kept = [piece for piece in query.split("&") if unquote_plus(piece.partition("=")[0]) != parameter]
    return before + (mark + "&".join(kept) if kept else "")


def _climbs(path: str) -> bool:
    """Whether a server could take a segment for "..": also escaped, once or twice, or behind a backslash."""
    plain = path.partition("?")[0]
    if ".." not in plain and "%" not in plain:
        return False
    return ".." in unquote(unquote(plain)).replace("\\", "/").split("/")


def _said(flow: http.HTTPFlow) -> list[tuple[str, str]]:
    """The headers that could say who calls or where to, by lower-case name."""
    return [
        (lowered.decode(), value.decode("utf-8", "surrogateescape"))
        for name, value in flow.request.headers.fields
        if (lowered := name.lower()) in _WATCHED
    ]


def _authority(header: str | None, target: tuple[str, int], usual_port: int) -> tuple[str, int]:
    """Host and port that a Host header names; a missing port is the scheme's (RFC 9110 4.2). Without a header: the target."""
    if not header:
        return target
    name, colon, port = ("", "", "") if header.endswith("]") else header.rpartition(":")
    if not colon:
        name, port = header, str(usual_port)
    return normal_host(name) or "", int(port) if port.isdecimal() else 0
