"""Host names, so that two spellings of one host are one string. Not DNS: no name is looked up here.

Source: RFC 1034 3.1 (letter case, trailing dot), RFC 3490 (IDNA; its nameprep folds full-width letters and dots, as clients do).
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NAME_CHARACTERS = 253
_TEXT_CHARACTERS = 1024  # before IDNA: its codec is slow on long input


@lru_cache(1024)  # the same few, with each call
def normal_host(text: str) -> str | None:
    """`API.OpenAI.com.` -> `api.openai.com`; `[2001:DB8::1]` -> `2001:db8::1`; None: not the name of a host.

    An IPv4 address in any spelling but the dotted one ("0x7f.1", "2130706433") is None: resolvers disagree about them.
    """
    address = _address(text)
    if address is not None:
        return address
    if len(text) > _TEXT_CHARACTERS:
        return None
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return None
    labels = name.split(".")
    if len(name) > _NAME_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return None if _looks_numeric(labels[-1]) else name


def is_address(host: str) -> bool:
    """Whether a normal host is an IP address."""
    return _address(host) is not None


def is_private(host: str) -> bool:
    """Whether a normal host is plainly not on the public internet: localhost, or an address that is not global."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_address(host) and not ipaddress.ip_address(host).is_global


def is_loopback(host: str) -> bool:
    """Whether a normal host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_address(host) and ipaddress.ip_address(host).is_loopback


def _address(text: str) -> str | None:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text.removesuffix(".")
    if "%" in bare:  # a zone belongs to one machine's interfaces
        return None
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def _looks_numeric(label: str) -> bool:
    """WHATWG URL, 3.5: a name whose last label is a number is an IPv4 address, or nothing."""
    return label.isdigit() or re.fullmatch(r"0x[0-9a-f]*", label) is not None
