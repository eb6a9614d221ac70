"""What mitmproxy's HTTP layers do with our subclasses in them, driven event by event, without a socket."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from mitmproxy import connection, http, options
from mitmproxy.proxy import commands, context, events
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode

from addons import layers

REQUEST = b"POST http://example.org/ HTTP/1.1\r\nhost: example.org\r\ncontent-length: 4\r\n\r\nbody"


OPTIONS: tuple[tuple[str, Any, Any], ...] = (  # of mitmproxy's own addons, as they stand in the gateway
    ("body_size_limit", str | None, None),
    ("stream_large_bodies", str | None, None),
    ("store_streamed_bodies", bool, False),
    ("validate_inbound_headers", bool, True),
    ("proxy_debug", bool, False),
    ("websocket", bool, True),
    ("rawtcp", bool, True),
)


@pytest.fixture
def http_layer() -> HttpLayer:
    layers.install()
    chosen = options.Options()
    for name, kind, default in OPTIONS:
        chosen.add_option(name, kind, default, "")
    client = connection.Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0.0)
    client.state = connection.ConnectionState.OPEN
    made = HttpLayer(context.Context(client, chosen), HTTPMode.regular)
    list(made.handle_event(events.Start()))
    return made


def answered(layer: HttpLayer, data: bytes) -> tuple[list[bytes], list[weakref.ref[http.HTTPFlow]]]:
    """What the client gets when an addon answers each request, and the flows that were made for it."""
    sent, flows = [], []
    waiting: list[events.Event] = [events.DataReceived(layer.context.client, data)]
    while waiting:
        for command in layer.handle_event(waiting.pop(0)):
            if isinstance(command, commands.SendData):
                sent.append(command.data)
            elif isinstance(command, commands.StartHook):
                flow: http.HTTPFlow = command.flow  # type: ignore[attr-defined] # each hook of this layer has one
                if command.name == "requestheaders":
                    flows.append(weakref.ref(flow))
                if command.name == "request":
                    assert not layers.client_left(flow)
                    flow.response = http.Response.make(200, b"answer")
                waiting.append(events.HookCompleted(command))
                del flow
            del command
    return sent, flows


def test_a_flow_that_is_over_is_gone_at_once(http_layer: HttpLayer) -> None:
    gc.disable()  # nothing of this is left to the collector
    try:
        sent, flows = answered(http_layer, REQUEST * 3)
        left = [flow() for flow in flows]
    finally:
        gc.enable()

    assert b"".join(sent).count(b"answer") == len(flows) == 3
    assert left == [None] * 3
