"""What every hook of ours shares: fail closed, refuse in the provider's own words, and the state of one exchange.

Not a place for decisions: those live in the rooms. mitmproxy logs an exception in a hook and lets the call pass
(addonmanager.safecall); `fails_closed` turns it into a refusal. It is the one decorator here and the one catch-all.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import ipaddress
import logging
import traceback
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from mitmproxy import connection, http
from mitmproxy.flow import Error, Flow
from mitmproxy.proxy import layer, layers, server_hooks
from mitmproxy.proxy.mode_specs import ReverseMode

from addons import sockets
from addons.evidence.store import StoreError
from addons.policy.model import Connection
from addons.providers import doors
from addons.providers.call import Call, Reply
from addons.tokens.caller import Caller

log = logging.getLogger("affidavit")

OWN_PATHS = "/affidavit/"


class Refused(Exception):  # noqa: N818 -- raised as a decision, not an error
    """This call does not go on. `code` is for programs, `message` one sentence for people that names the next command."""

    def __init__(self, status: int, code: str, message: str, *, outcome: str = "refused", rule: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.outcome, self.rule = status, code, message, outcome, rule
        self.whole = False  # of a reply: nothing of it goes on, not even without its tool calls

    def kept(self) -> Refused:
        """Itself, to stay with the exchange: without the frames it was raised in, which hold the whole flow."""
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self


@dataclass(slots=True, weakref_slot=True)
class Exchange:
    """One request and its reply, while they are under way. Everything here is forgotten with the flow."""

    id: str
    door: str  # "proxy" | "base_url"
    opened_at: datetime
    provider: str = "generic"  # whose error shape a refusal takes
    path: str = ""  # as the provider sees it: the base_url door's first segment is off
    caller: Caller | None = None
    connection: Connection | None = None
    call: Call | None = field(default=None, repr=False)
    request: Any = field(default=None, repr=False)  # views.RequestView
    secrets: set[str] = field(
        default_factory=set, repr=False
    )  # values that were put on the wire by us, redacted by value
    findings: list[tuple[str, str]] = field(default_factory=list)  # (code, rule or detail without content)
    client_keys: list[tuple[str, str]] = field(
        default_factory=list, repr=False
    )  # provider keys taken off: place, value
    refusal: Refused | None = None
    socket_calls: Any = field(default=None, repr=False)  # providers.socket_calls.SocketCalls
    injected: deque[bool] = field(
        default_factory=deque
    )  # messages that we send to a WebSocket's client: whether each was decided
    taken_out: bool = False  # the refusal concerns tool calls that were taken out of the reply; the rest was passed on
    right: str = ""  # the right that allowed it
    credential: str = ""  # keyed fingerprint of the key that went upstream
    passed_key: str = field(default="", repr=False)  # the client's own, where the connection passes it
    stop: Refused | None = None  # decided before it could be recorded; raised as soon as it is
    decision: asyncio.Future[None] | None = None  # of a tool call that waits in mid-stream
    at_door: bool = False  # refused before anybody was known; `identity.refused` is its whole record
    opened: bool = False
    closed: bool = False
    sent_at: datetime | None = None
    first_chunk_at: datetime | None = None
    approval_ids: list[str] = field(default_factory=list)
    tap: Any = field(default=None, repr=False)  # taps.Tap
    changer: Any = field(default=None, repr=False)  # masks.wire.Changer, where the client gets another reply than came
    reply: Reply | None = field(default=None, repr=False)
    reply_view: Any = field(default=None, repr=False)  # views.ReplyView
    conversation: Any = field(default=None, repr=False)  # providers.conversation.Reader, of a WebSocket
    asking: Any = field(default=None, repr=False)  # asking.Asking, of what its client says


_flows: WeakSet[Flow] = WeakSet()  # a dictionary by flow would keep for ever whatever exchange leads back to its flow
_callers: WeakKeyDictionary[connection.Client, Any] = WeakKeyDictionary()
_background: set[asyncio.Task[Any]] = set()


def begin(flow: Flow, exchange: Exchange) -> Exchange:
    flow.affidavit = exchange  # type: ignore[attr-defined] # it ends with the flow
    _flows.add(flow)
    return exchange


def exchange_of(flow: Flow) -> Exchange | None:
    return getattr(flow, "affidavit", None)


def open_exchanges() -> tuple[tuple[Flow, Exchange], ...]:
    return tuple([(flow, exchange) for flow in list(_flows) if (exchange := exchange_of(flow))])


def client_state(client: connection.Client) -> dict[str, Any]:
    """What one client connection has proven so far; gone with the connection."""
    return _callers.setdefault(client, {})  # type: ignore[no-any-return] # mitmproxy's Client is untyped for weak keys


def asks_gateway(flow: http.HTTPFlow) -> bool:
    """Whether the gateway itself is asked, at its base_url door: no model's call, and nobody's upstream."""
    return isinstance(flow.client_conn.proxy_mode, ReverseMode) and flow.request.path.startswith(OWN_PATHS)


def is_near(client: connection.Client) -> bool:
    """Whether the client is on this machine."""
    state = client_state(client)
    if "near" not in state:
        address = str(client.peername[0]).partition("%")[0] if client.peername else ""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            state["near"] = False
        else:
            state["near"] = (getattr(found, "ipv4_mapped", None) or found).is_loopback
    return bool(state["near"])


def background(work: Coroutine[Any, Any, Any]) -> None:
    """Run `work` beside the hooks, keeping the reference that asyncio does not keep."""
    task = asyncio.get_running_loop().create_task(work)
    _background.add(task)
    task.add_done_callback(_background.discard)


def frames(error: BaseException) -> str:
    """`TypeName at file:line < file:line`, our frames only, never the exception's text: it may quote a prompt."""
    root = Path(__file__).parent
    ours = [f for f in traceback.extract_tb(error.__traceback__) if root in Path(f.filename).parents]
    places = " < ".join(f"{Path(f.filename).relative_to(root)}:{f.lineno}" for f in reversed(ours[-4:]))
    return f"{type(error).__name__} at {places or 'a library'}"


