"""How mitmproxy's hooks reach addons in the gateway: our subclass of its connection handler. Not the hooks' work (hooks.py, the addons).

mitmproxy 12.2.3 offers each hook to every addon, listener or not, then a second one (`update`) to all of them again, each time in a task
of its own: half of what a small request costs it. Here each hook goes to those that have it, and one that cannot wait is over in the same turn
of the loop. And what stands inside a CONNECT is given its bytes directly: the layers around it, which only hand them on, would turn each
piece into an HTTP event and back. Installed by our launcher only, where no addon is ever reloaded. Internal API: mitmproxy is pinned to one minor.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, fields
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from mitmproxy import connection
from mitmproxy.addonmanager import AddonManager, traverse
from mitmproxy.exceptions import AddonHalt
from mitmproxy.flow import Error, Flow
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy import commands, events, layer, mode_servers, server
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.layers.modes import HttpProxy
from mitmproxy.utils import asyncio_utils

from addons import hooks
from addons.reading import at_once

Listener = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """Who listens to one hook, in the order of the list."""

    listeners: tuple[Listener, ...]
    at_once: bool  # none of them can wait


class Audience:
    """Who listens to which hook. Asked again as soon as an addon was added or removed."""

    def __init__(self, manager: AddonManager) -> None:
        self._manager = manager
        self._chain: list[object] = []
        self._found: dict[str, Heard] = {}

    def of(self, name: str) -> Heard:
        if self._chain != self._manager.chain:
            self._chain = list(self._manager.chain)
            self._found.clear()
        found = self._found.get(name)
        if found is None:
            named = [getattr(addon, name, None) for addon in traverse(self._chain)]
            listeners = tuple(one for one in named if callable(one))
            at_once = not any(map(inspect.iscoroutinefunction, listeners))
            found = self._found[name] = Heard(listeners, at_once)
        return found


_audiences: WeakKeyDictionary[AddonManager, Audience] = WeakKeyDictionary()
_subjects: dict[type[Any], str] = {}  # name of the one field of a hook
_tasks: dict[asyncio.Task[None], Handler] = {}  # of hooks under way: the loop itself keeps no reference


class Handler(mode_servers.ProxyConnectionHandler):
    """One client's connection, with those to servers behind it."""

    _inside: layer.Layer | None = None  # a CONNECT, once it was answered and the layer in it chosen
    _asked_inside: set[commands.Command]  # what that layer waits for
    _hears: Audience | None = None
    _turns: deque[events.Event] | None = None  # of the turn under way
    _broken = False  # a fault left the layers in a state that nobody knows: nothing passes them any more

    async def server_event(self, event: events.Event) -> None:
        """As mitmproxy's, which never waits either: but hooks are started in another way, and a fault ends the connection."""
        self._turn(event)

    def _turn(self, event: events.Event) -> None:
        """What an event leads to. One that comes up meanwhile, of a hook that did not have to wait, has its turn after it."""
        if self._broken:
            return
        if self._turns is not None:
            self._turns.append(event)
            return
        self.timeout_watchdog.register_activity()
        turns = self._turns = deque((event,))
        outgoing: dict[connection.Connection, list[bytes]] = {}
        try:
            while turns:
                chosen = self._layer_for(turns[0])
                for command in chosen.handle_event(turns.popleft()):
                    if chosen is self._inside and (command.blocking or isinstance(command, commands.RequestWakeup)):
                        self._asked_inside.add(command)
                    if isinstance(command, commands.SendData):
                        outgoing.setdefault(command.connection, []).append(command.data)
                    elif isinstance(command, commands.StartHook):
                        self._start(command, turns)
                    else:
                        self._send(outgoing)  # what was said before comes first
                        self._do(command)
            self._send(outgoing)
        except Exception as error:  # noqa: BLE001 -- whatever it was, in any layer: mitmproxy logs it, values and all, and goes on
            hooks.log.error("fault in a connection, which was closed: %s", hooks.frames(error))
            self._break_off()
        finally:
            self._turns = None

    async def handle_connection(self, connection: connection.Connection) -> None:
        """As mitmproxy's, whose task waits for the end only: what comes before it is heard at once."""
        io = self.transports[connection]
        transport = getattr(io.writer, "transport", None)
        if isinstance(io.reader, asyncio.StreamReader) and isinstance(transport, asyncio.Transport):
            at_once(io.reader, transport, partial(self._hear, connection, transport))
        await super().handle_connection(connection)

    def _hear(self, origin: connection.Connection, transport: asyncio.Transport, data: bytes) -> None:
        self._turn(events.DataReceived(origin, data))
        if self._slow():
            transport.pause_reading()
            self._keep(self._resume(transport))

    async def _resume(self, transport: asyncio.Transport) -> None:
        await self.drain_writers()
        transport.resume_reading()

    def _layer_for(self, event: events.Event) -> layer.Layer:
        """The end of the client's connection is for the layers around too, and so is what they asked for themselves."""
        if isinstance(event, (events.DataReceived, events.MessageInjected)) or (
            isinstance(event, events.ConnectionClosed) and event.connection is not self.client
        ):
            if self._inside is None:
                self._inside, self._asked_inside = inside_connect(self.layer, self.client), set()
            return self._inside or self.layer
        if self._inside and isinstance(event, events.CommandCompleted) and event.command in self._asked_inside:
            self._asked_inside.remove(event.command)
            return self._inside
        return self.layer

    def _send(self, outgoing: dict[connection.Connection, list[bytes]]) -> None:
        """Head and body of a message, records of TLS: in one write, which costs what each of them would."""
        for to, pieces in outgoing.items():
            io = self.transports.get(to)
            if io and io.writer and not io.writer.is_closing():
                io.writer.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        outgoing.clear()

    def _start(self, hook: commands.StartHook, turns: deque[events.Event]) -> None:
        audience = self._audience()
        heard = audience.of(hook.name)
        if heard.at_once and not audience.of("update").listeners:
            subject = _subject(hook)
            _tell_now(heard, hook.name, subject)
            if hook.blocking:
                turns.append(events.HookCompleted(hook))
            return
        self._keep(self.hook_task(hook))

    def _audience(self) -> Audience:
        if self._hears is None:
            manager = self.master.addons
            self._hears = _audiences.get(manager) or _audiences.setdefault(manager, Audience(manager))
        return self._hears

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        if not task.done():
            _tasks[task] = self
            task.add_done_callback(_tasks.pop)

    def _break_off(self) -> None:
        """What was to be sent in this turn is not. Both ends are closed, and what was under way is recorded as failed."""
        self._broken = True
        self.client.state = connection.ConnectionState.CLOSED  # ends what is held for it
        for io in self.transports.values():
            if io.writer and not io.writer.is_closing():
                io.writer.close()
            if io.handler:
                io.handler.cancel("fault")
        self._keep(self._end_exchanges(list(_tasks)))

    async def _end_exchanges(self, under_way: list[asyncio.Task[None]]) -> None:
        """After the hooks under way: one of them may just be writing what this ends."""
        if ours := [task for task in under_way if _tasks.get(task) is self and task is not asyncio.current_task()]:
            await asyncio.wait(ours)
        for flow, exchange in hooks.open_exchanges():
            if flow.client_conn is self.client and not exchange.closed and isinstance(flow, HTTPFlow):
                exchange.refusal = exchange.refusal or hooks.fault()
                flow.error = Error(exchange.refusal.code)
                await self.handle_hook(HttpErrorHook(flow))

    def _do(self, command: commands.Command) -> None:
        """The commands that come once a connection, not once a request."""
        if isinstance(command, commands.OpenConnection):
            assert command.connection not in self.transports
            task = self._spawn(self.open_connection(command), f"server connection handler {command.connection.address}")
            self.transports[command.connection] = server.ConnectionIO(handler=task)
        elif isinstance(command, commands.RequestWakeup):
            self.wakeup_timer.add(self._spawn(self.wakeup(command), f"wakeup timer ({command.delay:.1f}s)"))
        elif isinstance(command, commands.ConnectionCommand) and command.connection not in self.transports:
            pass  # closed already
        elif isinstance(command, commands.CloseConnection):
            self.close_connection(
                command.connection, isinstance(command, commands.CloseTcpConnection) and command.half_close
            )
        elif isinstance(command, commands.Log):
            self.log(command.message, command.level)
        else:
            raise TypeError(f"unexpected command: {type(command).__name__}")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return asyncio_utils.create_task(work, name=name, keep_ref=False, client=self.client.peername)

    async def handle_hook(self, hook: commands.StartHook) -> None:
        """Nobody here intercepts flows, as mitmweb does, so nobody waits for them to be resumed."""
        subject, audience = _subject(hook), self._audience()
        watchdog = self.timeout_watchdog
        watchdog.can_timeout.clear()
        watchdog.blocker += 1
        try:
            await _tell(audience.of(hook.name), hook.name, subject)
            if isinstance(subject, Flow):
                await _tell(audience.of("update"), "update", [subject])
        finally:
            watchdog.blocker -= 1
            if watchdog.blocker == 0:
                watchdog.register_activity()
                watchdog.can_timeout.set()

    async def drain_writers(self) -> None:
        """Wait for slow readers. Most of the time there are none, and then nobody has to take turns to find out."""
        if self._slow():
            await super().drain_writers()  # type: ignore[no-untyped-call] # mitmproxy's

    def _slow(self) -> bool:
        return any(_is_slow(io.writer) for io in self.transports.values() if io.writer)


