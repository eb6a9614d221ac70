"""Content-encodings, and what is sent to exhaust them."""

import gzip
import zlib

import brotli
import pytest
import zstandard

from addons.providers.encodings import decoded

TEXT = b"a prompt, " * 1000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:])),
        ("x-gzip", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)[2:-4]),
        ("br", brotli.compress(TEXT)),
        ("zstd", zstandard.compress(TEXT)),
        ("gzip, br", brotli.compress(gzip.compress(TEXT))),
        ("identity", TEXT),
        ("", TEXT),
        (" GZIP ", gzip.compress(TEXT)),
    ],
    ids=["gzip", "gzip-members", "x-gzip", "zlib", "raw-deflate", "br", "zstd", "two", "identity", "none", "spelling"],
)
def test_a_body_is_decoded(encoding, body):
    assert decoded(body, encoding, 1 << 20) == (TEXT, True)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_stops_at_the_limit(encoding):
    make = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}[
        encoding
    ]

    body, whole = decoded(make(bytes(50 << 20)), encoding, 1 << 16)

    assert (len(body), whole) == (1 << 16, False)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_cut_body_gives_what_came(encoding):
    make = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}[
        encoding
    ]
    body, whole = decoded(make(TEXT)[:-6], encoding, 1 << 20)

    assert not whole
    assert TEXT.startswith(body)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "snappy"])
def test_a_body_that_is_not_what_it_says_is_not_whole(encoding):
    assert decoded(b"\x00not compressed at all", encoding, 1 << 20)[1] is False
