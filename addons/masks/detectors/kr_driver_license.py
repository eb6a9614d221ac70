"""Korea: driver's license. Source: KoROAD."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, digits, words

_KR_DL = words("운전면허", "운전면허번호", "driver license", "license", "면허번호", "korean")
DETECTORS = (
    digits(
        "KR_DRIVER_LICENSE", r"(?:1[1-9]|2[0-68])-?[0-9]{2}-?[0-9]{6}-?[0-9]{2}", anything, _KR_DL, near=0.8, alone=0.56
    ),
)
