"""United Kingdom: national insurance number. Source: HMRC NIM39110."""

from __future__ import annotations

from addons.masks.detectors.kinds import digits, letters, words

_NINO = words("national insurance", "ni number", "nino", "insurance number", "ni")


def _is_nino(value: str) -> bool:
    return value[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


DETECTORS = (
    letters(
        "UK_NINO",
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]",
        _is_nino,
        _NINO,
        bare=0.6,
        near=0.9,
        alone=0.7,
        shapes=("AA000000A",),
    ),
    digits(
        "UK_NINO",
        r"(?<![A-Z])(?i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]) ?[0-9]{2} [0-9]{2} [0-9]{2} ?(?i:[A-D])",
        _is_nino,
        _NINO,
        bare=0.6,
        near=0.9,
        alone=0.7,
        shapes=("00 00 00",),
    ),
)
