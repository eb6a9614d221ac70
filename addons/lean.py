"""What mitmproxy 12.2.3 does again for each request, done once or not at all. Not hooks (handler.py), and nothing that it decides.

Every request gets a Server object of its own that is thrown away at once; connections are told apart by comparing texts, though nearly always they
are the same object; OpenSSL is asked for more until it raises, twice for each piece; a header is looked up thirty times, each time through six
functions for each of the others; and an option's value is copied deeply though it is a number. Internal API of mitmproxy and pyOpenSSL: both are
pinned, and a test holds each of these to what it replaces.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

from mitmproxy import http, optmanager
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.tls import TLSLayer
from OpenSSL import SSL

_RECORD = 1 << 14  # bytes in the largest record of TLS (RFC 8446, 5.1)

_ssl: Any = SSL  # as mitmproxy does: pyOpenSSL has no name for what waits in a memory BIO
_lib, _start = _ssl._lib, _ssl._ffi.new("char **")  # noqa: SLF001
_receive_data = TLSLayer.receive_data
_option: Any = optmanager._Option  # noqa: SLF001 -- as above
_UNCHANGEABLE = frozenset({type(None), bool, int, float, str, bytes})


def _waits(bio: Any) -> bool:
    return bool(_lib.BIO_get_mem_data(bio, _start))


def fork(context: Context) -> Context:
    """A context for one stream, with the server of the connection."""
    made = Context.__new__(Context)
    made.client, made.options, made.server, made.layers = (
        context.client,
        context.options,
        context.server,
        context.layers.copy(),
    )
    return made


def equal(one: Connection, other: object) -> bool:
    return one is other or (isinstance(other, Connection) and one.id == other.id)


def receive_data(layer: TLSLayer, data: bytes) -> CommandGenerator[None]:
    """What the records say, as long as there are any; whatever else OpenSSL has to say of them, mitmproxy hears itself."""
    tls: Any = layer.tls
    if data:
        tls.bio_write(data)
    said: list[bytes] = []
    faulty = False
    try:
        while _waits(tls._into_ssl) or tls.pending():  # noqa: SLF001
            said.append(tls.recv(_RECORD))
    except SSL.Error:
        faulty = True  # or half a record: it is kept in OpenSSL and raises again
    yield from tls_interact(layer)
    if said:
        yield from layer.event_to_child(events.DataReceived(layer.conn, b"".join(said)))
    if faulty:
        yield from _receive_data(layer, b"")


def tls_interact(layer: TLSLayer) -> CommandGenerator[None]:
    tls: Any = layer.tls
    while _waits(tls._from_ssl):  # noqa: SLF001
        yield commands.SendData(layer.conn, tls.bio_read(_RECORD * 4))


@lru_cache(maxsize=1024)
def _key(name: str | bytes) -> bytes:
    return http._always_bytes(name).lower()  # noqa: SLF001 -- as above


def get_all(headers: http.Headers, name: str | bytes) -> list[str]:
    """The values of a header, in their order."""
    wanted = _key(name)
    return [value.decode("utf-8", "surrogateescape") for key, value in headers.fields if key.lower() == wanted]


def get[T](headers: http.Headers, name: str | bytes, default: T | None = None) -> str | T | None:
    """As `get` of a mapping, which asks for it, catches what that raises, and asks the mapping's own way."""
    return ", ".join(values) if (values := get_all(headers, name)) else default


def contains(headers: http.Headers, name: object) -> bool:
    return isinstance(name, str | bytes) and bool(get_all(headers, name))


def current(option: Any) -> Any:
    """An option's value; a copy of it where the caller could change it."""
    value = option._default if option.value is optmanager.unset else option.value  # noqa: SLF001 -- as above
    return value if type(value) in _UNCHANGEABLE else copy.deepcopy(value)


def install() -> None:
    """Into mitmproxy's classes; once, before anything listens."""
    http.Headers.get_all = get_all  # type: ignore[assignment, method-assign]
    http.Headers.get = get  # type: ignore[assignment]
    http.Headers.__contains__ = contains  # type: ignore[assignment]
    _option.current = current
    Context.fork = fork  # type: ignore[assignment, method-assign]
    Connection.__eq__ = equal  # type: ignore[method-assign]
    TLSLayer.receive_data = receive_data  # type: ignore[assignment, method-assign]
    TLSLayer.tls_interact = tls_interact  # type: ignore[assignment, method-assign]
