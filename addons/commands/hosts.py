"""The host of what may be a URL, and HTTP methods. Not a URL parser for requests: nothing here is dialled."""

from __future__ import annotations

import re
from typing import Final

METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "QUERY"}
)
_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]{0,30})://")
_BARE: Final = re.compile(
    r"(?:[A-Za-z0-9_.%!~*'()$&+,;=-]{1,128}(?::[^@/?#\s]{0,256})?@)?((?:\[[0-9A-Fa-f:.]{2,64}\]|[^\s/?#@:\\\[\]]{1,253}))(?::\d{1,5})?(?:[/?#]|\Z)"
)


def has_scheme(text: str) -> bool:
    return _SCHEME.match(text) is not None


def host_of(url: str) -> str:
    """https://bob:secret@Example.org:8443/x -> example.org; "" where there is none.

    A backslash ends the host, as it does in every browser and in curl's URL API.
    """
    scheme = _SCHEME.match(url)
    rest = url[scheme.end() :] if scheme else url.strip().removeprefix("//")
    authority = re.split(r"[/?#\\]", rest[:2048], maxsplit=1)[0].rpartition("@")[2]
    match = _BARE.match(authority.strip())
    return match[1].strip("[]").rstrip(".").lower() if match else ""
