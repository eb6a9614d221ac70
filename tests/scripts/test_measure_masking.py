"""What `scripts/measure masking` counts: hidden whole, under the right name, and false. Figures of speed are not judged here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from scripts.measuring.masking import of_cases, of_encodings, read
from scripts.measuring.masking_corpus import documents
from scripts.measuring.masking_streams import said, scope_of
from scripts.measuring.stream_formats import FORMATS, Format

CASES = [
    {"source": "presidio", "entity": "CREDIT_CARD", "text": "4111 1111 1111 1111", "expected": [[0, 19]], "must_match": True},
    {"source": "presidio", "entity": "US_SSN", "text": "nothing here", "expected": [[0, 7]], "must_match": True},
    {"source": "presidio", "entity": "US_SSN", "text": "SSN 078-05-1123", "expected": None, "must_match": False},
    {"source": "scanner", "entity": "key", "text": 'k = "AKIA3TPQ7XJ5WZK2M4NB"', "expected": [[5, 26]], "must_match": True, "prefixed": True},
]  # fmt: skip


@pytest.fixture
def rows(tmp_path: Path) -> dict[str, float]:
    path = tmp_path / "cases.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, CASES)).encode()))
    return {row.name: row.value for row in of_cases(read(path))[0]}


def test_recall_and_false_positives_are_counted_by_source(rows: dict[str, float]) -> None:
    assert rows["recall.presidio"] == 0.5
    assert rows["typed_recall.presidio"] == 0.5
    assert rows["typed_false_positives"] == 1.0
    assert rows["precision.presidio"] == 0.5  # one right under CREDIT_CARD, none of one under US_SSN


def test_the_quote_behind_a_value_is_not_asked_for(rows: dict[str, float]) -> None:
    assert rows["recall.scanner"] == rows["recall_with_prefix"] == 1.0


def test_the_corpus_is_the_same_for_the_same_seed_and_says_where_values_stand() -> None:
    made = list(documents(60_000))

    assert made == list(documents(60_000))
    assert all(each.text[start:end].strip() for each in made for start, end, _ in each.planted)
    assert sum(len(each.planted) for each in made) > 10


def test_encodings_are_counted() -> None:
    rows = {row.name: row for row in of_encodings()[0]}

    assert (rows["encodings_ratio"].met, rows["encodings"].met) == ("aim", "must")


@pytest.mark.parametrize("form", FORMATS, ids=[form.name for form in FORMATS])
def test_a_value_cut_in_two_by_a_stream_is_recorded_as_the_whole_one(form: Format) -> None:
    value, scope = "4111 1111 1111 1111", scope_of()

    texts = {tuple(said(scope, form, [f"it is {value[:cut]}", f"{value[cut:]} so"])) for cut in range(1, len(value))}

    assert len(texts) == 1
    assert "[CREDIT_CARD:" in "".join(texts.pop())
