"""What is looked for, entity by entity: country, confidence, context words. Read off the detectors, never written beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from addons.masks.detectors import CREDENTIAL, DETECTORS, ENTITIES, OFF_BY_DEFAULT, assigned, credentials_in_urls
from addons.masks.detectors.aws_access_key import SecretKey
from addons.masks.detectors.forms import Forms
from addons.masks.detectors.iban import Iban
from addons.masks.detectors.kinds import SURE, Anchored, Detector, Pattern
from addons.masks.detectors.named_nearby import Announced

_COUNTRY_OF = {"ABA_ROUTING_NUMBER": "US", "MEDICAL_LICENSE": "US"}  # where Presidio's name does not say it
_NO_COUNTRY = frozenset({"IP"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One entity. Confidences are the highest of its detectors; below SURE a value is none without context, or without being all that was said."""

    entity: str
    country: str  # ISO 3166-1 alpha-2, but UK and EU as in the entity's name; "": everywhere
    confidence: float
    with_context: float
    detectors: int
    default: str  # "on", or "off": not looked for unless the policy says so

    @property
    def needs_context(self) -> bool:
        return self.confidence < SURE

    def told(self) -> dict[str, Any]:
        return {**asdict(self), "needs_context": self.needs_context}


def entries() -> tuple[Entry, ...]:
    """All of them, by name."""
    rows = [(CREDENTIAL, 1.0, 1.0), *(row for one in DETECTORS for row in _confidences(one))]
    return tuple(
        _entry(entity, [(bare, near) for name, bare, near in rows if name == entity]) for entity in sorted(ENTITIES)
    )


def _entry(entity: str, levels: list[tuple[float, float]]) -> Entry:
    prefix = entity.partition("_")[0]
    country = prefix if len(prefix) == len("XX") and prefix not in _NO_COUNTRY and "_" in entity else ""
    bare, near = max(one for one, _ in levels), max(one for _, one in levels)
    return Entry(
        entity,
        _COUNTRY_OF.get(entity, country),
        bare,
        max(bare, near),
        len(levels),
        "off" if entity in OFF_BY_DEFAULT else "on",
    )


def _confidences(detector: Detector) -> Iterator[tuple[str, float, float]]:
    """Entity, bare, with context."""
    match detector:
        case Pattern() | Anchored():
            yield detector.entity, detector.confidence, detector.with_context
        case Forms():
            yield from ((one.entity, one.confidence, one.confidence) for one in detector.table)
        case Iban() | SecretKey() | Announced():
            yield from ((entity, detector.confidence, detector.confidence) for entity in detector.entities)
        case assigned.Assigned():
            yield from ((entity, level, level) for entity, level in assigned.CONFIDENCES.items())
        case credentials_in_urls.Urls():
            yield from ((entity, level, level) for entity, level in credentials_in_urls.CONFIDENCES.items())
        case _:
            raise TypeError(type(detector))
