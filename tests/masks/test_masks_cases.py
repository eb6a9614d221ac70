"""Test cases of large scanners: how much of what they expect is covered. The file is not part of the repository; without it nothing is measured."""

import gzip
import json
from collections import defaultdict
from pathlib import Path

import pytest

from addons.masks.detection import detect
from tests.masks.conftest import KEY

CASES = Path(__file__).parents[3] / "shared" / "masking" / "cases.jsonl.gz"
RECALL = {
    "presidio": 0.98,
    "presidio-context": 1.0,
    "gitleaks": 0.97,
    "detect-secrets": 0.97,
    "noseyparker": 0.82,
    "kingfisher": 0.79,
    "secretlint": 0.8,
    "scrubadub": 0.5,
}
QUIET = {"presidio": 0.99, "detect-secrets": 0.75, "gitleaks": 0.65, "noseyparker": 0.6}  # what is to be left alone

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason="the test cases (../shared/masking) are not part of the repository"
)


def cases(must_match):
    by_source = defaultdict(list)
    for line in gzip.decompress(CASES.read_bytes()).splitlines():
        case = json.loads(line)
        if case["must_match"] is must_match:
            by_source[case["source"]].append(case)
    return by_source


def is_covered(case):
    covered = set()
    for span in detect(case["text"], "", KEY):
        covered.update(range(span.start, span.end))
    return all(covered.issuperset(range(start, end)) for start, end in case["expected"] or ()) and bool(covered)


def is_left_alone(case):
    spans = detect(case["text"], "", KEY)
    if case["source"].startswith("presidio"):
        return all(span.entity != case["entity"] for span in spans)
    return not spans


def share(judge, of):
    return sum(map(judge, of)) / len(of)


@pytest.mark.long
@pytest.mark.parametrize("source", RECALL)
def test_what_a_scanner_expects_is_covered(source):
    assert share(is_covered, cases(True)[source]) >= RECALL[source]


@pytest.mark.long
@pytest.mark.parametrize("source", QUIET)
def test_what_a_scanner_leaves_alone_is_left_alone(source):
    assert share(is_left_alone, cases(False)[source]) >= QUIET[source]
