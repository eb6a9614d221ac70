"""United States: Medicare beneficiary identifier. Source: CMS."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, letters, words

_MBI = words("mbi", "medicare", "beneficiary", "cms", "medicaid", "hic", "hicn", "patient")
_L = "AC-HJKMNP-RT-Y"  # MBI: no S, L, O, I, B, Z
_MBI_SHAPE = rf"[1-9][{_L}][{_L}0-9][0-9]-?[{_L}][{_L}0-9][0-9]-?[{_L}]{{2}}[0-9]{{2}}"
DETECTORS = (letters("US_MBI", _MBI_SHAPE, anything, _MBI, bare=0.6, near=0.9, alone=0.8, shapes=("AA00",)),)
