"""How many of the people needed have agreed. Nobody counts for two seats. Pure; who may vote at all is state.py's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Quorum:
    """So many different people, each in one of these groups."""

    groups: tuple[str, ...]
    count: int


def in_groups(groups: Sequence[str], wanted: Sequence[str]) -> bool:
    return EVERYONE in wanted or not set(wanted).isdisjoint(groups)


def vacant(quorums: Sequence[Quorum], voters: Sequence[Sequence[str]]) -> int:
    """Seats that are still empty when everybody sits as well as can be. voters: the groups of each who agreed.

    Augmenting paths (Kuhn): one of two groups who sits in the wrong one makes room for the next.
    """
    seats = [quorum.groups for quorum in quorums for _ in range(quorum.count)]
    taken: dict[int, int] = {}  # seat -> voter

    def sits(voter: int, tried: set[int]) -> bool:
        for seat, wanted in enumerate(seats):
            if seat not in tried and in_groups(voters[voter], wanted):
                tried.add(seat)
                if seat not in taken or sits(taken[seat], tried):
                    taken[seat] = voter
                    return True
        return False

    for voter in range(len(voters)):
        sits(voter, set())
    return len(seats) - len(taken)


def still_asked(quorums: Sequence[Quorum], voters: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The groups of which one more person would fill a seat, in the order of the rule."""
    empty = vacant(quorums, voters)
    groups = dict.fromkeys(group for quorum in quorums for group in quorum.groups)
    return tuple(group for group in groups if vacant(quorums, [*voters, (group,)]) < empty)
