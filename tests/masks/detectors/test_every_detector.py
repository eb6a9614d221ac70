"""Every detector of the catalogue, by one table: what it finds, what only looks like it, what context and check digits do to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from addons.masks.detectors import CREDENTIAL, DETECTORS, ENTITIES
from addons.masks.detectors.forms import Form, Forms
from addons.masks.detectors.kinds import SURE, Anchored, Detector, Found, Pattern, anything
from addons.masks.folding import folded
from addons.masks.sight import Sight
from addons.masks.views import View
from tests.masks.detectors.cases import CASES, REFUSED
from tests.masks.detectors.keys import KEYS

WRITTEN = [one for one in DETECTORS if isinstance(one, (Pattern, Anchored))]
ROWS = [row for table in DETECTORS if isinstance(table, Forms) for row in table.table]
NEUTRAL = "lot {} left"


def label(one: Detector) -> str:
    """The detectors of an entity are told apart by number."""
    (entity,) = one.entities
    same = [other for other in WRITTEN if other.entities == one.entities]
    return f"{entity}-{same.index(one)}" if len(same) > 1 else entity


def finds(detector: Detector, text: str) -> Iterator[Found]:
    view = folded(View(text))
    return detector.find(Sight(view.text, "", alone=False))


def examples(detector: Detector) -> list[tuple[str, str, Found]]:
    """Of the entity's cases those that this detector finds: text, value, and how."""
    (entity,) = detector.entities
    found = CASES[entity][0] if entity in CASES else ()
    return [(text, text[hit.start : hit.end], hit) for text, _ in found for hit in finds(detector, text)]


def test_the_table_has_every_entity() -> None:
    assert CASES.keys() == ENTITIES - {CREDENTIAL}  # by place or by value: test_masks_http.py, test_masks_injected.py


@pytest.mark.parametrize(
    ("entity", "text", "value"), [(name, *one) for name, (found, _) in CASES.items() for one in found]
)
def test_a_value_is_found_under_its_name(named, entity: str, text: str, value: str) -> None:
    assert named(entity, text) == [value]


@pytest.mark.parametrize(("entity", "text"), [(name, text) for name, (_, missed) in CASES.items() for text in missed])
def test_what_only_looks_like_one_is_not(named, entity: str, text: str) -> None:
    assert named(entity, text) == []


@pytest.mark.parametrize("entity", CASES)
def test_each_has_a_match_and_a_near_miss(entity: str) -> None:
    found, missed = CASES[entity]

    assert found
    assert missed


@pytest.mark.parametrize("detector", WRITTEN, ids=label)
def test_no_detector_is_without_an_example(detector: Detector) -> None:
    assert examples(detector)


@pytest.mark.parametrize("detector", [one for one in WRITTEN if one.context], ids=label)
def test_context_decides_or_makes_surer(detector: Pattern | Anchored) -> None:
    _, value, _ = near = max(examples(detector), key=lambda one: one[2].confidence)
    alone = [hit.confidence for hit in finds(detector, NEUTRAL.format(value))]

    assert near[2].confidence == detector.with_context
    assert alone == ([detector.confidence] if detector.confidence >= SURE else [])


@pytest.mark.parametrize("detector", [one for one in WRITTEN if one.valid is not anything], ids=label)
def test_what_its_check_refuses_is_not_found(detector: Pattern | Anchored) -> None:
    (entity,) = detector.entities
    tried = [(text, value, other) for text, value, _ in examples(detector) for other in changed(value)]
    tried += [(text, value, value) for text, value in REFUSED.get(entity, ())]
    refused = [
        (text, value, other)
        for text, value, other in tried
        if fits(detector, text.replace(value, other), other) and not detector.valid(detector.canonical(other))
    ]

    assert refused
    for text, value, other in refused:
        said = text.replace(value, other)
        assert other not in [said[hit.start : hit.end] for hit in finds(detector, said)]


def changed(value: str) -> Iterator[str]:
    """The value with one digit or letter made another."""
    for place, letter in enumerate(value):
        others = (
            "0123456789" if letter.isdigit() else "ABKXZ" if letter.isupper() else "abkxz" if letter.islower() else ""
        )
        yield from (value[:place] + other + value[place + 1 :] for other in others if other != letter)


def fits(detector: Pattern | Anchored, text: str, value: str) -> bool:
    """Whether its pattern alone would take the value."""
    group = "value" if "value" in detector.pattern.groupindex else 0
    ways = [detector.pattern, *([detector.long] if isinstance(detector, Pattern) and detector.long else [])]
    return any(match[group] == value for way in ways for match in way.finditer(folded(View(text)).text))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.vendor)
def test_each_row_of_the_vendors_tables_has_a_key_and_a_shorter_one_is_none(row: Form) -> None:
    own = [key for key in KEYS if row.pattern.fullmatch(key)]

    assert own
    assert all(row.pattern.fullmatch(key[:8]) is None for key in own)
