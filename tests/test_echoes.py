"""Our key in what comes back: found over every cut, in every encoding; what is not ours passes as it came, and at once."""

from __future__ import annotations

import asyncio
import base64
import gzip
import itertools
import zlib
from datetime import UTC, datetime

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from addons import echoes, hooks
from addons.credentials import Credentials, unfolded_without
from addons.echoes import Echoed, Echoes, secrets_in, spellings, without_echoes
from addons.hooks import Exchange, Refused

KEY = "sk-s/s-ss+k=sk-s"  # begins again and again within itself, and has another spelling in JSON and in URLs
SPELT = spellings(frozenset(secrets_in(f"Bearer {KEY}")))
PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}


def through(chunks, spelt=SPELT, **how):
    """(what passed, how often the key was found, whether it was cut off)."""
    found, passed = [], b""
    echo = Echoes(spelt, lambda: found.append(1), **how)
    try:
        for chunk in chunks:
            passed += echo.feed(chunk)
        passed += echo.feed(b"", last=True)
    except Echoed:
        return passed, len(found), True
    return passed, len(found), False


def cut(data, *places):
    ends = [0, *places, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


@pytest.mark.parametrize(
    "spelling", [KEY, KEY.replace("/", "\\/"), "sk-s%2Fs-ss%2Bk%3Dsk-s"], ids=["plain", "json", "url"]
)
def test_a_key_cut_at_any_place_does_not_pass_and_the_length_stays(spelling):
    data = b'data: {"s": "sk-s sk-' + spelling.encode() + b' sk-s/s-ss"}\n\n'
    for place in range(len(data) + 1):
        passed, found, _ = through(cut(data, place))

        assert (spelling.encode() in passed, found) == (False, 1)
        assert len(passed) == len(data)
        assert passed.startswith(b'data: {"s": "sk-s sk-[affidavit')
        assert passed.endswith(b' sk-s/s-ss"}\n\n')


def test_a_key_that_comes_byte_by_byte_does_not_pass():
    data = b"x" + KEY.encode() + b"y" + KEY.encode() + b"z"

    passed, found, _ = through([bytes([one]) for one in data])

    assert (passed, found) == (b"x[affidavit: cred"[:17] + b"y[affidavit: cred"[:17] + b"z", 2)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([b"s", b"sk-", b"sk-s/s-ss", b"k=sk-s", KEY.encode(), b"\n", b"other "]), max_size=12),
    st.lists(st.integers(0, 120), max_size=6),
)
def test_however_it_is_cut_the_same_passes_and_never_the_key(pieces, places):
    data = b"".join(pieces)
    places = sorted(min(place, len(data)) for place in places)

    passed, _, _ = through(cut(data, *places))

    assert KEY.encode() not in passed
    assert passed == data or KEY.encode() in data
    assert len(passed) == len(data)


def test_a_chunk_without_the_beginning_of_a_key_passes_at_once_and_is_the_same_object():
    echo = Echoes(SPELT, lambda: None)
    chunk = b'data: {"choices":[{"delta":{"content":" so"}}]}\n\n'

    assert echo.feed(chunk) is chunk


def test_only_what_may_be_a_key_is_kept_back_and_no_longer_than_needed():
    echo = Echoes(SPELT, lambda: None)

    assert echo.feed(b"abc sk-s/s") == b"abc "
    assert echo.feed(b" no key") == b"sk-s/s no key"
    assert (echo.feed(b"sk-"), echo.feed(b"", last=True)) == (b"", b"sk-")


@pytest.mark.parametrize("encoding", PACK)
def test_a_compressed_stream_passes_byte_for_byte_and_ends_before_the_key(encoding):
    before, after = b"data: an event\n\n" * 40, b"data: more sk-s\n\n" * 40
    innocent = PACK[encoding](before + KEY[:-1].encode() + after)
    guilty = PACK[encoding](before + KEY.encode() + after)

    for size in (1, 7, 64, 10_000):
        chunks = [innocent[at : at + size] for at in range(0, len(innocent), size)]
        assert through(chunks, encoding=encoding) == (innocent, 0, False)
        chunks = [guilty[at : at + size] for at in range(0, len(guilty), size)]
        passed, found, ended = through(chunks, encoding=encoding)
        assert (found, ended) == (1, True)
        assert guilty.startswith(passed)
        assert KEY[:5].encode() not in unfolded(passed, encoding)


