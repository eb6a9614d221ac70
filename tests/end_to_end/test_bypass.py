"""Ways round the gateway, one table: none of them reaches a provider, each leaves a record with a reason, none of it shows a token."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Callable, Iterator

import pytest

from tests.end_to_end import raw
from tests.end_to_end.gateway import Bench, Template, bench
from tests.quick import quick

JSON = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}'
Attempt = Callable[[Bench], bytes]  # what came back, for the eye
REFUSALS = ("identity.refused", "connect.refused")


@pytest.fixture(scope="module")
def world(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Other hosts may be tunnelled here: the harder case."""
    with bench(template, tmp_path_factory.mktemp("bypass"), other_hosts="tunnel") as made:
        yield made


def exchanged(sock: socket.socket, data: bytes) -> bytes:
    """Everything that comes back until the other side is done or silent."""
    with sock, contextlib.suppress(OSError):
        sock.settimeout(5)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(data)
        received = b""
        while piece := sock.recv(65_536):
            received += piece
        return received
    return b""


def credential(made: Bench, who: str = "alice") -> str:
    return raw.basic(made.tokens[who])


def lines(*parts: str, body: bytes = b"") -> bytes:
    return "\r\n".join(parts).encode("latin-1") + b"\r\n\r\n" + body


def proxy(*parts: str, body: bytes = b"", who: str | None = "alice") -> Attempt:
    """Bytes to the proxy's port, without CONNECT."""

    def attempt(made: Bench) -> bytes:
        own = (f"Proxy-Authorization: {credential(made, who)}",) if who else ()
        return exchanged(raw.to(made.gateway.proxy_port), lines(*parts, *own, "Connection: close", body=body))

    return attempt


def door(*parts: str, body: bytes = b"", who: str | None = "alice") -> Attempt:
    """Bytes to the base_url door."""

    def attempt(made: Bench) -> bytes:
        own = (f"Authorization: Bearer {made.tokens[who]}",) if who else ()
        return exchanged(raw.to(made.gateway.base_url_port), lines(*parts, *own, "Connection: close", body=body))

    return attempt


def tunnel(
    target: str, *parts: str, sni: str | None = None, body: bytes = b"", who: str | None = "alice", tls: bool = True
) -> Attempt:
    """CONNECT, then TLS for `sni`, then bytes."""

    def attempt(made: Bench) -> bytes:
        sock, answer = raw.connect(made.gateway.proxy_port, target, credential(made, who) if who else "")
        if answer.status != 200:
            sock.close()
            return f"{answer.status} {answer.reason}".encode()
        try:
            if tls:
                sock = raw.unchecked(sock, target.rpartition(":")[0] if sni is None else sni)
        except (ssl.SSLError, OSError) as error:
            return f"closed: {type(error).__name__}".encode()
        return exchanged(sock, lines(*parts, body=body))

    return attempt


