"""What is wrong with a set of policies: every fault of every file, each with its line. Not warnings: a set with a fault is not used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """`policies/masking.yaml:14: expected …, got …; do …`."""

    file: str
    line: int  # from 1
    text: str  # holds no value that could be a credential

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class PolicyFaults(Exception):  # noqa: N818 - it carries many faults
    """The set was not loaded. str: one fault a line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean "models"?`, or what there is to choose from."""
    names = sorted(known)
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{folded[close[0]]}"?'
    return f"known: {', '.join(names)}" if names else "none is known"
