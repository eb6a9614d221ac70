"""Clients that speak HTTP/2 (`http2: true`): what passes is what was sent, it is recorded, and refused as elsewhere."""

from __future__ import annotations

import gzip

import pytest

from tests.end_to_end import http2
from tests.end_to_end.test_transparency import ASKED, CHUNKED, REPLY, STREAM, upstream, with_length
from tests.quick import quick

HOST = "down.api.openai.com"
PATH = "/v1/chat/completions"
ON = ("--set", "http2=true")
JSON = [("content-type", "application/json")]


@pytest.mark.parametrize(("kind", "body"), quick(1, [(b"text/event-stream", STREAM), (b"application/json", REPLY)]))
def test_a_reply_with_trailers_arrives_and_is_recorded(make_bench, kind: bytes, body: bytes) -> None:
    with upstream(CHUNKED % (kind, len(body), body)) as far, make_bench(*ON, down_port=far.port) as made:
        answer = http2.ask(made, HOST, PATH, ASKED, headers=JSON)

        row = made.closed_exchange(0)
        messages = made.messages(row["id"])
    assert (answer.status, answer.body) == (200, body)
    assert answer.trailers == [("x-sum", "7"), ("x-other", "eight")]
    assert dict(answer.headers)["content-type"] == kind.decode()
    assert (row["outcome"], messages[-1]["content"]) == ("completed", "hello")


def test_a_request_arrives_with_its_body_and_headers(make_bench) -> None:
    with upstream(with_length("Content-Type: application/json")) as far, make_bench(*ON, down_port=far.port) as made:
        http2.ask(made, HOST, PATH, ASKED, headers=[*JSON, ("x-custom", "one"), ("x-custom", "two"), ("content-length", str(len(ASKED)))])  # fmt: skip
        made.closed_exchange(0)

    head, _, body = far.request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert head.count(b"x-custom: one\r\nx-custom: two") == 1
    assert body == ASKED


def test_a_requests_trailers_are_recorded_also_where_upstream_has_no_place_for_them(make_bench) -> None:
    with upstream(with_length("Content-Type: application/json")) as far, make_bench(*ON, down_port=far.port) as made:
        answer = http2.ask(made, HOST, PATH, ASKED, headers=[*JSON, ("content-length", str(len(ASKED)))], trailers=[("x-checked", "yes")])  # fmt: skip
        made.closed_exchange(0)
        (payload,) = made.rows("SELECT p.request FROM payloads p JOIN events e ON e.seq = p.seq WHERE e.type = 'exchange.opened'")  # fmt: skip

    assert answer.status == 200
    assert "trailer:x-checked" in payload["request"]


@pytest.mark.parametrize(("method", "reply"), quick(1, [("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"), ("POST", b"HTTP/1.1 204 No Content\r\n\r\n"), ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n')]), ids=["head", "204", "304"])  # fmt: skip
def test_a_reply_without_a_body_arrives(make_bench, method: str, reply: bytes) -> None:
    with upstream(reply) as far, make_bench(*ON, down_port=far.port) as made:
        answer = http2.ask(made, HOST, PATH, ASKED if method == "POST" else b"", method=method, headers=JSON)
        made.closed_exchange(0)

    assert (answer.status, answer.body, answer.reset) == (int(reply.split()[1]), b"", False)


def test_a_compressed_reply_passes_as_it_is_and_is_read(make_bench) -> None:
    packed = gzip.compress(REPLY)
    reply = with_length("Content-Type: application/json", "Content-Encoding: gzip", body=packed)
    with upstream(reply) as far, make_bench(*ON, down_port=far.port) as made:
        answer = http2.ask(made, HOST, PATH, ASKED, headers=JSON)
        row = made.closed_exchange(0)
        assert made.messages(row["id"])[-1]["content"] == "hello"
    assert answer.body == packed
    assert dict(answer.headers)["content-encoding"] == "gzip"


def test_a_caller_without_a_token_is_refused_and_nothing_leaves(make_bench) -> None:
    with upstream(with_length("Content-Type: application/json")) as far, make_bench(*ON, down_port=far.port) as made:
        answer = http2.ask(made, HOST, PATH, ASKED, headers=JSON, who="nobody")
        refused = made.events_since(0, "identity.refused")

    assert answer.status == 401
    assert b"token" in answer.body
    assert far.requests == []
    assert len(refused) == 1


def test_without_the_option_clients_are_offered_http_1_only(make_bench) -> None:
    with make_bench() as made, http2.connected(made, HOST, made.tokens["alice"]) as sock:
        assert sock.selected_alpn_protocol() != "h2"
