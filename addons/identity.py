"""Who is calling: at CONNECT, at each request, at both doors. Also what may be tunnelled. Not what the caller may do (approval.py).

A bad or missing credential for a provider's host is refused inside the tunnel, in the provider's own error shape: a 407 at
CONNECT reaches an SDK's user as "Connection error." after three tries. Other hosts need a credential too: 407, where the
reason phrase is all that clients show.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

from mitmproxy import http, tcp, udp
from mitmproxy.proxy import layer, server_hooks
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.proxy.mode_specs import ReverseMode

from addons import hooks, layers
from addons.console.desk import Desk
from addons.evidence.records import Event
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
ADDRESS = "connect to a host by its name, not by its address"
PLAIN_PROXY = "the gateway is reached without TLS from another machine; use https:// for the proxy and base URLs, or affidavit_allow_plain_proxy in mitm.conf"
NO_LOGIN = "no gateway token was sent. Type: affidavit login; then set what this prints: affidavit env"
NO_TOKEN = f"no gateway token was sent. Type: {MINT_HINT}; then set what this prints: affidavit env"


@dataclass(slots=True)
class Tunnel:
    """A tunnel to a host that is no provider's, decided at CONNECT."""

    id: str
    caller: Caller
    host: str
    port: int
    counter: dict[str, int]
    closed: bool = False


