"""How names are matched by what the policies give: groups, and globs. Not hosts (hosts.py), not texts (patterns.py)."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from addons.policy.model import EVERYONE


def in_groups(groups: Iterable[str], wanted: tuple[str, ...]) -> bool:
    """Whether one of `groups` is wanted; "*" wants everybody."""
    return EVERYONE in wanted or not set(wanted).isdisjoint(groups)


def fits_one(name: str, globs: tuple[str, ...]) -> bool:
    return EVERYONE in globs or any(fnmatchcase(name, glob) for glob in globs)


def folded_fit(name: str, globs: tuple[str, ...]) -> bool:
    """As fits_one, ignoring letter case and outer blanks: a spelling that a provider accepts must not get round a denial."""
    if EVERYONE in globs:  # as most lists are
        return True
    folded = name.strip().casefold()
    return any(fnmatchcase(folded, glob.casefold()) for glob in globs)