def unfolded(data, encoding):
    reader = echoes.Unfolding(encoding)
    return b"".join(reader.feed(data[at : at + 1]) for at in range(len(data)))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:])),
        ("x-gzip", gzip.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
        ("zstd", lambda data: zstandard.compress(data[:50]) + zstandard.compress(data[50:])),
        ("identity", bytes),
    ],
    ids=["gzip-members", "x-gzip", "raw-deflate", "two", "zstd-frames", "identity"],
)
def test_every_way_to_compress_is_looked_through(encoding, pack):
    packed = pack(b"a" * 45 + KEY.encode() + b"b" * 45)

    assert through([packed[at : at + 3] for at in range(0, len(packed), 3)], encoding=encoding)[1:] == (1, True)


@pytest.mark.parametrize("encoding", ["snappy", "gzip"])
def test_what_nobody_can_unfold_passes(encoding):
    assert through([b"\x00not compressed", b" at all"], encoding=encoding) == (b"\x00not compressed at all", 0, False)


def test_a_compressed_stream_that_unfolds_without_end_is_cut_off():
    packed = gzip.compress(bytes(8 << 20))

    assert through([packed], encoding="gzip", most=1 << 20)[1:] == (0, True)


@pytest.mark.parametrize("before", range(6))
def test_in_a_framed_stream_the_key_is_found_inside_base64_too(before):
    said = b'{"bytes":"%s"}' % base64.b64encode(b"." * before + KEY.encode() + b" and more")
    spelt = spellings(frozenset(secrets_in(KEY)), framed=True)

    for place in range(len(said) + 1):
        passed, found, ended = through(cut(said, place), spelt, framed=True)
        assert (found, ended) == (1, True)
        assert said.startswith(passed)


@pytest.mark.parametrize("encoding", PACK)
def test_a_whole_compressed_reply_comes_unfolded_where_the_key_was_and_else_as_it_came(encoding):
    clean, dirty = PACK[encoding](b"nothing of ours"), PACK[encoding](b"your key is " + KEY.encode())

    assert unfolded_without(clean, encoding, SPELT, 1 << 20) == clean
    assert unfolded_without(dirty, encoding, SPELT, 1 << 20) == b"your key is [affidavit: credential removed]"


def test_a_whole_compressed_reply_with_the_key_that_is_too_long_to_hold_is_refused():
    with pytest.raises(Refused) as refused:
        unfolded_without(gzip.compress(bytes(1 << 20) + KEY.encode()), "gzip", SPELT, 1 << 16)

    assert refused.value.code == "credential_echoed"
    assert KEY not in refused.value.message


def exchange_with(flow):
    exchange = Exchange("ex_1", "proxy", datetime(2026, 11, 25, tzinfo=UTC), secrets=secrets_in(f"Bearer {KEY}"))
    return hooks.begin(flow, exchange)


def test_a_websocket_message_that_repeats_the_key_is_changed_and_the_clients_own_is_not():
    flow = tflow.twebsocketflow()
    exchange = exchange_with(flow)
    said = f"you are {KEY}".encode()

    for from_client, expected in ((True, said), (False, b"you are [affidavit: credential removed]")):
        flow.websocket.messages.append(WebSocketMessage(Opcode.TEXT, from_client, said))
        Credentials(None).websocket_message(flow)
        assert flow.websocket.messages[-1].content == expected
    assert exchange.findings == [("credential_echoed", "body")]


def test_the_key_comes_off_trailers_too():
    flow = tflow.tflow(resp=True)
    exchange = exchange_with(flow)
    flow.response.stream = True
    flow.response.trailers = http.Headers([(b"x-request", b"1"), (b"x-seen", KEY.encode())])

    asyncio.run(Credentials(None).response(flow))

    assert dict(flow.response.trailers) == {"x-request": "1", "x-seen": "[affidavit: credential removed]"}
    assert exchange.findings == [("credential_echoed", "header:x-seen")]


def test_a_value_too_short_to_be_a_secret_is_looked_for_nowhere():
    assert spellings(frozenset(secrets_in("none"))) == ()
    assert without_echoes(b"none of it", spellings(frozenset(secrets_in("none")))) == b"none of it"
