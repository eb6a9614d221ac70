"""Germany: a doctor's number. Source: KBV."""

from __future__ import annotations

from addons.masks.detectors.kinds import digits, words

_DOCTOR = words("lanr", "arztnummer", "lebenslange arztnummer", "vertragsarzt", "arzt")


def _is_doctor(value: str) -> bool:
    """Seventh digit: ten less the sum weighted 4, 9."""
    total = sum(int(digit) * (4 if index % 2 == 0 else 9) for index, digit in enumerate(value[:6]))
    return (10 - total % 10) % 10 == int(value[6])


DETECTORS = (digits("DE_LANR", r"[0-9]{9}", _is_doctor, _DOCTOR, near=0.8, alone=0.0),)
