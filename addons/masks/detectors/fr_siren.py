"""France: SIREN and SIRET of a company. Source: INSEE."""

from __future__ import annotations

from stdnum.fr import siren, siret

from addons.masks.detectors.kinds import digits, words

_SIREN = words("siren", "siret", "rcs", "entreprise", "tva")
DETECTORS = (
    digits("FR_SIREN", r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", siren.is_valid, _SIREN, near=0.8, alone=0.0),
    digits("FR_SIREN", r"[0-9]{3} ?[0-9]{3} ?[0-9]{3} ?[0-9]{5}", siret.is_valid, _SIREN, near=0.8, alone=0.0),
)
