"""What may be spent on one tool call, in work and not in time: every machine reads the same rows from the same bytes.

The figures keep an argument, however hostile, to about a tenth of a second and a tenth for each MB. What is left when a budget is gone becomes
one row with the verb UNKNOWN and the text: too much to read is never the same as nothing to see.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Work(StrEnum):
    ROWS = "rows"
    SQL_TOKENS = "sql tokens"  # once a way of reading
    SQL_TREE_CHARACTERS = "sql tree characters"  # parsed into a tree, once a dialect
    SHELL_TOKENS = "shell tokens"  # parsed into a tree
    SHELL_FAULTS = (
        "shell faults"  # squared tokens of scripts that did not parse: the parser's recovery is quadratic there
    )
    CODE_CHARACTERS = "code characters"  # parsed by ast
    SCAN_CHARACTERS = "scan characters"  # searched by regular expressions
    NESTED_CHARACTERS = "nested characters"  # of statements inside statements
    TEXT_CHARACTERS = "text characters"  # of the rows' texts together: $( $( … ) ) repeats itself at each level


# What a unit of each costs, in nanoseconds of one core as measured on the worst texts known (tests/commands/test_reading_is_bounded.py).
COSTS: Final = {
    Work.ROWS: 8_000,
    Work.SQL_TOKENS: 1_700,
    Work.SQL_TREE_CHARACTERS: 2_200,
    Work.SHELL_TOKENS: 8_000,
    Work.SHELL_FAULTS: 10,
    Work.CODE_CHARACTERS: 3_000,
    Work.SCAN_CHARACTERS: 280,
}
TOGETHER: Final = 85_000_000  # nanoseconds of all work on one call, and
A_CHARACTER: Final = 60  # for each of its characters
LIMITS: Final = {
    Work.ROWS: 2_000,
    Work.SQL_TREE_CHARACTERS: 10_000,  # of 85 ms, so that the words of the rest are still read
    Work.NESTED_CHARACTERS: 4_000_000,
    Work.TEXT_CHARACTERS: 100_000,
}


class Budget:
    """The one mutable value of this room; it lives for one call of read()."""

    __slots__ = ("_left", "_together")

    def __init__(self, characters: int = 0) -> None:
        """characters: of the tool call. Its rows' texts may be four times that."""
        self._together = TOGETHER + A_CHARACTER * characters
        self._left = dict(LIMITS)
        self._left[Work.TEXT_CHARACTERS] += 4 * characters

    def spend(self, work: Work, amount: int = 1) -> bool:
        """Takes the amount, or takes nothing and says False."""
        cost = COSTS.get(work, 0) * amount
        left = self._left.get(work, amount)
        if cost > self._together or amount > left:
            return False
        self._together -= cost
        if work in self._left:
            self._left[work] = left - amount
        return True

    def most(self, work: Work) -> int:
        """How much of it could be spent now."""
        return self._together // COSTS[work]

    def give_back(self, work: Work, amount: int) -> None:
        """Work that was feared and did not come."""
        self._together += COSTS[work] * amount
