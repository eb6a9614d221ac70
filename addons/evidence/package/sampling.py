r"""Which rows are looked at: chosen by an auditor's own words and the log's root, so that neither side can choose. Not what a sample shows.

    rank = SHA-256("affidavit/sample/v1\n" seed "\n" root in hex "\n" name of the row)     the lowest ranks are the sample

By hand: printf 'affidavit/sample/v1\nSEED\nROOT\nex_…' | sha256sum. The root was signed before the seed was known: whoever wants the
sample to be out of the company's hands gives the seed after the period has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from heapq import nsmallest
from typing import NamedTuple


class Drawn(NamedTuple):
    rank: str
    name: str


def draw(names: Iterable[str], seed: str, root: str, count: int) -> list[Drawn]:
    """The sample, lowest rank first; all of them where there are no more than `count`. Holds `count` rows, however many there are."""
    first = sha256(f"affidavit/sample/v1\n{seed}\n{root}\n".encode())

    def rank(name: str) -> Drawn:
        whole = first.copy()
        whole.update(name.encode())
        return Drawn(whole.hexdigest(), name)

    return nsmallest(count, map(rank, names))
