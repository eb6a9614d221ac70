"""The ordered list of addons: the only file mitmproxy loads (by `affidavit proxy`, or `mitmdump -s addons/stack.py`).

mitmproxy calls every hook in list order, on replies too. Why this order:
  login        answers what is asked of the gateway itself; no other addon sees it
  connecting   where to, before anything is asked there
  identity     first of a request: nothing is done for a caller who is not known
  masking      before anything is written or shown: recording and approvers see the masked view only
  recording    `exchange.opened` is durable before anyone is asked and before anything leaves
  approval     decides on what was recorded; the last moment a call can stop
  credentials  last on the way out: the provider's key exists only on the wire, after every check
  closing      last on the way back: it writes what all others left, once; then the client hears the end
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mitmproxy import ctx, exceptions, http, tcp, udp
from mitmproxy.addonmanager import Loader
from mitmproxy.hooks import all_hooks
from mitmproxy.options import Options
from mitmproxy.proxy import layer
from mitmproxy.proxy import layers as mitm_layers

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # `mitmdump -s addons/stack.py` starts with the file's own folder only
    sys.path.insert(0, str(ROOT))

from addons import hooks, layers, sockets  # noqa: E402 -- after the path above
from addons.approval import Approval  # noqa: E402
from addons.connecting import Connecting  # noqa: E402
from addons.console.anchoring import first_round, keep_anchored  # noqa: E402
from addons.console.control import serving  # noqa: E402
from addons.console.desk import Desk  # noqa: E402
from addons.console.erasing import keep_clean  # noqa: E402
from addons.console.state import Ports, state_folder  # noqa: E402
from addons.console.web.listening import listening  # noqa: E402
from addons.console.web.site import Place  # noqa: E402
from addons.credentials import Credentials  # noqa: E402
from addons.evidence.ids import pooled  # noqa: E402
from addons.evidence.records import Event  # noqa: E402
from addons.identity import Identity  # noqa: E402
from addons.login import Login  # noqa: E402
from addons.masking import Masking  # noqa: E402
from addons.recording import Closing, Recording  # noqa: E402

log = logging.getLogger("affidavit")

ORDER: tuple[Callable[[Desk], object], ...] = (
    Login,
    Connecting,
    Identity,
    Masking,
    Recording,
    Approval,
    Credentials,
    Closing,
)

OPTIONS: tuple[tuple[str, type, Any, str, tuple[int, int] | None], ...] = (
    ("affidavit_state", str, "", "State folder. Empty: $AFFIDAVIT_STATE, else ~/.affidavit.", None),
    ("affidavit_policies", str, "", "Folder of policies in force. Empty: <state>/policies.", None),
    ("affidavit_base_url_port", int, 8081, "Port of the base_url door; 0: a free one.", (0, 65535)),
    ("affidavit_console_port", int, 8082, "Port of the web console; 0: a free one, -1: none.", (-1, 65535)),
    ("affidavit_console_host", str, "127.0.0.1", "Address the console listens on.", None),
    ("affidavit_console_certificate", str, "", "PEM file, key and chain, of the console. Empty: no TLS.", None),
    ("affidavit_console_url", str, "", "The console's address as people type it. Empty: host and port.", None),
    (
        "affidavit_request_bytes",
        int,
        32 << 20,
        "Bytes of a request body that may be held; over it, 413.",
        (1024, 1 << 30),
    ),
    ("affidavit_reply_bytes", int, 32 << 20, "Bytes of a reply that may be held for the record.", (1024, 1 << 30)),
    ("affidavit_heartbeat_seconds", int, 60, "Idle seconds between heartbeat records.", (1, 3600)),
    ("affidavit_allow_plain_proxy", bool, False, "Serve other machines without TLS to the gateway itself.", None),
    ("affidavit_allow_unsafe_options", Sequence[str], [], "Options that go round the stack, allowed by name.", None),
)

# What goes round the stack (hooks never called, bodies changed or kept unseen), and the value that does not.
UNSAFE: dict[str, Any] = {
    "ignore_hosts": [], "allow_hosts": [], "tcp_hosts": [], "udp_hosts": [],
    "map_remote": [], "map_local": [], "modify_body": [], "modify_headers": [], "block_list": [],
    "client_replay": [], "server_replay": [], "scripts": [], "rfile": None,
    "ssl_insecure": False, "save_stream_file": None, "hardump": "", "proxy_debug": False, "dumper_default_contentview": "auto",
    "stickyauth": None, "stickycookie": None, "anticache": False, "anticomp": False, "upstream_auth": None, "proxyauth": None,
    "stream_large_bodies": None, "body_size_limit": None, "store_streamed_bodies": False, "keep_host_header": False,
    "validate_inbound_headers": True, "connection_strategy": "lazy", "websocket": True, "rawtcp": True, "server": True,
    "connect_addr": None, "show_ignored_hosts": False, "onboarding": True, "block_private": False,
}  # fmt: skip


def door_modes(base_url_port: int) -> list[str]:
    """Both doors as mitmproxy modes. The reverse door's target does not exist: each request there is given its own."""
    return ["regular", f"reverse:http://affidavit.invalid@{base_url_port}"]


