"""United States: number of a bank account, which has no form of its own: by context only."""

from __future__ import annotations

from addons.masks.detectors.kinds import digits, words

_BANK = words(
    "bank",
    "banking",
    "account",
    "acct",
    "acc",
    "account number",
    "checking",
    "savings",
    "debit",
    "deposit",
    "iban",
    "direct deposit",
)


def varied(value: str) -> bool:
    return len(set(value)) > 2


DETECTORS = (digits("US_BANK_NUMBER", r"[0-9]{8,17}", varied, _BANK, near=0.6, alone=0.0),)
