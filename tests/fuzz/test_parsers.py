"""The fuzzer's own cases, for a while; `python -m tests.fuzz.parsers --seconds 600` looks longer, and at the time each takes."""

import pytest

from tests.fuzz.parsers import run, seeds


def test_some_cases_of_each_parser_raise_nothing() -> None:
    assert run(3, 7, judge_time=False, say=lambda _line: None) > 100


@pytest.mark.long
def test_many_cases_raise_nothing() -> None:
    assert run(60, 8, judge_time=False, say=lambda _line: None) > 1000


def test_the_fuzzer_begins_with_what_the_tests_know() -> None:
    assert len(seeds()) > 50
