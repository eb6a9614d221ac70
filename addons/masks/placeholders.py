"""What stands in the record for a masked value. Not reversible here: the key stays with the state, the value nowhere.

    hash      [US_SSN:kqzbtfwmgxhdrncp]   64 bits of HMAC-SHA256 under the state's masking key, four bits a letter
    redact    [US_SSN]
    partial   [US_SSN:..1120]             at most four characters of the value

Letters only, and none that spell a number: a hexadecimal token can look like a card again, and 32 bits collide at 77,000 values.
The same value gives the same token in every turn and session; without the key nobody can look one up.
"""

from __future__ import annotations

import hashlib
import hmac

import regex

LETTERS = "bcdfghjklmnpqrst"
_OF_HEX = str.maketrans("0123456789abcdef", LETTERS)
_NOT_SHOWN = regex.compile(r"[^0-9A-Za-z]+")
PLACEHOLDER = regex.compile(
    r"\[([A-Z][A-Z_]{2,40}+)(?::(?:[b-df-hj-np-tv-z]{16}|\.\.[0-9A-Za-z]{0,4}))?\]"
)  # any consonants: no value is only those


def fingerprint(key: bytes, value: str) -> str:
    """16 letters: 64 bits of HMAC-SHA256 of the value's canonical form."""
    digest = hmac.digest(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return digest[:8].hex().translate(_OF_HEX)


def hashed(entity: str, letters: str) -> str:
    return f"[{entity}:{letters}]"


def redacted(entity: str) -> str:
    return f"[{entity}]"


def partial(entity: str, tail: str) -> str:
    return f"[{entity}:..{tail}]"


def tail_of(value: str) -> str:
    """What a partial placeholder shows: four of a number's digits, a quarter of anything else, never more than four."""
    shown: str = _NOT_SHOWN.sub("", value)
    length = min(4, len(shown) // (2 if shown.isdigit() else 4))
    return shown[len(shown) - length :]


def places(text: str, entities: frozenset[str]) -> list[tuple[int, int]]:
    """Where placeholders of known entities stand, exactly: `[US_SSN:4111…]` is not one, or it would carry a card through."""
    return [match.span() for match in PLACEHOLDER.finditer(text) if match[1] in entities] if "[" in text else []
