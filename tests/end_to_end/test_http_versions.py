"""What passes is what was sent, both ways, over HTTP/1.1 and HTTP/2 (`http2: true`), towards client and provider, through both doors.

mitmproxy keeps a client and its provider on one version where the provider has it: a client of HTTP/1.1 is never sent on over HTTP/2.
"""

from __future__ import annotations

import gzip
import json
import ssl
from pathlib import Path

import pytest

from scripts.local_certificate import throwaway_certificate
from tests.end_to_end import peers, raw
from tests.end_to_end.gateway import DOORS, Bench
from tests.end_to_end.peers import Provider, Sent
from tests.end_to_end.test_transparency import ASKED, REPLY, STREAM

HOST = "down.api.openai.com"
PATH = "/v1/chat/completions"
JSON = ("content-type", "application/json")
EVENTS = ("content-type", "text/event-stream")
OWN = [("x-custom", "one"), ("x-custom", "two"), ("x-case", "Kept As It Is")]
VERSIONS = {"1 to 1": ("http/1.1", ["http/1.1"]), "2 to 1": ("h2", ["http/1.1"]), "2 to 2": ("h2", ["h2", "http/1.1"])}
CONNECTIONS = """\
version: 1
other_hosts: deny
connections:
  - id: down
    provider: openai
    hosts: [down.api.openai.com]
    upstream: https://127.0.0.1:{port}
    allow_private: true
    credential: none
    groups: [engineering]
"""
IDENTITY = """\
version: 1
local: trial
rights: [{id: engineers, groups: [engineering], connections: ["*"]}]
"""
# What the gateway itself decides, hop by hop (RFC 9110 7.6.1), and its clients' and its own framing of bodies.
HOPS = frozenset("connection keep-alive proxy-connection te trailer transfer-encoding upgrade content-length host authorization expect".split())  # fmt: skip

ASK = Sent(f"POST {PATH}", [JSON, *OWN], ASKED)
CASES = {
    "a reply": (ASK, Sent("200", [JSON, *OWN], REPLY)),
    "a reply in pieces": (ASK, Sent("200", [JSON], REPLY, pieces=7)),
    "a stream with trailers": (ASK, Sent("200", [EVENTS], STREAM, trailers=[("x-sum", "7"), ("x-other", "eight")], pieces=11)),
    "a reply with trailers": (ASK, Sent("200", [JSON], REPLY, trailers=[("x-sum", "7")], pieces=100)),
    "a compressed reply": (ASK, Sent("200", [JSON, ("content-encoding", "gzip")], gzip.compress(REPLY, mtime=0))),
    "a compressed stream": (ASK, Sent("200", [EVENTS, ("content-encoding", "gzip")], gzip.compress(STREAM, mtime=0), pieces=5)),
    "a compressed request": (Sent(f"POST {PATH}", [JSON, ("content-encoding", "gzip")], gzip.compress(ASKED, mtime=0)), Sent("200", [JSON], REPLY)),
    "a chunked upload": (Sent(f"POST {PATH}", [JSON, *OWN], ASKED, pieces=7), Sent("200", [JSON], REPLY)),
    "an upload with trailers": (Sent(f"POST {PATH}", [JSON], ASKED, trailers=[("x-checked", "yes")], pieces=9), Sent("200", [JSON], REPLY)),
    "an expectation": (Sent(f"POST {PATH}", [JSON, ("expect", "100-continue")], ASKED), Sent("200", [JSON], REPLY)),
    "HEAD": (Sent("HEAD /v1/models"), Sent("200", [JSON, *OWN, ("content-length", "999")])),
    "204": (ASK, Sent("204", OWN)),
    "304": (Sent("GET /v1/models", [("if-none-match", '"a"')]), Sent("304", [("etag", '"a"'), *OWN])),
    "a redirect": (ASK, Sent("307", [("location", "https://elsewhere.example/v1"), JSON], b"")),
    "an error": (ASK, Sent("529", [JSON, ("retry-after", "7")], b'{"error": {"type": "overloaded_error", "message": "later"}}')),
    "early hints": (ASK, Sent("200", [JSON], REPLY, interim=[103, 102])),
    "a query": (Sent(f"GET {PATH}?after=a%20b&limit=2", OWN), Sent("200", [JSON], b'{"object": "list", "data": []}')),
}  # fmt: skip


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return throwaway_certificate(tmp_path_factory.mktemp("provider"))