def option_faults(options: Options, *, ours: Sequence[str] = ()) -> list[str]:
    """Every reason not to start with these options, as `error … hint …` sentences. ours: names that are set as they must be."""
    faults = []
    for name in options.deferred:
        near = difflib.get_close_matches(name, options.keys(), n=1)
        faults.append(
            f"unknown option {name!r}; {f'did you mean {near[0]!r}?' if near else 'see affidavit proxy --options'}"
        )
    allowed = {*options.affidavit_allow_unsafe_options, *ours}
    for name, safe in UNSAFE.items():
        if name in options and name not in allowed and getattr(options, name) != safe:
            faults.append(
                f"option {name!r} goes round the stack, expected {safe!r}; take it out, or name it in "
                "affidavit_allow_unsafe_options (which is recorded and reported)"
            )
    modes = list(options.mode)
    if "mode" not in allowed and modes not in (["regular"], door_modes(options.affidavit_base_url_port)):
        faults.append(
            "option 'mode' goes round the stack, expected the two doors; use listen_port and affidavit_base_url_port"
        )
    for name, _, _, _, bounds in OPTIONS:
        if bounds and not bounds[0] <= getattr(options, name) <= bounds[1]:
            faults.append(f"option {name!r} must be {bounds[0]} to {bounds[1]}, got {getattr(options, name)}")
    return faults


