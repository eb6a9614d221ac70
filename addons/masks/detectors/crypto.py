"""Wallet addresses: Bitcoin (Base58Check, Bech32), Ethereum. Sources: BIP 13, BIP 173, BIP 350, EIP-55."""

from __future__ import annotations

import regex
from stdnum import bitcoin

from addons.masks.detectors.kinds import Pattern, exact, words
from addons.masks.sight import Where

_BITCOIN = regex.compile(
    r"[13bB](?<![A-Za-z0-9].)(?:(?<=[13])[1-9A-HJ-NP-Za-km-z]{25,34}|(?<=b)c1[02-9ac-hj-np-z]{11,71}|(?<=B)C1[02-9AC-HJ-NP-Z]{11,71})(?![A-Za-z0-9])"
)
_ETHEREUM = regex.compile(r"0x(?<![A-Za-z0-9]0x)[0-9A-Fa-f]{40}(?![A-Za-z0-9])")
_CONTEXT = words(
    "wallet",
    "btc",
    "bitcoin",
    "crypto",
    "eth",
    "ethereum",
    "address",
    "token",
    "contract",
    "coin",
    "erc20",
    "blockchain",
)


def _is_ethereum(value: str) -> bool:
    return len(set(value.lower())) > 6


DETECTORS = (
    Pattern(
        entity="CRYPTO",
        where=Where.TOKENS,
        pattern=_BITCOIN,
        valid=bitcoin.is_valid,
        canonical=exact,
        confidence=0.8,
        context=_CONTEXT,
        with_context=0.95,
    ),
    Pattern(
        entity="CRYPTO",
        where=Where.TOKENS,
        pattern=_ETHEREUM,
        valid=_is_ethereum,
        canonical=str.lower,
        confidence=0.55,
        context=_CONTEXT,
        with_context=0.8,
    ),
)