def ask(made: Bench, door: str, version: str, request: Sent, *, who: str = "alice", host: str = HOST, to: str = HOST, sni: str = HOST) -> Sent:  # fmt: skip
    """to: what CONNECT names; sni: what TLS names; host: what the request names."""
    token = made.tokens.get(who, "")
    if door == "proxy":
        sock, answered = raw.connect(made.gateway.proxy_port, f"{to}:443", raw.basic(token) if token else "")
        assert answered.status == 200
    else:
        sock, sni = raw.to(made.gateway.base_url_port), "localhost"
        method, _, path = request.start.partition(" ")
        own = [("authorization", f"Bearer {token}")] if token else []
        request = Sent(f"{method} /down{path}", [*request.headers, *own], request.body, request.trailers, pieces=request.pieces)  # fmt: skip
        host = f"127.0.0.1:{made.gateway.base_url_port}"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the names disagree in some tests
    context.set_alpn_protocols(["h2", "http/1.1"] if version == "h2" else [version])
    if door == "base_url" and version == "http/1.1":
        with sock:
            return peers.ask1(sock, request, host)
    with sock, context.wrap_socket(sock, server_hostname=sni) as secured:
        assert secured.selected_alpn_protocol() == version
        return (peers.ask2 if version == "h2" else peers.ask1)(secured, request, host)


def shown(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in pairs if name.lower() not in HOPS]


def gateway(make_bench, far: Provider):
    trusted = f"ssl_verify_upstream_trusted_ca={far.pem}"
    return make_bench(
        "--set", "http2=true", "--set", trusted, connections=CONNECTIONS.format(port=far.port), identity=IDENTITY
    )


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("version", "offers"), VERSIONS.values(), ids=VERSIONS)
def test_every_kind_of_exchange_passes_as_it_is(make_bench, certificate, version, offers, door) -> None:
    """One gateway for all: the provider's reply is changed between them."""
    with peers.provider(Sent("200"), offers, certificate) as far, gateway(make_bench, far) as made:
        for name, (request, reply) in CASES.items():
            far.reply = reply
            far.requests.clear()
            before = made.last_seq()

            answer = ask(made, door, version, request)

            row = made.closed_exchange(before)
            (got,) = far.requests
            has_body = not request.start.startswith("HEAD")
            assert (name, answer.start, answer.body) == (name, reply.start, reply.body if has_body else b"")
            assert (name, shown(answer.headers)) == (name, shown(reply.headers))
            assert (name, answer.trailers) == (name, reply.trailers)
            assert (name, answer.interim) == (
                name,
                [100] if "expect" in dict(request.headers) else [],
            )
            assert (name, got.start, got.body) == (name, request.start, request.body)
            assert (name, shown(got.headers)) == (name, shown(request.headers))
            assert (name, got.trailers) == (name, request.trailers)
            assert (name, row["outcome"], row["http_status"]) == (name, "completed", int(reply.start))
            if reply.body and reply.start == "200" and request.start.startswith("POST"):
                assert (name, made.messages(row["id"])[-1]["content"]) == (name, "hello")
        assert set(far.spoken) == {offers[0]}


@pytest.mark.parametrize("door", DOORS)
def test_head_keeps_the_length_that_it_tells_of(make_bench, certificate, door) -> None:
    request, reply = CASES["HEAD"]
    with peers.provider(reply, ["h2"], certificate) as far, gateway(make_bench, far) as made:
        assert ask(made, door, "h2", request).said("content-length") == ["999"]


MISMATCHES = {
    "another provider's authority": {"host": "api.anthropic.com"},
    "a stranger's authority": {"host": "evil.example.com"},
    "another port": {"host": f"{HOST}:8443"},
    "another name in TLS": {"sni": "api.anthropic.com"},
}


@pytest.mark.parametrize("names", MISMATCHES.values(), ids=MISMATCHES)
def test_names_that_disagree_are_refused_over_http_2_and_nothing_leaves(make_bench, certificate, names) -> None:
    with peers.provider(Sent("200", [JSON], REPLY), ["h2"], certificate) as far, gateway(make_bench, far) as made:
        try:
            refused = ask(made, "proxy", "h2", ASK, **names).start
        except (ssl.SSLError, OSError, AssertionError):
            refused = "closed"
        made.until(lambda: made.events_since(0, "identity.refused", "connect.refused"), "a refusal is on record")

        assert refused in ("400", "401", "403", "404", "421", "reset", "closed")
        assert far.requests == []


def test_a_host_header_that_is_not_the_authority_is_refused(make_bench, certificate) -> None:
    request = Sent(f"POST {PATH}", [JSON, ("host", "evil.example.com")], ASKED)
    with peers.provider(Sent("200", [JSON], REPLY), ["h2"], certificate) as far, gateway(make_bench, far) as made:
        refused = ask(made, "proxy", "h2", request)

        assert refused.start in ("400", "401", "403", "421", "reset")
        assert far.requests == []


@pytest.mark.parametrize("door", DOORS)
def test_nobody_is_refused_over_http_2_in_the_providers_shape(make_bench, certificate, door) -> None:
    with peers.provider(Sent("200", [JSON], REPLY), ["h2"], certificate) as far, gateway(make_bench, far) as made:
        answer = ask(made, door, "h2", ASK, who="nobody")

        assert (answer.start, "token" in json.loads(answer.body)["error"]["message"]) == ("401", True)
        assert far.requests == []
        assert len(made.events_since(0, "identity.refused")) == 1
