"""A detector in a process of its own: found, in time, or the text is withheld."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addons.console.analyzer import Analyzer, AnalyzerFailed
from addons.masks.custom import extra
from addons.masks.engine import Masker
from addons.masks.rules import Action, Rule

WORKER = """\
import json, sys, time
count = 0
for line in sys.stdin:
    count += 1
    asked = json.loads(line)
    if "slow" in asked["text"]:
        time.sleep(60)
    if "die" in asked["text"]:
        sys.exit(1)
    at = asked["text"].find("Jane Doe")
    spans = [[at, at + 8, "PERSON", 0.85]] if at >= 0 else []
    if "lie" in asked["text"]:
        spans = [[0, 10**6, "PERSON", 0.85]]
    print("no json" if "garble" in asked["text"] else json.dumps({"spans": spans}), flush=True)
"""
Make = Callable[..., Analyzer]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    path, made = tmp_path / "worker.py", []
    path.write_text(WORKER)

    def analyzer(seconds: float = 30.0, command: tuple[str, ...] = ()) -> Analyzer:
        made.append(Analyzer(command or (sys.executable, str(path)), ("PERSON",), "en", seconds))
        return made[-1]

    yield analyzer
    for one in made:
        one.close()


def masked(analyzer: Analyzer, text: str):
    rule = Rule("all", ("*",), Action.REDACT)
    return (
        Masker((rule,), bytes(32), bytes(32), 1 << 20, extra=extra((), (analyzer,)))
        .scope("c", (), "request")
        .text(text)
    )


def test_a_name_that_the_model_finds_is_masked_beside_what_patterns_find(make: Make) -> None:
    assert masked(make(), "Jane Doe, jane@corp.org").text == "[PERSON], [EMAIL_ADDRESS]"


def test_what_is_masked_already_is_not_found_again(make: Make) -> None:
    assert masked(make(), "[PERSON] and Jane Doe").text == "[PERSON] and [PERSON]"


@pytest.mark.parametrize("text", ["please die, Jane Doe", "garble Jane Doe", "a lie on Jane Doe"])
def test_without_an_answer_to_trust_nothing_of_the_text_is_shown(make: Make, text: str) -> None:
    analyzer = make()

    assert (masked(analyzer, text).text, masked(analyzer, text).withheld) == ("[WITHHELD]", True)
    assert masked(analyzer, "Jane Doe again").text == "[PERSON] again"  # started anew


def test_a_slow_answer_is_none(make: Make) -> None:
    assert masked(make(seconds=0.3), "a slow one").withheld


def test_an_analyzer_that_cannot_start_is_told_at_the_start(make: Make) -> None:
    with pytest.raises(AnalyzerFailed, match="did not answer"):
        make(command=(sys.executable, "-c", "raise SystemExit(1)")).check()
