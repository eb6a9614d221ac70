"""Shell scripts into rows: each simple command its own, with what it carries (SQL, HTTP, code, another script). Nothing is run.

Wrappers are rows and so is what they wrap: `sudo rm x` is sudo and rm. Variables that the script sets to literals are followed
(`x=rm; $x -rf /`); a verb that only the machine knows is UNKNOWN, never left out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from addons.commands import shell_text, shell_tree
from addons.commands.budget import Budget, Work
from addons.commands.shell_clients import Stdin
from addons.commands.shell_simple import Scope, Simple, read_simple
from addons.commands.shell_text import HEAVIEST, Fragment
from addons.commands.shell_walk import Walk
from addons.commands.shell_words import Field, Set
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row

Variables = Mapping[str, Set]
_Key = tuple[str, tuple[str, ...]] | tuple[str, str]


def read_shell(script: str, budget: Budget, variables: Variables | None = None) -> Iterator[Found]:
    seen: set[_Key] = set()
    weight = shell_text.weigh(script)
    broken = weight > HEAVIEST or not budget.spend(Work.SHELL_FAULTS, weight**2)
    if not broken:
        tree = shell_tree.parse(script)
        broken = tree.has_error or _MISREAD.search(script) is not None
        if not broken:
            budget.give_back(Work.SHELL_FAULTS, weight**2)
        for found in Walk(dict(variables or {})).rows(tree):
            seen.add(_key(found))
            yield found
    if broken:
        for found in _piecemeal(script, budget, dict(variables or {})):
            if _key(found) not in seen:
                seen.add(_key(found))
                yield found
    if not seen and script.strip():
        yield Row(Language.SHELL, UNKNOWN if broken else ":", (), script)


_MISREAD: Final = re.compile(r"`\s+`")  # the parser takes `a` `b` for one substitution, and says nothing


def _key(found: Found) -> _Key:
    return (found.verb, found.objects) if isinstance(found, Row) else (found.language, found.text)


# What a compound command leaves behind when it is cut to pieces; the commands in it are fragments of their own.
_REMAINS: Final = re.compile(r"\s*(?:(?:for|case|select|function|esac|fi|done|in|;;)\b|\}|[^\s]*\Z(?<=\())")


_PER_FRAGMENT: Final = 3  # tokens' worth of work, even for an empty one


def _piecemeal(script: str, budget: Budget, variables: dict[str, Set]) -> Iterator[Found]:
    """Fragment by fragment: for scripts that the parser is not to be given whole, or did not understand."""
    walk = Walk(variables)
    for fragment in shell_text.fragments(script):
        if not budget.spend(Work.SHELL_TOKENS, min(fragment.weight, HEAVIEST) + _PER_FRAGMENT):
            yield Row(Language.SHELL, UNKNOWN, (), script[fragment.start :])
            return
        text = shell_text.bare(fragment.text[: fragment.light_end])
        if text.strip() and not fragment.is_pattern and not _REMAINS.match(text):
            yield from _fragment(text, fragment, walk, budget)


def _fragment(text: str, fragment: Fragment, walk: Walk, budget: Budget) -> Iterator[Found]:
    weight = min(fragment.weight, HEAVIEST)
    if not budget.spend(Work.SHELL_FAULTS, weight**2):
        yield Row(Language.SHELL, UNKNOWN, (), fragment.text)
        return
    tree = shell_tree.parse(text)
    if not tree.has_error:
        budget.give_back(Work.SHELL_FAULTS, weight**2)
    stdin = Stdin(fragment.here) if fragment.here is not None else Stdin() if fragment.piped else None
    rows = list(walk.rows(tree, stdin))
    yield from rows
    hidden = (text if tree.has_error else "", fragment.here if fragment.here and not fragment.here_is_literal else "")
    for script in (script for held in hidden for script in shell_text.substitutions(held)):
        yield Inner(Language.SHELL, script)
    if fragment.weight > HEAVIEST or (tree.has_error and not rows):
        yield Row(Language.SHELL, UNKNOWN, (), fragment.text)


def read_argv(words: Sequence[str]) -> Iterator[Found]:
    """A command that is already words, as execve would get them: no shell, nothing expanded."""
    yield from read_simple(Simple(tuple(Field(word) for word in words), shlex.join(words)), Scope())
