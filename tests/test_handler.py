"""Hooks reach those who have them, in list order, as mitmproxy's own dispatch would; and an addon that is added later is heard too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import options
from mitmproxy.addonmanager import AddonManager
from mitmproxy.exceptions import AddonHalt
from mitmproxy.proxy import commands, events, server
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook, HttpResponseHook
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.layers.modes import HttpProxy
from mitmproxy.test import tflow

from addons.handler import Audience, Handler, inside_connect

Heard = list[str]  # addons' notes


class Addon:
    def __init__(self, name: str, heard: Heard, fault: Exception | None = None) -> None:
        self.name, self.heard, self.fault = name, heard, fault

    def request(self, flow: Any) -> None:
        self.heard.append(self.name)
        if self.fault:
            raise self.fault


class Waiting(Addon):
    async def request(self, flow: Any) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.heard.append(self.name)


class Updated(Addon):
    def update(self, flows: list[Any]) -> None:
        self.heard.append(f"{self.name} updated {len(flows)}")


class Master:
    def __init__(self) -> None:
        self.options = options.Options()
        self.commands = type("Commands", (), {"collect_commands": lambda *_: None})()
        self.addons = AddonManager(self)


def handler(master: Master) -> Handler:
    made = Handler.__new__(Handler)
    made.master = master  # type: ignore[assignment]
    made.timeout_watchdog = server.TimeoutWatchdog(60, lambda: asyncio.sleep(0))
    return made


def told(master: Master, hook: Any) -> bool:
    """Whether the idle watchdog is armed again afterwards."""
    made = handler(master)
    asyncio.run(made.handle_hook(hook))
    return made.timeout_watchdog.can_timeout.is_set()


@pytest.fixture
def master() -> Master:
    return Master()


@pytest.fixture
def heard() -> Heard:
    return []


def test_each_addon_that_has_the_hook_is_asked_in_list_order(master: Master, heard: Heard) -> None:
    master.addons.chain = [Addon("first", heard), object(), Waiting("second", heard), Addon("third", heard)]

    armed = told(master, HttpRequestHook(tflow.tflow()))

    assert heard == ["first", "second", "third"]
    assert armed


def test_a_fault_of_one_does_not_keep_the_next_from_its_work(master: Master, heard: Heard) -> None:
    master.addons.chain = [Addon("first", heard, ValueError("secret")), Addon("second", heard)]

    armed = told(master, HttpRequestHook(tflow.tflow()))

    assert heard == ["first", "second"]
    assert armed


def test_the_text_of_a_fault_is_not_logged(master: Master, heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    master.addons.chain = [Addon("first", heard, ValueError("secret"))]

    told(master, HttpRequestHook(tflow.tflow()))

    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_an_addon_may_end_the_round(master: Master, heard: Heard) -> None:
    master.addons.chain = [Addon("first", heard, AddonHalt()), Addon("second", heard)]

    told(master, HttpRequestHook(tflow.tflow()))

    assert heard == ["first"]


def test_update_follows_where_somebody_listens(master: Master, heard: Heard) -> None:
    master.addons.chain = [Updated("first", heard)]

    told(master, HttpRequestHook(tflow.tflow()))
    told(master, HttpResponseHook(tflow.tflow()))

    assert heard == ["first", "first updated 1", "first updated 1"]


def test_an_addon_that_is_added_or_removed_later_is_noticed(master: Master, heard: Heard) -> None:
    audience = Audience(master.addons)  # type: ignore[arg-type]
    first, second = Addon("first", heard), Addon("second", heard)
    counts = []

    for chain in ([first], [first, second], [second]):
        master.addons.chain = list(chain)
        counts.append(len(audience.of("request").listeners))

    assert counts == [1, 2, 1]


def test_an_event_that_comes_up_in_a_turn_has_its_own_after_it() -> None:
    """A hook that need not wait is over before the layer goes on: records of TLS in another order would be no records."""
    to, made = tflow.tserver_conn(), Handler.__new__(Handler)

    class Layer:
        def handle_event(self, event: events.Event) -> Iterator[commands.Command]:
            if isinstance(event, events.DataReceived):
                yield commands.SendData(to, b"first")
                made._turn(events.ConnectionClosed(to))
                yield commands.SendData(to, b"second")
            else:
                yield commands.SendData(to, b"third")

    sent: list[bytes] = []
    writer = type("Writer", (), {"is_closing": lambda _: False, "write": lambda _, data: sent.append(data)})()
    made.client, made._inside, made._asked_inside = tflow.tclient_conn(), Layer(), set()  # type: ignore[assignment]
    made.timeout_watchdog = server.TimeoutWatchdog(60, lambda: asyncio.sleep(0))
    made.transports = {to: server.ConnectionIO(writer=writer)}

    made._turn(events.DataReceived(to, b"said"))

    assert b"".join(sent) == b"firstsecondthird"
    assert made._turns is None


def test_what_next_layer_chose_is_given_on_as_it_is(master: Master) -> None:
    seen: list[object] = []
    master.addons.chain = [type("Chooser", (), {"next_layer": lambda _, chosen: seen.append(chosen)})()]
    chosen = object()  # the hook's one field is passed, whatever it is
    hook = type(
        "Hook", (), {"name": "next_layer", "__dataclass_fields__": HttpRequestHook.__dataclass_fields__, "flow": chosen}
    )()

    told(master, hook)

    assert seen == [chosen]


def proxied(stack: list[object], method: str, chosen: object | None) -> tuple[Any, Any]:
    """An outer layer as mitmproxy has it once a request came, and the client."""
    client = object()
    proxy, http_layer, stream = (
        HttpProxy.__new__(HttpProxy),
        HttpLayer.__new__(HttpLayer),
        HttpStream.__new__(HttpStream),
    )
    stream.flow = tflow.tflow()
    stream.flow.request.method = method
    stream._handle_event = stream.passthrough  # type: ignore[method-assign]
    stream.child_layer = chosen  # type: ignore[assignment]
    http_layer.streams = {1: stream}
    http_layer.connections = {client: Http1Server.__new__(Http1Server)}  # type: ignore[dict-item]
    proxy.context = type("Context", (), {"layers": [proxy, *stack, http_layer]})()
    return proxy, client


def test_the_layer_inside_a_connect_is_found():
    chosen = object()

    assert inside_connect(*proxied([], "CONNECT", chosen)) is chosen


@pytest.mark.parametrize(
    ("stack", "method", "chosen"),
    [([], "GET", object()), ([object()], "CONNECT", object()), ([], "CONNECT", None)],
    ids=["a WebSocket without CONNECT", "TLS to the proxy around it", "not chosen yet"],
)
def test_any_other_is_reached_through_the_layers_around_it(stack, method, chosen):
    assert inside_connect(*proxied(stack, method, chosen)) is None
