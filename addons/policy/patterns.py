"""Regular expressions of policies, refused where a text could make them run for minutes. Not detectors: those are addons/masks.

Prompts are written by strangers, and `re` can neither be interrupted nor let other threads run. So each pattern's worst case is
counted before it is used: how many single steps one starting position can cost when everything is tried and nothing fits.
`a{1,20}b` costs at most 20 + 20; `(a{1,20}){1,20}` costs 20^20. It is counted on the standard library's own parse tree.
"""

from __future__ import annotations

import re
import warnings
from re import _constants as op  # type: ignore[attr-defined]  # private, and the only reader that agrees with `re` itself
from re import _parser  # type: ignore[attr-defined]
from typing import Any

PATTERN_CHARACTERS = 500
REPEATS = 1000
STEPS = 1000

_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)


class PatternRefused(ValueError):  # noqa: N818 - a decision, not a fault of ours
    """`expected, got, do` of a pattern that is not used."""

    def __init__(self, expected: str, got: str, do: str) -> None:
        super().__init__(f"expected {expected}, got {got}; {do}")
        self.parts = (expected, got, do)


def compile_pattern(text: str) -> re.Pattern[str]:
    if not 0 < len(text) <= PATTERN_CHARACTERS:
        raise PatternRefused(
            f"a pattern of 1-{PATTERN_CHARACTERS} characters", f"{len(text)}", "make it shorter, or two rules"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what will change its meaning in a later Python is refused today
            compiled = re.compile(text)
            steps = _sequence(_parser.parse(text))[1]
    except (re.error, OverflowError, RecursionError, Warning) as fault:
        reason = fault.msg if isinstance(fault, re.error) else "one that is not clear"
        raise PatternRefused("a regular expression of Python's re", reason, "correct it") from None
    if compiled.search("") is not None:
        raise PatternRefused(
            "a pattern that needs at least one character", "one that fits every text", "leave the key out"
        )
    if steps > STEPS:
        raise PatternRefused(
            f"a pattern that tries at most {STEPS} steps from one place",
            "one that can try more",
            "use smaller bounds, or possessive ones ({1,20}+), which give nothing back",
        )
    return compiled


def _sequence(items: Any) -> tuple[int, int]:
    """(in how many ways it can fit from one place, how many steps trying all of them costs)."""
    ways, steps = 1, 0
    for item in items:
        item_ways, item_steps = _item(*item)
        steps = _capped(steps + ways * item_steps)
        ways = _capped(ways * item_ways)
    return ways, steps


def _item(code: Any, argument: Any) -> tuple[int, int]:
    if code in _REPEATS:
        return _repeat(*argument)
    if code is op.POSSESSIVE_REPEAT:
        return 1, _repeat(*argument)[1]
    if code is op.SUBPATTERN:
        return _sequence(argument[-1])
    if code is op.ATOMIC_GROUP:
        return 1, _sequence(argument)[1]
    if code in (op.ASSERT, op.ASSERT_NOT):
        return 1, _sequence(argument[1])[1]
    if code is op.BRANCH:
        return _either(argument[1])
    if code is op.GROUPREF_EXISTS:
        return _either([argument[1], argument[2] or []])
    return 1, 1


def _either(branches: Any) -> tuple[int, int]:
    counted = [_sequence(branch) for branch in branches]
    return _capped(sum(ways for ways, _ in counted)), _capped(sum(steps for _, steps in counted))


def _repeat(low: Any, high: Any, body: Any) -> tuple[int, int]:
    if high is op.MAXREPEAT or high > REPEATS:
        raise PatternRefused(
            f"repeats with an end of at most {REPEATS}", "one without", "write {0,40} for *, {1,40} for +"
        )
    body_ways, body_steps = _sequence(body)
    ways, steps, reached = 0, 0, 1
    for count in range(high + 1):
        ways = _capped(ways + (reached if count >= low else 0))
        steps = _capped(steps + (reached * body_steps if count < high else 0))
        reached = _capped(reached * body_ways)
    return ways, steps


def _capped(number: int) -> int:
    return min(number, STEPS + 1)
