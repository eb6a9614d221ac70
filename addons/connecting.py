"""Where a client may connect to: at CONNECT, inside a tunnel, and which addresses are dialled. Not who calls with a request (identity.py).

A bad or missing credential for a provider's host is refused inside the tunnel, in the provider's own error shape: a 407 at
CONNECT reaches an SDK's user as "Connection error." after three tries. Other hosts need a credential too: 407, where the
reason phrase is all that clients show.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

from mitmproxy import http, tcp, udp
from mitmproxy.proxy import layer, server_hooks
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.proxy.mode_specs import ReverseMode

from addons import hooks, layers
from addons.console.desk import Desk
from addons.entrance import (
    PLAIN_PROXY,
    check_identified,
    client_address,
    plain_from_afar,
    record_event,
    record_malformed,
)
from addons.hooks import Exchange, Refused
from addons.policy import decide
from addons.policy.hosts import normal_host
from addons.providers.registry import provider_of_host
from addons.tokens.caller import Caller
from addons.tokens.credentials import proxy_authorization
from addons.tokens.gateway_token import TokenRefused

ADDRESS = "connect to a host by its name, not by its address"


@dataclass(slots=True)
class Tunnel:
    """A tunnel to a host that is no provider's, decided at CONNECT."""

    id: str
    caller: Caller
    host: str
    port: int
    counter: dict[str, int]
    closed: bool = False


class Connecting:
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
        if plain_from_afar(flow, allowed=self.allow_plain_proxy):
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
            check_identified(self.desk, caller)
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
        await record_event(self.desk, "tunnel.opened", exchange.id, caller.subject, host=host, port=port)

    async def _refuse_connect(
        self, flow: http.HTTPFlow, exchange: Exchange, status: int, code: str, text: str, actor: str = ""
    ) -> None:
        await record_event(
            self.desk,
            "connect.refused",
            exchange.id,
            actor,
            code=code,
            host=flow.request.host,
            port=flow.request.port,
            client=client_address(flow),
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
        await record_event(
            self.desk,
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
            await record_event(
                self.desk,
                "tunnel.closed",
                tunnel.id,
                tunnel.caller.subject,
                host=tunnel.host,
                port=tunnel.port,
                **tunnel.counter,
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
        await record_event(
            self.desk,
            "connect.refused",
            self.desk.new_id("ex"),
            "",
            code=f"raw_{kind}",
            host=str(host),
            port=int(port),
            client=client_address(flow),
        )

    async def malformed(self, what: layers.Malformed) -> None:
        await record_malformed(self.desk, what)

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
            await record_event(
                self.desk,
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


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
