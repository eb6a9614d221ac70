"""IP addresses of both kinds. Sources: RFC 791, RFC 4291 2.2, RFC 6890 (special purpose).

Four numbers with dots are a version as often as an address: loopback, netmasks and what follows a product's name are left alone, and private
addresses need a word near them.
"""

from __future__ import annotations

import ipaddress

import regex

from addons.masks.detectors.kinds import Pattern, exact, words
from addons.masks.sight import Where

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PRODUCT = "".join(rf"(?<![A-Z][A-Za-z]{{{letters}}}/)" for letters in range(2, 21))  # each of fixed width
_NO_PRODUCT = rf"(?:(?<!/)|{_PRODUCT})"
_FOUR = regex.compile(
    rf"(?<![\w.\-]){_NO_PRODUCT}(?<![vV=] )(?<!==)(?<![<>~^]=)(?<![~^])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w\-]|\.[0-9])"
)
_SIX = regex.compile(
    r"(?<![\w:.])(?:(?:[0-9A-Fa-f]{1,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|:)|::(?:[0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4}"
    r"|(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}:){0,5}[0-9A-Fa-f]{1,4})(?![\w:])"
)
_EXAMPLES = ("192.0.2.", "198.51.100.", "203.0.113.")
_CONTEXT = words(
    "ip",
    "ips",
    "ipv4",
    "ipv6",
    "address",
    "addr",
    "host",
    "server",
    "client",
    "remote",
    "gateway",
    "dns",
    "subnet",
    "peer",
    "ping",
    "from",
)


def _public(value: str) -> bool:
    """Four numbers that are somebody's: routable, and not a network's own address. Those of examples (RFC 5737) stand where real ones will."""
    address = ipaddress.ip_address(value)
    routable = address.is_global or value.startswith(_EXAMPLES)
    return routable and not address.is_multicast and not value.endswith(".0.0")


def _private(value: str) -> bool:
    return ipaddress.ip_address(value).is_private and not value.startswith(("0.", "127.", "255."))


def _six(value: str) -> bool:
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    groups = [group for group in value.split(":") if group]
    return not (address.is_loopback or address.is_unspecified) and (
        len(groups) >= 3 or any(len(group) == 4 for group in groups)
    )


DETECTORS = (
    Pattern(
        entity="IP_ADDRESS",
        where=Where.DOTTED,
        pattern=_FOUR,
        valid=_public,
        canonical=exact,
        confidence=0.6,
        context=_CONTEXT,
        with_context=0.8,
    ),
    Pattern(
        entity="IP_ADDRESS",
        where=Where.DOTTED,
        pattern=_FOUR,
        valid=_private,
        canonical=exact,
        confidence=0.2,
        context=_CONTEXT,
        with_context=0.7,
    ),
    Pattern(
        entity="IP_ADDRESS",
        where=Where.COLONS,
        pattern=_SIX,
        valid=_six,
        canonical=str.lower,
        confidence=0.6,
        context=_CONTEXT,
        with_context=0.8,
    ),
)
