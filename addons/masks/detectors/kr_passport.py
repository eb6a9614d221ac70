"""Korea: passport. Source: Ministry of Foreign Affairs."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_KR_PASSPORT = words("여권", "여권번호", "passport", "korean")
DETECTORS = (
    letters(
        "KR_PASSPORT", r"[MSRODG](?:[0-9]{8}|[0-9]{3}[A-Z][0-9]{4})", anything, _KR_PASSPORT, near=0.66, alone=0.54
    ),
)
