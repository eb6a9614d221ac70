"""Germany: Personalausweis, old and new. Source: ICAO 9303."""

from __future__ import annotations

from addons.masks.detectors.de_passport import C, icao
from addons.masks.detectors.kinds import letters, words

_CARD = words(
    "personalausweis", "ausweis", "ausweisnummer", "personalausweisnummer", "identity card", "id card", "perso"
)
DETECTORS = (
    letters(
        "DE_ID_CARD",
        rf"[{C}][{C}0-9]{{8}}[0-9]?|T[0-9]{{8}}",
        lambda value: icao(value[:10]) if len(value) == 10 else True,
        _CARD,
        near=0.67,
        alone=0.5,
    ),
)