LENGTH = f"Content-Length: {len(JSON)}"
POST = "POST /v1/chat/completions HTTP/1.1"
HOST = "Host: api.openai.com"
TYPE = "Content-Type: application/json"
HIDDEN = lines("POST /openai/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, body=JSON)


def inside(*parts: str, body: bytes = JSON) -> Attempt:
    return tunnel("api.openai.com:443", *parts, body=body)


TABLE: dict[str, Attempt] = {
    # names that disagree
    "Host of another provider": inside(POST, "Host: api.anthropic.com", LENGTH, TYPE),
    "Host with another port": inside(POST, "Host: api.openai.com:8443", LENGTH, TYPE),
    "Host of a stranger": inside(POST, "Host: evil.example.com", LENGTH, TYPE),
    "Host with a user": inside(POST, "Host: api.openai.com@evil.example.com", LENGTH, TYPE),
    "two Hosts": inside(POST, HOST, "Host: evil.example.com", LENGTH, TYPE),
    "SNI of another provider": tunnel("api.openai.com:443", POST, HOST, LENGTH, TYPE, sni="api.anthropic.com", body=JSON),
    "absolute form, another host, inside": inside(
        "POST https://api.anthropic.com/v1/messages HTTP/1.1", "Host: api.anthropic.com", LENGTH, TYPE
    ),
    "absolute form, another host, Host agrees with CONNECT": inside(
        "POST https://evil.example.com/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE
    ),
    # fronting and tunnels
    "tunnel to a stranger, SNI of a provider": tunnel("example.com:443", POST, HOST, LENGTH, sni="api.openai.com", body=JSON),
    "tunnel to a stranger, SNI of an undeclared provider": tunnel(
        "example.com:443", POST, HOST, LENGTH, sni="api.mistral.ai", body=JSON
    ),
    "no TLS inside CONNECT to a provider": tunnel("api.openai.com:443", POST, HOST, LENGTH, TYPE, body=JSON, tls=False),
    "an undeclared provider": tunnel("api.mistral.ai:443", POST, "Host: api.mistral.ai", LENGTH, TYPE, body=JSON),
    "a provider on another port": tunnel(
        "api.openai.com:8443", POST, "Host: api.openai.com:8443", LENGTH, TYPE, body=JSON
    ),
    "a tunnel without a credential": tunnel("example.com:443", who=None),
    "a tunnel with a revoked token": tunnel("example.com:443", who="gone"),
    # addresses
    "a provider's address": tunnel("104.18.7.192:443"),
    "a provider's IPv6 address": tunnel("[2606:4700::6812:7c0]:443"),
    "this machine": tunnel("127.0.0.1:443"),
    "this machine, IPv6": tunnel("[::1]:443"),
    "this machine as a number": tunnel("2130706433:443", tls=False),
    "this machine in hexadecimal": tunnel("0x7f000001:443", tls=False),
    "this machine, short": tunnel("127.1:443", tls=False),
    "this machine by name": tunnel("localhost:443", "GET / HTTP/1.1", "Host: localhost"),
    "the metadata service": tunnel("169.254.169.254:80", tls=False),
    "the metadata service, mapped": tunnel("[::ffff:169.254.169.254]:80", tls=False),
    "a private address": tunnel("10.0.0.1:443"),
    "the unspecified address": tunnel("0.0.0.0:443"),
    # absolute form to the proxy
    "a provider over plain http": proxy("POST http://api.openai.com/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, body=JSON),
    "a provider by absolute https form": proxy(
        "POST https://evil.example.com/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, body=JSON
    ),
    "a stranger over plain http": proxy("GET http://example.com/ HTTP/1.1", "Host: example.com"),
    "a stranger in the address, a provider in Host": proxy(
        "POST http://example.com/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, body=JSON
    ),
    "the metadata service over plain http": proxy("GET http://169.254.169.254/latest/ HTTP/1.1", "Host: 169.254.169.254"),
    "ftp": proxy("GET ftp://api.openai.com/ HTTP/1.1", HOST),
    "a user in the address": proxy("GET http://api.openai.com@evil.example.com/ HTTP/1.1", HOST),
    "no address": proxy("GET /v1/models HTTP/1.1", HOST),
    "no address, no host": proxy("GET /v1/models HTTP/1.1"),
    # the base_url door
    "no credential": door("POST /openai/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, body=JSON, who=None),
    "an identity header instead of a credential": door(
        "POST /openai/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, "X-Forwarded-User: alice",
        "X-Auth-Request-Email: alice@example.com", body=JSON, who=None,
    ),
    "an unknown connection": door("POST /payroll/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, body=JSON),
    "out of the connection's path": door("POST /openai/../anthropic/v1/messages HTTP/1.1", HOST, LENGTH, TYPE, body=JSON),
    "out of the connection's path, escaped": door(
        "POST /openai/%2e%2e/anthropic/v1/messages HTTP/1.1", HOST, LENGTH, TYPE, body=JSON
    ),
    "out of the connection's path, with a backslash": door(
        "POST /openai/..\\anthropic/v1/messages HTTP/1.1", HOST, LENGTH, TYPE, body=JSON
    ),
    "CONNECT at the base_url door": door("CONNECT api.openai.com:443 HTTP/1.1", HOST),
    "absolute form at the base_url door": door(
        "POST https://api.openai.com/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, body=JSON
    ),
    "two people's tokens": lambda made: door(
        "POST /openai/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, f"Proxy-Authorization: {credential(made, 'bob')}", body=JSON
    )(made),
    "a hidden second request without a credential": lambda made: exchanged(
        raw.to(made.gateway.base_url_port),
        lines("GET /payroll/ HTTP/1.1", HOST, f"Authorization: Bearer {made.tokens['alice']}", "Content-Length: 0") + HIDDEN,
    ),
    # two readings of one message
    "length and chunks": door(
        "POST /openai/v1/chat/completions HTTP/1.1", HOST, "Content-Length: 5", "Transfer-Encoding: chunked", TYPE,
        body=b"0\r\n\r\n" + HIDDEN,
    ),
    "chunks and another coding": door(
        "POST /openai/v1/chat/completions HTTP/1.1", HOST, "Transfer-Encoding: chunked, identity", TYPE, body=b"0\r\n\r\n" + HIDDEN
    ),
    "a coding that looks like chunks": door(
        "POST /openai/v1/chat/completions HTTP/1.1", HOST, "Transfer-Encoding: xchunked", TYPE, body=b"0\r\n\r\n" + HIDDEN
    ),
    "two lengths": door(
        "POST /openai/v1/chat/completions HTTP/1.1", HOST, "Content-Length: 0", LENGTH, TYPE, body=JSON
    ),
    "a negative length": door("POST /openai/v1/chat/completions HTTP/1.1", HOST, "Content-Length: -1", TYPE, body=JSON),
    "a length with a sign": door("POST /openai/v1/chat/completions HTTP/1.1", HOST, "Content-Length: +5", TYPE, body=JSON),
    "a blank before the colon": door(
        "POST /openai/v1/chat/completions HTTP/1.1", HOST, "Transfer-Encoding : chunked", LENGTH, TYPE, body=JSON
    ),
    "a chunk of no size": door(
        "POST /openai/v1/chat/completions HTTP/1.1", HOST, "Transfer-Encoding: chunked", TYPE, body=b"zz\r\n" + JSON
    ),
    "a line that is no header": door("POST /openai/v1/chat/completions HTTP/1.1", HOST, "no header at all", LENGTH, body=JSON),
    # other protocols
    "HTTP/2 at once": lambda made: exchanged(
        raw.to(made.gateway.proxy_port), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)
    ),
    "SOCKS": lambda made: exchanged(raw.to(made.gateway.proxy_port), b"\x05\x01\x00\x03"),
    "bytes that are nothing": lambda made: exchanged(raw.to(made.gateway.base_url_port), b"\x00\x01\x02\x03\r\n\r\n"),
}  # fmt: skip


def recorded(made: Bench, seq: int) -> list[str]:
    """Reasons: of refusals at the door, of calls that were opened and refused."""
    reasons = [json.loads(row["leaf"])["attrs"]["code"] for row in made.events_since(seq, *REFUSALS)]
    reasons += [row["error"] for row in made.exchanges_since(seq) if row["outcome"] in ("refused", "failed")]
    found = [json.loads(row["leaf"])["attrs"]["code"] for row in made.events_since(seq, "finding")]
    return [reason for reason in (*reasons, *(code for code in found if code == "request_not_whole")) if reason]


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 40


def test_the_plain_way_works_so_the_table_can_fail(world: Bench) -> None:
    count = world.provider.count

    inside(POST, HOST, LENGTH, TYPE, "Connection: close")(world)
    door("POST /openai/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, body=JSON)(world)

    assert world.provider.count == count + 2


@pytest.mark.parametrize("attempt", quick(24, TABLE.values()), ids=TABLE)
def test_it_reaches_no_provider_and_is_recorded_with_a_reason(world: Bench, attempt: Attempt) -> None:
    count, seq = world.provider.count, world.last_seq()

    attempt(world)

    world.until(lambda: recorded(world, seq), "the attempt was recorded", 8)
    assert world.provider.count == count
    held = b"".join(
        path.read_bytes() for path in (world.state.path / "evidence.db", world.gateway.log) if path.exists()
    )
    assert not [who for who, token in world.tokens.items() if token.encode() in held]


def test_identity_headers_beside_a_credential_are_taken_off_and_are_a_finding(world: Bench) -> None:
    seq = world.last_seq()
    forged = (
        "X-Forwarded-User: bob",
        "X-Forwarded-For: 10.0.0.7",
        "X-Original-URL: /admin",
        "Cf-Access-Jwt-Assertion: e30.e30.e30",
    )

    door("POST /openai/v1/chat/completions HTTP/1.1", HOST, LENGTH, TYPE, *forged, body=JSON)(world)

    row = world.closed_exchange(seq)
    assert (row["subject"], row["outcome"]) == ("local|alice", "completed")
    found = [json.loads(event["leaf"])["attrs"] for event in world.events_since(seq, "finding")]
    assert {(one["code"], one["detail"]) for one in found} >= {
        ("identity_header_ignored", "x-forwarded-user"),
        ("identity_header_ignored", "x-forwarded-for"),
        ("identity_header_ignored", "cf-access-jwt-assertion"),
        ("routing_header_ignored", "x-original-url"),
    }
    names = {name.lower() for name, _ in world.provider.log[-1].headers}
    assert not names & {"x-forwarded-user", "x-forwarded-for", "x-original-url", "cf-access-jwt-assertion"}


def test_the_report_names_the_person_and_what_they_tried(world: Bench) -> None:
    inside(POST, "Host: evil.example.com", LENGTH, TYPE)(world)
    tunnel("api.mistral.ai:443", POST, "Host: api.mistral.ai", LENGTH, TYPE, body=JSON)(world)
    tunnel("10.9.8.7:443", who="bob")(world)
    tunnel("example.com:443", who=None)(world)

    rows = world.state.json("report", "bypass")
    text = world.state.run("report", "bypass").stdout

    assert isinstance(rows, list)
    tried = {(row["person"], row["code"], row["host"]) for row in rows}
    assert tried >= {
        ("local|alice", "hosts_disagree", "evil.example.com"),
        ("local|alice", "provider_undeclared", "api.mistral.ai"),
        ("local|bob", "address_not_named", "10.9.8.7"),
        ("", "token_missing", "example.com"),
    }
    assert "local|bob" in text
    assert "nobody known" in text
