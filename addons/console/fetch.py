"""Sends what a room wants to ask of an issuer or a vault: TLS verified, no redirects, bounded in bytes and time. Not what is asked.

Goes direct: a proxy named in the environment is most likely this very gateway.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from tornado.httpclient import HTTPError
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from addons.tokens.oidc_flows import DOCUMENT_BYTES, Ask

SECONDS = 10.0


class Unreachable(Exception):  # noqa: N818 - the other side's fault, or the network's
    """No answer came. The text names the kind of failure, nothing that was sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = field(repr=False)
    max_age_seconds: int | None  # Cache-Control, where it says so


def trust(more: Path | None) -> ssl.SSLContext:
    """The machine's roots, and those of the file `more`."""
    context = ssl.create_default_context()
    if more is not None:
        context.load_verify_locations(more)
    return context


async def fetch(ask: Ask, context: ssl.SSLContext | None = None, seconds: float = SECONDS) -> Answer:
    """The answer, whatever its status. context: see trust(). Raises Unreachable."""
    client: SimpleAsyncHTTPClient = SimpleAsyncHTTPClient(force_instance=True, max_body_size=DOCUMENT_BYTES)
    try:
        response = await client.fetch(
            ask.url,
            raise_error=False,
            method=ask.method,
            headers=dict(ask.headers),
            body=ask.body if ask.method == "POST" else None,
            follow_redirects=False,
            connect_timeout=seconds,
            request_timeout=seconds,
            ssl_options=context or trust(None),
            decompress_response=False,
        )
    except (OSError, ValueError, HTTPError) as error:
        raise Unreachable(type(error).__name__) from error
    finally:
        client.close()
    if response.code == 599:  # tornado's own: no answer was read
        raise Unreachable(type(response.error).__name__)
    return Answer(response.code, response.body or b"", _max_age(response.headers.get("cache-control", "")))


def _max_age(header: str) -> int | None:
    for word in header.split(","):
        name, _, value = word.strip().partition("=")
        if name.lower() == "max-age" and value.isdecimal():
            return int(value[:9])
    return None
