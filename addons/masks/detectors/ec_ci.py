"""Ecuador: cédula. Source: Registro Civil."""

from __future__ import annotations

from stdnum.ec import ci

from addons.masks.detectors.kinds import digits, words

_CEDULA = words("cédula", "cedula", "ecuador", "ruc")
DETECTORS = (digits("EC_CI", r"[0-2][0-9]{8}-?[0-9]", ci.is_valid, _CEDULA, near=0.85, alone=0.0),)
