"""Nigeria: national identification number, which has no check digit that is published: by context only. Source: NIMC."""

from __future__ import annotations

from addons.masks.detectors.kinds import anything, digits, words

_NIN = words("nin", "national identification number", "nimc", "nigerian", "national identity")
DETECTORS = (digits("NG_NIN", r"[0-9]{11}", anything, _NIN, near=0.8, alone=0.0),)