def _is_slow(writer: Any) -> bool:
    transport = getattr(writer, "transport", None)
    return transport is None or transport.is_closing() or transport.get_write_buffer_size() > 0


def inside_connect(outer: layer.Layer, client: connection.Client) -> layer.Layer | None:
    """The layer that speaks inside the one CONNECT of an HTTP/1 connection; None while there is none, or it is not chosen yet."""
    stack = outer.context.layers
    http = (
        stack[1] if len(stack) == 2 and isinstance(stack[0], HttpProxy) else None
    )  # in TLS to the proxy itself, there is one more
    if not isinstance(http, HttpLayer) or len(http.streams) != 1:
        return None
    (stream,) = http.streams.values()
    answered = stream._handle_event == stream.passthrough and stream.flow.request.method == "CONNECT"  # noqa: SLF001 -- see above
    if not answered or not isinstance(http.connections.get(client), Http1Server):
        return None
    chosen = stream.child_layer
    return chosen.layer if isinstance(chosen, layer.NextLayer) else chosen


def _subject(hook: commands.StartHook) -> Any:
    """What the hook is about: its one field."""
    kind: type[Any] = type(hook)
    name = _subjects.get(kind) or _subjects.setdefault(kind, fields(kind)[0].name)
    return getattr(hook, name)


def _tell_now(heard: Heard, name: str, subject: object) -> None:
    """As mitmproxy does, go on with the next after a fault: what guards has refused by then."""
    for listener in heard.listeners:
        try:
            listener(subject)
        except AddonHalt:
            return
        except Exception as error:  # noqa: BLE001 -- of mitmproxy's own addons: ours refuse before it comes here
            hooks.log.error("fault in %s: %s", name, hooks.frames(error))


async def _tell(heard: Heard, name: str, subject: object) -> None:
    """Likewise, waiting for each."""
    for listener in heard.listeners:
        try:
            result = listener(subject)
            if result is not None and inspect.isawaitable(result):
                await result
        except AddonHalt:
            return
        except Exception as error:  # noqa: BLE001 -- of mitmproxy's own addons: ours refuse before it comes here
            hooks.log.error("fault in %s: %s", name, hooks.frames(error))


def install() -> None:
    """mitmproxy looks the class up by name in this module; made once, before anything listens."""
    mode_servers.ProxyConnectionHandler = Handler  # type: ignore[misc] # see above