def refuse(flow: http.HTTPFlow, refused: Refused) -> None:
    """Answer the client in its provider's own error shape; upstream is never dialled, or its answer is thrown away."""
    exchange = exchange_of(flow)
    exchange_id = exchange.id if exchange else ""
    if exchange:
        exchange.refusal = refused.kept()
    if flow.response and flow.response.stream:
        flow.kill()  # headers are with the client already: an error in the stream's own form was not possible here
        return
    provider = exchange.provider if exchange else "generic"
    endpoint = exchange.call.endpoint if exchange and exchange.call else ""
    body, content_type = doors.refusal(
        provider, refused.status, refused.code, refused.message, exchange_id, endpoint=endpoint
    )
    flow.response = http.Response.make(
        refused.status,
        body,
        {
            "content-type": content_type,
            "x-should-retry": "false",  # obeyed by the openai and anthropic SDKs: a refusal is not repeated
            "affidavit-code": refused.code,
            "affidavit-exchange": exchange_id,
        },
    )
    if refused.status in {401, 407}:
        flow.response.headers["www-authenticate"] = 'Basic realm="affidavit"'
    if refused.code == "approval_pending":
        flow.response.headers["retry-after"] = "30"


FAULT = "Affidavit could not process this call and did not let it pass; the operator finds the cause in the gateway's log (affidavit status)"


def fault(rule: str = "") -> Refused:
    return Refused(503, "gateway_fault", FAULT, outcome="failed", rule=rule)


UNRECORDED = "Affidavit cannot write its evidence, so it lets nothing pass; its operator types: affidavit status"


def cut(exchange: Exchange | None, refused: Refused) -> sockets.Cut:
    """A WebSocket has no status any more: an error in its own form is the last message, and the close frame says why."""
    last = b""
    if exchange:
        exchange.refusal = exchange.refusal or refused.kept()
        endpoint = exchange.call.endpoint if exchange.call else ""
        told = (refused.status, refused.code, refused.message)
        last = doors.refusal_message(exchange.provider, endpoint, told, exchange.id)
    return sockets.Cut(f"{refused.code}: {refused.message}", last)


def _close(subject: object, refused: Refused) -> None:
    """Stop whatever a hook was given: a flow, a connection about to be dialled, a layer about to be chosen."""
    if isinstance(subject, http.HTTPFlow):
        if subject.websocket:
            sockets.cut(subject, cut(exchange_of(subject), refused))
        else:
            refuse(subject, refused)
    elif isinstance(subject, server_hooks.ServerConnectionHookData):
        subject.server.error = refused.code
    elif isinstance(subject, layer.NextLayer):
        subject.layer = layers.TCPLayer(subject.context, ignore=False)  # tcp_start kills and records it
    elif isinstance(subject, Flow):
        subject.error = Error(Error.KILLED_MESSAGE)
        if subject.killable:
            subject.kill()
    elif flow := getattr(subject, "flow", None):  # layers.ReplyPiece
        subject.out, subject.decided, subject.again = b"", False, False  # type: ignore[attr-defined] # it is not passed on
        if exchange := exchange_of(flow):
            exchange.refusal = refused.kept()
        flow.kill()


def refused_for(error: Exception, place: str) -> Refused:
    """What the client is told of whatever was raised; what is no decision is a fault of ours, and the log gets the type and our frames."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, StoreError):
        log.error("error: %s", error)
        return Refused(503, "store_failed", UNRECORDED, outcome="failed")
    log.error("fault in %s: %s", place, frames(error))
    return fault(frames(error))


def in_order(name: str, calls: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """One hook of several addons as one; it waits only if one of them may. mitmproxy offers each event to each addon in its list, twice.

    As mitmproxy does, go on after a fault: those that guard have refused by then, and the last writes the record.
    """

    def dispatch_now(subject: Any) -> None:
        for call in calls:
            try:
                call(subject)
            except Exception as error:  # noqa: BLE001 -- as below
                log.error("fault in %s: %s", name, frames(error))

    async def dispatch(subject: Any) -> None:
        for call in calls:
            try:
                result = call(subject)
                if result is not None:
                    await result
            except Exception as error:  # noqa: BLE001 -- a hook that guards nothing: it must not keep the next from its work
                log.error("fault in %s: %s", name, frames(error))

    return dispatch if any(map(inspect.iscoroutinefunction, calls)) else dispatch_now


def fails_closed(hook: Callable[..., Any]) -> Callable[..., Any]:
    """A guarding hook, sync or async: if it raises, the call it was asked about does not leave.

    `Refused` is a decision and reaches the client as it is; anything else is a fault of ours: 503, and the log gets the
    type and our frames. CancelledError passes: mitmproxy cancels hooks when the client is gone.
    """

    def closed(subject: object, error: Exception) -> None:
        _close(subject, refused_for(error, hook.__qualname__))

    if inspect.iscoroutinefunction(hook):

        @functools.wraps(hook)
        async def guarded_async(self: object, subject: object) -> None:
            try:
                await hook(self, subject)
            except Exception as error:  # noqa: BLE001 -- the one place that may: it refuses
                closed(subject, error)

        return guarded_async

    @functools.wraps(hook)
    def guarded(self: object, subject: object) -> None:
        try:
            hook(self, subject)
        except Exception as error:  # noqa: BLE001 -- as above
            closed(subject, error)

    return guarded
