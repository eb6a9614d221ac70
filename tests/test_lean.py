"""What is done in mitmproxy's place gives what mitmproxy gives: real TLS records, whole, joined and cut anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http, options
from mitmproxy.coretypes.multidict import MultiDict
from mitmproxy.proxy import commands, context, events
from mitmproxy.proxy.layers.tls import TLSLayer
from mitmproxy.test import tflow
from OpenSSL import SSL

from addons import lean
from scripts.local_certificate import throwaway_certificate

SAID = (b"x" * 20_000, b"y", b"z" * 16_384)  # four records: two of the first
ORIGINAL: dict[str, Callable[..., Any]] = {
    "receive_data": lean._receive_data,  # mitmproxy's own, kept there
    "tls_interact": TLSLayer.tls_interact,
}
OURS: dict[str, Callable[..., Any]] = {"receive_data": lean.receive_data, "tls_interact": lean.tls_interact}


class Layer:
    """As much of a TLS layer as receives, the one way or the other."""

    debug = None

    def __init__(self, tls: SSL.Connection, ways: dict[str, Callable[..., Any]]) -> None:
        self.tls, self.conn, self._ways = tls, tflow.tclient_conn(), ways
        self.received, self.closed, self.sent, self.logged = b"", False, 0, 0

    def event_to_child(self, event: events.Event) -> Iterator[commands.Command]:
        if isinstance(event, events.DataReceived):
            self.received += event.data
        self.closed |= isinstance(event, events.ConnectionClosed)
        yield from ()

    def tls_interact(self) -> Iterator[commands.Command]:
        yield from self._ways["tls_interact"](self)

    def receive(self, data: bytes) -> None:
        for command in self._ways["receive_data"](self, data):
            self.sent += len(command.data) if isinstance(command, commands.SendData) else 0
            self.logged += isinstance(command, commands.Log)

    @property
    def outcome(self) -> tuple[bytes, bool, bool, int]:
        return self.received, self.closed, self.sent > 0, self.logged


def peers(pem: Path, ways: dict[str, Callable[..., Any]]) -> tuple[SSL.Connection, Layer]:
    """A client that has finished its handshake, and the layer of the server."""
    settings = SSL.Context(SSL.TLS_METHOD)
    settings.use_certificate_file(str(pem))
    settings.use_privatekey_file(str(pem))
    client, server = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None), SSL.Connection(settings, None)
    client.set_connect_state()
    server.set_accept_state()
    for one, other in ((client, server), (server, client)) * 3:
        with contextlib.suppress(SSL.WantReadError):
            one.do_handshake()
        if data := taken(one):
            other.bio_write(data)
    return client, Layer(server, ways)


def taken(end: SSL.Connection) -> bytes:
    try:
        return end.bio_read(1 << 20)
    except SSL.WantReadError:
        return b""


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return throwaway_certificate(tmp_path_factory.mktemp("tls"))


def outcomes(pem: Path, cut: Callable[[bytes], list[bytes]]) -> list[tuple[bytes, bool, bool, int]]:
    found = []
    for ways in (ORIGINAL, OURS):
        client, layer = peers(pem, ways)
        for text in SAID:
            client.sendall(text)
        client.shutdown()
        for piece in cut(taken(client)):
            layer.receive(piece)
        found.append(layer.outcome)
    return found


@pytest.mark.parametrize("at", [1, 4, 5, 6, 100, 16_384, 16_405, 16_406, 16_407, 20_050, 20_068, 30_000, 36_000])
def test_records_cut_anywhere_say_the_same(pem: Path, at: int) -> None:
    original, ours = outcomes(pem, lambda wire: [wire[:at], wire[at:]])

    assert ours == original
    assert ours[:2] == (b"".join(SAID), True)


def test_many_records_at_once_and_each_byte_for_itself(pem: Path) -> None:
    whole = outcomes(pem, lambda wire: [wire])
    single = outcomes(pem, lambda wire: [wire[at : at + 1] for at in range(len(wire))])

    assert {outcome[:2] for outcome in (*whole, *single)} == {(b"".join(SAID), True)}


def test_what_is_no_tls_is_logged_once_and_says_nothing(pem: Path) -> None:
    original, ours = outcomes(pem, lambda wire: [wire[:16_406], b"\0" * 500])

    assert ours == original
    assert ours[0] == SAID[0][:16_384]
    assert ours[3] == 1


def test_a_fork_is_a_context_of_its_own_with_the_same_server() -> None:
    one = context.Context(tflow.tclient_conn(), options.Options())
    one.layers.append(TLSLayer.__new__(TLSLayer))

    made = lean.fork(one)

    assert vars(made) == vars(one)
    assert made.layers is not one.layers


def test_connections_are_equal_by_their_id() -> None:
    one, copy, other = tflow.tserver_conn(), tflow.tserver_conn(), tflow.tserver_conn()
    copy.id = one.id
    other.id = "another"

    assert lean.equal(one, one)
    assert lean.equal(one, copy)
    assert not lean.equal(one, other)
    assert not lean.equal(one, one.id)


NAMES = st.sampled_from([b"Accept", b"accept", b"ACCEPT", b"x-\xff", b"Set-Cookie", b""])
FIELDS = st.lists(st.tuples(NAMES, st.binary(max_size=4)), max_size=6)


@given(FIELDS, st.one_of(NAMES, NAMES.map(lambda name: name.decode("utf-8", "surrogateescape"))))
def test_a_header_is_found_as_mitmproxys_mapping_finds_it(fields: list[tuple[bytes, bytes]], name: str | bytes) -> None:
    headers = http.Headers(fields)
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    values = [value.decode("utf-8", "surrogateescape") for value in MultiDict.get_all(headers, raw)]

    assert lean.get_all(headers, name) == values
    assert lean.get(headers, name) == (", ".join(values) if values else None)
    assert lean.get(headers, name, "none") == (", ".join(values) if values else "none")
    assert lean.contains(headers, name) == bool(values)


def test_what_is_no_name_of_a_header_is_in_none() -> None:
    assert not lean.contains(http.Headers([(b"1", b"2")]), 1)
    with pytest.raises(TypeError):
        lean.get(http.Headers(), 1)  # type: ignore[arg-type]


def test_an_options_value_is_its_own_or_a_copy_that_may_be_changed() -> None:
    opts = options.Options()
    number, hosts = opts._options["listen_port"], opts._options["ignore_hosts"]
    hosts.set(["a", "b"])

    assert lean.current(number) is number._default
    assert lean.current(hosts) == ["a", "b"]
    lean.current(hosts).append("c")
    assert hosts.value == ["a", "b"]
