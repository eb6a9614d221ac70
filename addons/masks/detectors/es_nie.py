"""Spain: number of a foreigner. Source: RD 557/2011."""

from __future__ import annotations

from stdnum.es import nie

from addons.masks.detectors.kinds import letters, words

_NIE = words("nie", "número de identificación de extranjero", "extranjero", "identificación", "foreigner")
DETECTORS = (
    letters(
        "ES_NIE",
        r"[XYZ][ \-]?[0-9]{7}[ \-]?[A-HJ-NP-TV-Z]",
        lambda value: bool(nie.is_valid(value)),
        _NIE,
        bare=0.65,
        near=0.9,
        alone=0.75,
        shapes=("A0000000", "A-0000000", "A 0000000"),
    ),
)
