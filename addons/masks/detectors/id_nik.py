"""Indonesia: NIK. Source: Dukcapil."""

from __future__ import annotations

from stdnum.id import nik

from addons.masks.detectors.kinds import digits, words

_NIK = words("nik", "ktp", "kartu tanda penduduk", "e-ktp")
DETECTORS = (digits("ID_NIK", r"[1-9][0-9]{15}", nik.is_valid, _NIK, near=0.9, alone=0.0),)
