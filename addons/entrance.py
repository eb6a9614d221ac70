"""What the addons at the two doors say and ask alike: whether a client came in the clear from afar, whose word counts, what is recorded of a refusal.

No addon. Who may connect where: connecting.py. Who calls: identity.py.
"""

from __future__ import annotations

from mitmproxy import http

from addons import hooks, layers
from addons.console.desk import Desk
from addons.evidence.records import Event
from addons.hooks import Refused
from addons.policy import decide
from addons.providers.registry import provider_of_host
from addons.tokens.caller import Caller

PLAIN_PROXY = "the gateway is reached without TLS from another machine; use https:// for the proxy and base URLs, or affidavit_allow_plain_proxy in mitm.conf"


def plain_from_afar(flow: http.HTTPFlow, *, allowed: bool) -> bool:
    """Without TLS to us, credentials and prompts cross a network in the clear."""
    if allowed or flow.client_conn.tls_established:
        return False
    return not hooks.is_near(flow.client_conn) and not hooks.client_state(flow.client_conn).get("proxy_tls")


def check_identified(desk: Desk, caller: Caller) -> None:
    decision = decide.may_identify(desk.policies, caller)
    if not decision.allowed:
        raise Refused(401, decision.code, decision.hint, rule=decision.rule)


async def record_event(
    desk: Desk, kind: str, exchange_id: str, actor: str, *, client: str = "", **attrs: str | int
) -> None:
    meta = {"client_address": client} if client else None
    await desk.record(Event(kind, actor=actor, exchange_id=exchange_id, attrs=attrs, meta=meta))


async def record_malformed(desk: Desk, what: layers.Malformed) -> None:
    """Answered with 400 already: what two readers could read differently smuggles requests (RFC 9112, 11.2)."""
    state = hooks.client_state(what.client)
    host, port = state.get("connect", ("", 0))
    caller = state.get("seen")
    await record_event(
        desk,
        "connect.refused",
        desk.new_id("ex"),
        caller.subject if caller else "",
        code="malformed_request",
        host=host,
        port=port,
        client=str(what.client.peername[0]) if what.client.peername else "",
    )


def provider_name(host: str) -> str:
    provider = provider_of_host(host)
    return provider.name if provider else "generic"


def client_address(flow: object) -> str:
    peer = getattr(getattr(flow, "client_conn", None), "peername", None)
    return str(peer[0]) if peer else ""
