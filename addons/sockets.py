"""Our subclass of mitmproxy's WebSocket layer: a conversation that was refused is cut, where mitmproxy would go on with the next message.

Internal API, as layers.py: mitmproxy is pinned to one minor, and test_websockets.py drives it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from mitmproxy import http
from mitmproxy.flow import Flow
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers import websocket
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, TextMessage

POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
NORMAL = 1000
REASON_BYTES = 123  # of a close frame; RFC 6455, 5.5


@dataclass(frozen=True, slots=True)
class Cut:
    reason: str = "gateway_fault"
    last: bytes = field(default=b"", repr=False)  # a message of ours to the client; b"": its format has none


_cuts: WeakKeyDictionary[Flow, Cut] = WeakKeyDictionary()


def cut(flow: http.HTTPFlow, how: Cut) -> None:
    """The message under way does not pass, nor does any after it; both ends are closed. Called from a message's hook."""
    assert flow.websocket
    flow.websocket.messages[-1].drop()
    if flow.killable:
        flow.kill()
    _cuts.setdefault(flow, how)


class Socket(websocket.WebsocketLayer):
    def relay_messages(self, event: events.Event) -> CommandGenerator[None]:
        for command in super().relay_messages(event):
            yield command
            if isinstance(command, websocket.WebsocketMessageHook) and not self.flow.live:
                yield from self._cut(_cuts.get(self.flow, Cut()))
                return

    def _cut(self, how: Cut) -> CommandGenerator[None]:
        """The client is told why; the provider only that it is over."""
        assert self.flow.websocket
        reason = how.reason.encode()[:REASON_BYTES].decode("utf-8", "ignore")
        if how.last and self.client_ws.state is ConnectionState.OPEN:
            yield self.client_ws.send2(TextMessage(how.last.decode()))
        for ws, close in (
            (self.client_ws, CloseConnection(POLICY_VIOLATION, reason)),
            (self.server_ws, CloseConnection(NORMAL)),
        ):
            if ws.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
                yield ws.send2(close)
            yield commands.CloseConnection(ws.conn)
        self.flow.websocket.timestamp_end = time.time()
        self.flow.websocket.closed_by_client = False
        self.flow.websocket.close_code, self.flow.websocket.close_reason = POLICY_VIOLATION, reason
        yield websocket.WebsocketEndHook(self.flow)
        self._handle_event = self.done


def install() -> None:
    """mitmproxy looks the class up by name in its module."""
    websocket.WebsocketLayer = Socket  # type: ignore[misc] # see above
