"""Sweden: number of a company. Source: Bolagsverket."""

from __future__ import annotations

from stdnum.se import orgnr

from addons.masks.detectors.kinds import digits, words

_SE_ORG = words("organisationsnummer", "org nr", "orgnr", "organisation", "företag", "bolag", "company", "org.nr")
DETECTORS = (
    digits(
        "SE_ORGANISATIONSNUMMER",
        r"[1-35-9][0-9][2-9][0-9]{3}-?[0-9]{4}",
        orgnr.is_valid,
        _SE_ORG,
        near=0.85,
        alone=0.57,
    ),
)
