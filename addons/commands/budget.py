"""What may be spent on one tool call, in work and not in time: every machine reads the same rows from the same bytes.

The figures keep an argument of 1 MB, however hostile, below a second. What is left when a budget is gone becomes one row
with the verb UNKNOWN and the text: too much to read is never the same as nothing to see.
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


LIMITS: Final = {
    Work.ROWS: 2_000,
    Work.SQL_TOKENS: 200_000,
    Work.SQL_TREE_CHARACTERS: 80_000,
    Work.SHELL_TOKENS: 40_000,
    Work.SHELL_FAULTS: 5_000_000,
    Work.CODE_CHARACTERS: 100_000,
    Work.SCAN_CHARACTERS: 2_500_000,
    Work.NESTED_CHARACTERS: 4_000_000,
    Work.TEXT_CHARACTERS: 100_000,
}


class Budget:
    """The one mutable value of this room; it lives for one call of read()."""

    __slots__ = ("_left",)

    def __init__(self, characters: int = 0) -> None:
        """characters: of the tool call. Its rows' texts may be four times that."""
        self._left = dict(LIMITS)
        self._left[Work.TEXT_CHARACTERS] += 4 * characters

    def spend(self, work: Work, amount: int = 1) -> bool:
        """Takes the amount, or takes nothing and says False."""
        if self._left[work] < amount:
            return False
        self._left[work] -= amount
        return True

    def give_back(self, work: Work, amount: int) -> None:
        """Work that was feared and did not come."""
        self._left[work] += amount