class Identity:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.allow_plain_proxy = False  # as mitm.conf says

    # -- CONNECT ----------------------------------------------------------------------------------------------------
    @hooks.fails_closed
    async def http_connect(self, flow: http.HTTPFlow) -> None:
        host, port = flow.request.host, flow.request.port
        self.desk.counted.connects += 1
        if isinstance(flow.client_conn.proxy_mode, ReverseMode):
            exchange = hooks.begin(flow, Exchange(self.desk.new_id("ex"), "base_url", self.desk.clock(), at_door=True))
            await self._refuse_connect(flow, exchange, 405, "connect_at_base_url", "this port is no proxy")
            return
        state = hooks.client_state(flow.client_conn)
        state["connect"] = (normal_host(host) or host, port)
        state["proxy_credential"] = flow.request.headers.pop("proxy-authorization", "")
        state["proxy_tls"] = flow.client_conn.tls_established
        provider = provider_of_host(host)
        if self._plain_from_afar(flow):
            exchange = hooks.begin(flow, Exchange(self.desk.new_id("ex"), "proxy", self.desk.clock(), at_door=True))
            await self._refuse_connect(flow, exchange, 403, "plain_proxy", PLAIN_PROXY)
            return
        if decide.connection_for_host(self.desk.policies, host, port) or (provider and not _is_address(host)):
            self.desk.counted.inside += 1
            return  # decided inside, where an answer can be read
        exchange = Exchange(self.desk.new_id("ex"), "proxy", self.desk.clock(), at_door=True)
        hooks.begin(flow, exchange)
        try:
            caller = await self.desk.directory.find(proxy_authorization(state["proxy_credential"]))
            self._check_identified(caller)
        except (TokenRefused, Refused) as refusal:
            text = refusal.message if isinstance(refusal, Refused) else refusal.hint
            await self._refuse_connect(flow, exchange, 407, refusal.code, text)
            return
        if _is_address(host):
            await self._refuse_connect(flow, exchange, 403, "address_not_named", ADDRESS, caller.subject)
            return
        decision = decide.may_tunnel(self.desk.policies, host, provider.name if provider else "")
        if not decision.allowed:
            await self._refuse_connect(flow, exchange, 403, decision.code, decision.hint, caller.subject)
            return
        tunnel = Tunnel(exchange.id, caller, host, port, {"sent_bytes": 0, "received_bytes": 0})
        state["tunnel"] = tunnel
        await self._event("tunnel.opened", exchange.id, caller.subject, host=host, port=port)

    async def _refuse_connect(
        self, flow: http.HTTPFlow, exchange: Exchange, status: int, code: str, text: str, actor: str = ""
    ) -> None:
        await self._event(
            "connect.refused",
            exchange.id,
            actor,
            code=code,
            host=flow.request.host,
            port=flow.request.port,
            client=_address(flow),
        )
        reason = f"affidavit {code}: {text} ({exchange.id})".encode("ascii", "replace")[:400]
        headers = {"proxy-authenticate": 'Basic realm="affidavit"'} if status == 407 else {}
        flow.response = http.Response.make(status, b"", headers)
        flow.response.data.reason = reason

    @hooks.fails_closed
    def next_layer(self, chosen: layer.NextLayer) -> None:
        """Inside CONNECT: a tunnel is relayed uninterpreted; a connection's host must speak TLS, or is closed."""
        context = chosen.context
        state = hooks.client_state(context.client)
        stream = next((at for at, one in enumerate(context.layers) if isinstance(one, http_layers.HttpStream)), None)
        if stream is None or "connect" not in state or "decided" in state:
            return  # the first bytes of a connection, or what is inside the TLS
        data = chosen.data_client()
        if not data:
            return
        tunnel = state.get("tunnel")
        if tunnel and (disagrees := _names_another(data, tunnel.host)) is not False:
            if disagrees is None:
                return  # a ClientHello whose end has not come yet
            state["decided"] = True
            del context.layers[stream + 1 :]
            chosen.layer = layers.Closed(context)
            hooks.background(
                self._closed_inside(context.client.peername, state["connect"], "sni_disagrees", tunnel.caller)
            )
            return
        state["decided"] = True
        if tunnel:
            del context.layers[stream + 1 :]  # what mitmproxy's own addon, asked before us, has put there
            chosen.layer = layers.Tunnel(context, tunnel.counter)
        elif data[:1] != b"\x16":  # RFC 8446 5.1: a ClientHello is a handshake record
            del context.layers[stream + 1 :]
            chosen.layer = layers.Closed(context)
            hooks.background(self._closed_inside(context.client.peername, state["connect"], "not_tls", None))

    async def _closed_inside(
        self, client: tuple[str, int], target: tuple[str, int], code: str, caller: Caller | None
    ) -> None:
        await self._event(
            "connect.refused",
            self.desk.new_id("ex"),
            caller.subject if caller else "",
            code=code,
            host=target[0],
            port=target[1],
            client=str(client[0]),
        )

    async def client_disconnected(self, client: object) -> None:
        tunnel = hooks.client_state(client).get("tunnel")  # type: ignore[arg-type] # mitmproxy's Client
        if tunnel and not tunnel.closed:
            tunnel.closed = True
            await self._event(
                "tunnel.closed", tunnel.id, tunnel.caller.subject, host=tunnel.host, port=tunnel.port, **tunnel.counter
            )

    # -- raw bytes: nothing we serve ever needs them ----------------------------------------------------------------
    @hooks.fails_closed
    async def tcp_start(self, flow: tcp.TCPFlow) -> None:
        await self._raw(flow, "tcp")

    @hooks.fails_closed
    async def udp_start(self, flow: udp.UDPFlow) -> None:
        await self._raw(flow, "udp")

    @hooks.fails_closed
    async def dns_request(self, flow: object) -> None:
        await self._raw(flow, "dns")

    async def _raw(self, flow: object, kind: str) -> None:
        self.desk.counted.raw += 1
        flow.kill()  # type: ignore[attr-defined] # TCPFlow, UDPFlow or DNSFlow
        server = getattr(flow, "server_conn", None)
        host, port = (server.address or ("", 0))[:2] if server else ("", 0)
        await self._event(
            "connect.refused",
            self.desk.new_id("ex"),
            "",
            code=f"raw_{kind}",
            host=str(host),
            port=int(port),
            client=_address(flow),
        )

    async def malformed(self, what: layers.Malformed) -> None:
        """Answered with 400 already: what two readers could read differently smuggles requests (RFC 9112, 11.2)."""
        state = hooks.client_state(what.client)
        host, port = state.get("connect", ("", 0))
        caller = state.get("seen")
        await self._event(
            "connect.refused",
            self.desk.new_id("ex"),
            caller.subject if caller else "",
            code="malformed_request",
            host=host,
            port=port,
            client=str(what.client.peername[0]) if what.client.peername else "",
        )

    # -- addresses --------------------------------------------------------------------------------------------------
    @hooks.fails_closed
    async def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Resolve once, refuse private and metadata addresses unless the connection allows them, dial what was checked."""
        assert data.server.address
        name = data.server.address
        allowed = {c.upstream.host for c in self.desk.policies.connections if c.allow_private and c.upstream}
        allowed |= {host for c in self.desk.policies.connections if c.allow_private for host in c.hosts}
        try:
            found = await asyncio.get_running_loop().getaddrinfo(name[0], name[1], type=socket.SOCK_STREAM)
        except OSError:
            data.server.error = "the name does not resolve"
            return
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not addresses or (name[0] not in allowed and not all(one.is_global for one in addresses)):
            data.server.error = "address_refused"
            await self._event(
                "connect.refused",
                self.desk.new_id("ex"),
                "",
                code="address_refused",
                host=name[0],
                port=name[1],
                client="",
            )
            return
        hooks.client_state(data.client)[data.server.id] = name
        layers.dial(data.server, (str(addresses[0]), name[1]))

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        if name := hooks.client_state(data.client).pop(data.server.id, None):
            layers.dialled(data.server, name)

    server_connect_error = server_connected

    # -- each request -----------------------------------------------------------------------------------------------
    @hooks.fails_closed
    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        if flow.error:  # mitmproxy found two readings in it
            await self.malformed(layers.Malformed(flow.client_conn))
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
            if self._plain_from_afar(flow):
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

    def _plain_from_afar(self, flow: http.HTTPFlow) -> bool:
        """Without TLS to us, credentials and prompts cross a network in the clear."""
        if self.allow_plain_proxy or flow.client_conn.tls_established:
            return False
        return not hooks.is_near(flow.client_conn) and not hooks.client_state(flow.client_conn).get("proxy_tls")

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
        exchange.provider = _provider_name(host)
        if "connect" in state:
            target = state["connect"]
            sni = flow.client_conn.sni
            exchange.provider = _provider_name(target[0])
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
        self._check_identified(callers[0])
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
            if shared := self.desk.directory.seen_from(callers[0], _address(flow)):
                await self.desk.record(shared)
        return callers[0]

    def _is_ours(self, slot: Slot) -> bool:
        """A JWT in an API key's place may be the provider's own: ours is for one of our issuers and audiences."""
        if slot.holds is Holds.JWT and self.desk.policies.identity.issuers:
            return self.desk.directory.issuers.addressed(slot.value)
        return slot.holds is Holds.TOKEN

    def _check_identified(self, caller: Caller) -> None:
        decision = decide.may_identify(self.desk.policies, caller)
        if not decision.allowed:
            raise Refused(401, decision.code, decision.hint, rule=decision.rule)

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
        await self._event(
            "identity.refused", exchange.id, await self._presumed(flow),
            code=code, door=exchange.door, host=flow.request.pretty_host, connection=connection, client=_address(flow),
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

    async def _event(self, kind: str, exchange_id: str, actor: str, *, client: str = "", **attrs: str | int) -> None:
        meta = {"client_address": client} if client else None
        await self.desk.record(Event(kind, actor=actor, exchange_id=exchange_id, attrs=attrs, meta=meta))


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


def _names_another(data: bytes, host: str) -> bool | None:
    """Whether a ClientHello in a tunnel asks for another host than CONNECT did. None: it is not whole yet. What is no TLS names none."""
    if data[:1] != b"\x16":
        return False
    try:
        hello = parse_client_hello(data)
    except ValueError:
        return True
    if hello is None:
        return None
    return bool(hello.sni) and normal_host(hello.sni) != (normal_host(host) or host)


def _authority(header: str | None, target: tuple[str, int], usual_port: int) -> tuple[str, int]:
    """Host and port that a Host header names; a missing port is the scheme's (RFC 9110 4.2). Without a header: the target."""
    if not header:
        return target
    name, colon, port = ("", "", "") if header.endswith("]") else header.rpartition(":")
    if not colon:
        name, port = header, str(usual_port)
    return normal_host(name) or "", int(port) if port.isdecimal() else 0


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _provider_name(host: str) -> str:
    provider = provider_of_host(host)
    return provider.name if provider else "generic"


def _address(flow: object) -> str:
    peer = getattr(getattr(flow, "client_conn", None), "peername", None)
    return str(peer[0]) if peer else ""
