"""A command's arguments into options and operands, by the little that must be known of each program. Not getopt for real:
what a program is not known to take is an operand, so that nothing is overlooked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from addons.commands.shell_words import Field


@dataclass(frozen=True, slots=True)
class Takes:
    """Which options of a program are followed by a value."""

    short: str = ""  # letters: "ug" for -u NAME, -g NAME
    long: frozenset[str] = frozenset()  # "user" for --user NAME and for -user NAME
    attached: str = ""  # letters whose value, if any, is the rest of the word: "p" for mysql's -psecret


@dataclass(frozen=True, slots=True)
class Parsed:
    options: tuple[tuple[str, Field], ...] = field(repr=False)  # ("X", POST), ("request", POST), ("v", empty)
    operands: tuple[int, ...]  # indexes into the arguments

    def values(self, *names: str) -> tuple[Field, ...]:
        return tuple(given for name, given in self.options if name in names)

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.options)


_EMPTY: Final = Field("")


def parse(arguments: Sequence[Field], takes: Takes, *, until_operand: bool = False) -> Parsed:
    """until_operand: everything from the first operand on is an operand, as for programs that run another."""
    options: list[tuple[str, Field]] = []
    operands: list[int] = []
    at, ended = 0, False
    while at < len(arguments):
        word = arguments[at].text
        if ended or word == "-" or not word.startswith("-"):
            operands.append(at)
            ended = ended or until_operand
        elif word == "--":
            ended = True
        else:
            found = _option(arguments, at, takes)
            options.extend(found)
            at += any(given is arguments[at + 1] for _, given in found) if at + 1 < len(arguments) else 0
        at += 1
    return Parsed(tuple(options), tuple(operands))


def _option(arguments: Sequence[Field], at: int, takes: Takes) -> list[tuple[str, Field]]:
    """One argument: --name=value, --name value, -name value, -xvalue, -x value, -lc."""
    word = arguments[at]
    following = arguments[at + 1] if at + 1 < len(arguments) else _EMPTY
    name, equals, given = word.text.lstrip("-").partition("=")
    if equals and (word.text.startswith("--") or name in takes.long):
        return [(name, Field(given, max(0, word.known_from - len(word.text) + len(given))))]
    if name in takes.long:
        return [(name, following)]
    if word.text.startswith("--"):
        return [(name, _EMPTY)]
    found: list[tuple[str, Field]] = []
    for place, letter in enumerate(word.text[1:65], 2):
        if letter in takes.attached and word.text[place:]:
            break
        if letter in takes.short:
            attached = word.text[place:]
            found.append((letter, Field(attached, max(0, word.known_from - place)) if attached else following))
            break
        found.append((letter, _EMPTY))
    return found
