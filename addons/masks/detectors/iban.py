"""International bank account numbers. Sources: ISO 13616-1 (structure, mod 97-10), SWIFT IBAN registry (lengths)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stdnum.iso7064 import mod_97_10

from addons.masks.detectors.kinds import Found, compact
from addons.masks.expressions import Expression, expression
from addons.masks.sight import NEUTRAL, Sight, Where

_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FK", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
_START = expression(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?:[ .\-]?[A-Z0-9]){11,30}")
_ANY_CASE = expression(r"(?i)(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?:[ .\-]?[A-Z0-9]){11,30}")


@dataclass(frozen=True, slots=True)
class Iban:
    """Reads as many characters as the country's length says: the words after it may be capitals too."""

    entity: str = "IBAN_CODE"
    confidence: float = 0.95
    pattern: Expression = field(default=_START)

    @property
    def entities(self) -> frozenset[str]:
        return frozenset({self.entity})

    def find(self, sight: Sight) -> Iterator[Found]:
        if not sight.digits:
            return
        strip = sight.strip(Where.CAPITALS)
        for match in sight.each(_START, strip.text) if strip.text else ():
            if found := self._read(match[0], strip.source(match.start())):
                yield found
        if b"iban" in sight.low:
            for match in sight.each(_ANY_CASE, sight.text):
                if found := self._read(match[0], match.start()):
                    yield found

    def _read(self, run: str, start: int) -> Found | None:
        length = _LENGTHS.get(run[:2].upper(), 0)
        places = [index for index, letter in enumerate(run) if letter.isalnum()]
        if not length or len(places) < length or run[places[length - 1] + 1 : places[length - 1] + 2].isalnum():
            return None
        end = places[length - 1] + 1
        value = compact(run[:end])
        if NEUTRAL in value or not mod_97_10.is_valid(value[4:] + value[:4]):
            return None
        return Found(start, start + end, self.entity, self.confidence, value)


DETECTOR = Iban()
