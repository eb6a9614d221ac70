"""How mitmproxy's hooks reach addons in the gateway: our subclass of its connection handler. Not the hooks' work (hooks.py, the addons).

mitmproxy 12.2.3 offers each hook to every addon, listener or not, and then a second one (`update`) to all of them again: half of what
a small request costs it. Here each hook goes to those that have it. Installed by our launcher only, where no addon is ever reloaded.
Internal API: mitmproxy is pinned to one minor.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any
from weakref import WeakKeyDictionary

from mitmproxy.addonmanager import AddonManager, traverse
from mitmproxy.exceptions import AddonHalt
from mitmproxy.flow import Flow
from mitmproxy.proxy import commands, mode_servers

from addons import hooks

Listeners = tuple[Callable[[Any], Any], ...]


class Audience:
    """Who listens to which hook. Asked again as soon as an addon was added or removed."""

    def __init__(self, manager: AddonManager) -> None:
        self._manager = manager
        self._chain: list[object] = []
        self._found: dict[str, Listeners] = {}

    def of(self, name: str) -> Listeners:
        if self._chain != self._manager.chain:
            self._chain = list(self._manager.chain)
            self._found.clear()
        found = self._found.get(name)
        if found is None:
            heard = [getattr(addon, name, None) for addon in traverse(self._chain)]
            found = self._found[name] = tuple(one for one in heard if callable(one))
        return found


_audiences: WeakKeyDictionary[AddonManager, Audience] = WeakKeyDictionary()
_subjects: dict[type[Any], str] = {}  # name of the one field of a hook


class Handler(mode_servers.ProxyConnectionHandler):
    """One client's connection, with those to servers behind it."""

    async def handle_hook(self, hook: commands.StartHook) -> None:
        kind: type[Any] = type(hook)
        name = _subjects.get(kind) or _subjects.setdefault(kind, fields(kind)[0].name)
        subject = getattr(hook, name)
        manager = self.master.addons
        audience = _audiences.get(manager) or _audiences.setdefault(manager, Audience(manager))
        watchdog = self.timeout_watchdog
        watchdog.can_timeout.clear()
        watchdog.blocker += 1
        try:
            await _tell(audience.of(hook.name), hook.name, subject)
            if isinstance(subject, Flow):
                if listeners := audience.of("update"):
                    await _tell(listeners, "update", [subject])
                if subject.intercepted:
                    await subject.wait_for_resume()
        finally:
            watchdog.blocker -= 1
            if watchdog.blocker == 0:
                watchdog.register_activity()
                watchdog.can_timeout.set()

    async def drain_writers(self) -> None:
        """Wait for slow readers. Most of the time there are none, and then nobody has to take turns to find out."""
        for io in self.transports.values():
            if io.writer is not None and _is_slow(io.writer):
                await super().drain_writers()  # type: ignore[no-untyped-call] # mitmproxy's
                return


def _is_slow(writer: Any) -> bool:
    transport = getattr(writer, "transport", None)
    return transport is None or transport.is_closing() or transport.get_write_buffer_size() > 0


async def _tell(listeners: Listeners, name: str, subject: object) -> None:
    """As mitmproxy does, go on with the next after a fault: what guards has refused by then."""
    for listener in listeners:
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