class Stack:
    """Opens the state, puts the addons in their order, and refuses every call while they are not there."""

    name = "affidavit"

    def __init__(self, *, launched: bool = False) -> None:
        self.launched = launched  # by our launcher, which opens before anything listens; else by mitmdump -s
        self.desk: Desk | None = None
        self._resources = contextlib.AsyncExitStack()
        self._chores: list[asyncio.Task[None]] = []
        self._guarding = False
        self._ours: tuple[str, ...] = ()
        self._parts: dict[type, Any] = {}

    # -- mitmproxy's life cycle -------------------------------------------------------------------------------------
    def load(self, loader: Loader) -> None:
        layers.install()
        sockets.install()
        for name, kind, default, text, _ in OPTIONS:
            loader.add_option(name, kind, default, text)

    def configure(self, updated: Iterable[str]) -> None:
        touched = set(updated) & (UNSAFE.keys() | {"mode"}) or ctx.options.deferred
        if self._guarding and touched and (faults := option_faults(ctx.options, ours=self._ours)):
            raise exceptions.OptionsError("; ".join(faults))

    async def running(self) -> None:
        if not self.launched:
            self._ours = (
                ("scripts",) if len(ctx.options.scripts) == 1 else ()
            )  # this file; another beside it could undo it
            if dumper := ctx.master.addons.get("dumper"):
                ctx.master.addons.remove(dumper)  # it prints URLs with keys in them
            try:
                await self.open(ctx.options)
            except Exception as error:  # noqa: BLE001 -- whatever it is, do not serve bare
                log.error("error: the stack did not start: %s; %s", error, getattr(error, "hint", "affidavit status"))
                ctx.master.shutdown()
                return
        assert self.desk
        ports = {
            type(s.mode).__name__: s.listen_addrs[0][1]
            for s in ctx.master.addons.get("proxyserver").servers
            if s.listen_addrs
        }
        self.desk.folder.write_ports(
            Ports(
                proxy=ports.get("RegularMode", 0),
                base_url=ports.get("ReverseMode", 0),
                pid=os.getpid(),
                console=self.desk.console_url,
            )
        )
        loop = asyncio.get_running_loop()
        self._chores = [
            loop.create_task(self._beat(ctx.options.affidavit_heartbeat_seconds)),
            loop.create_task(keep_clean(self.desk)),
            loop.create_task(keep_anchored(self.desk)),
        ]

    def done(self) -> None:
        """Our launcher closes us after its loop of connections. Else: unloaded by an edit, or mitmdump ends; never serve bare."""
        if not self.launched:
            ctx.master.shutdown()
            if self.desk:
                self.desk.store.close()  # from here on each call is refused; what was open is closed at the next start

    # -- opening and closing ----------------------------------------------------------------------------------------
    async def open(self, options: Options) -> None:
        """Own the state, load the policies, write `gateway.started`. Raises with a sentence for the operator."""
        if faults := option_faults(options, ours=self._ours):
            raise exceptions.OptionsError("\n".join(faults))
        folder = state_folder(options.affidavit_state or None, os.environ, Path.home())
        folder.check()
        self._resources.enter_context(folder.own())
        policies = Path(options.affidavit_policies) if options.affidavit_policies else None
        self.desk = await Desk.open(
            folder, clock=lambda: datetime.now(UTC), random=pooled(secrets.token_bytes), policies=policies
        )
        self._resources.push_async_callback(self.desk.close)
        await first_round(self.desk)  # an older copy is found out before anything passes
        await self._resources.enter_async_context(serving(self.desk))
        place = Place(
            options.affidavit_console_host,
            options.affidavit_console_port,
            options.affidavit_console_certificate,
            options.affidavit_console_url,
        )
        self.desk.console_url = await self._resources.enter_async_context(listening(self.desk, place))
        self._resources.callback(folder.remove_ports)
        unsafe = sorted(set(options.affidavit_allow_unsafe_options))
        await self.desk.started(options={"unsafe": unsafe, "request_bytes": options.affidavit_request_bytes})
        for name in unsafe:
            self.desk.find("unsafe_option", name)
            await self.desk.record(Event("finding", attrs={"code": "unsafe_option", "detail": name}))
        self._guarding = True
        self._options = options
        self._assemble()

    def _assemble(self) -> None:
        """Build the parts; from here on each hook of this addon calls theirs, in order."""
        assert self.desk
        made = [owner(self.desk) for owner in ORDER]
        self._parts = {type(part): part for part in made}
        for owner in (Login, Connecting, Identity):
            self._parts[owner].allow_plain_proxy = self._options.affidavit_allow_plain_proxy
        recording: Recording = self._parts[Recording]
        recording.request_bytes, recording.reply_bytes = (
            self._options.affidavit_request_bytes,
            self._options.affidavit_reply_bytes,
        )
        for name in (
            *all_hooks,
            layers.ReplyPieceHook.name,
            layers.UpstreamFailedHook.name,
            layers.MalformedHook.name,
            sockets.SocketPieceHook.name,
        ):
            if calls := [getattr(part, name) for part in made if hasattr(part, name)]:
                setattr(self, name, hooks.in_order(name, calls))

    async def close(self) -> None:
        """Also after a failed `open`. What is under way is recorded as far as it came, then the state is let go."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        if self._parts:
            self._resources.callback(self._parts[Masking].close)
            for flow, exchange in hooks.open_exchanges():
                if exchange.opened and not exchange.closed and isinstance(flow, http.HTTPFlow):
                    await self._parts[Masking].error(flow)
                    await self._parts[Closing].interrupt(flow)
        await self._resources.aclose()

    async def _beat(self, seconds: int) -> None:
        assert self.desk
        while True:
            await asyncio.sleep(seconds)
            await self.desk.heartbeat()

    # -- the door while the stack is not open -----------------------------------------------------------------------
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if self.desk is None:
            flow.response = http.Response.make(503, b"affidavit: the stack is not loaded; the call was not sent\n")

    http_connect = requestheaders

    def next_layer(self, chosen: layer.NextLayer) -> None:
        if self.desk is None and chosen.context.layers and isinstance(chosen.context.layers[-1], mitm_layers.HttpLayer):
            chosen.layer = layers.Closed(chosen.context)

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        if self.desk is None:
            flow.kill()

    def udp_start(self, flow: udp.UDPFlow) -> None:
        if self.desk is None:
            flow.kill()


if __name__.startswith("__mitmproxy_script__"):  # `mitmdump -s`: the name mitmproxy gives to a script it loads
    addons = [Stack()]
