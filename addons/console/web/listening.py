"""Opens the console's port in the gateway's own loop, and says which page is where. Not the control socket (control.py)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

from tornado import httpserver, web

from addons.console.control import say_nothing
from addons.console.desk import Desk
from addons.console.state import StateRefused
from addons.console.web import pages
from addons.console.web.api import PREFIX, Api, ApiWatch
from addons.console.web.console import Console
from addons.console.web.guard import Guarded
from addons.console.web.live import Live
from addons.console.web.signing_in import SignIn, SignInAt, SignInBack, SignOut
from addons.console.web.site import Place, Site

BODY_BYTES = 64 * 1024
HEADER_BYTES = 32 * 1024
IDLE_SECONDS = 60
ID = r"(ap_[0-9a-f-]{36})"

PAGES: tuple[tuple[str, type[Guarded]], ...] = (
    (r"/", pages.Queue),
    (rf"/approvals/{ID}", pages.One),
    (rf"/approvals/{ID}/(approve|deny|cancel|revoke|review)", pages.Decide),
    (r"/history", pages.History),
    (r"/status", pages.Condition),
    (r"/live", Live),
    (r"/login", SignIn),
    (r"/login/([\w.-]{1,64})", SignInAt),
    (r"/callback", SignInBack),
    (r"/logout", SignOut),
    (rf"{PREFIX}/approvals/watch", ApiWatch),
    (rf"{PREFIX}/.*", Api),
    (r"/static/([\w.-]{1,40})", pages.Static),
    (r"/.*", pages.Nothing),
)


@contextlib.asynccontextmanager
async def listening(desk: Desk, place: Place) -> AsyncIterator[str]:
    """Listens until the context ends; the console's address, "" where there is none. Raises StateRefused for a place that will not do."""
    if place.port < 0:
        yield ""
        return
    place.check()
    tls = place.tls()
    listener = _listener(place)
    console = Console(desk, Site.of(place, listener.getsockname()[1]))
    server = httpserver.HTTPServer(
        application(console),
        ssl_options=tls,
        max_body_size=BODY_BYTES,
        max_header_size=HEADER_BYTES,
        idle_connection_timeout=IDLE_SECONDS,
    )
    server.add_socket(listener)
    try:
        yield console.site.origin
    finally:
        server.stop()
        await server.close_all_connections()


def application(console: Console) -> web.Application:
    routes: list[Any] = [(path, page, {"console": console}) for path, page in PAGES]
    return web.Application(routes, log_function=say_nothing, console=console)


def _listener(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    try:
        listener = socket.create_server((place.host, place.port), family=family, backlog=64)
    except OSError as error:
        raise StateRefused(
            f"the console cannot listen on {place.host}:{place.port} ({error.strerror})",
            "another program has the port: --set affidavit_console_port=0 for a free one, -1 for no console",
        ) from error
    listener.setblocking(False)
    return listener
