r"""Which rows are looked at: chosen by an auditor's own words and the log's root, so that neither side can choose. Not what a sample shows.

    rank = SHA-256("affidavit/sample/v1\n" seed "\n" root in hex "\n" name of the row)     the lowest ranks are the sample

By hand: printf 'affidavit/sample/v1\nSEED\nROOT\nex_…' | sha256sum. The root was signed before the seed was known: whoever wants the
sample to be out of the company's hands gives the seed after the period has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from heapq import nsmallest
from math import exp, lgamma, log, log1p
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


def upper_bound(misses: int, looked_at: int, confidence: float = 0.95) -> float:
    """The rate that the true one is below with this confidence, after `misses` in a random sample. Clopper and Pearson (1934), one-sided.

    The p at which so few misses, or fewer, would have been seen in only 1 - confidence of all samples.
    """
    if not 0 <= misses <= looked_at or not looked_at:
        raise ValueError(f"{misses} of {looked_at}: expected at least one looked at, and no more misses than that")
    if misses == looked_at:
        return 1.0
    low, high = misses / looked_at, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(misses, looked_at, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(misses: int, count: int, rate: float) -> float:
    """P(at most `misses` of `count`), each with probability `rate` in (0, 1)."""
    logs = (
        lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1) + k * log(rate) + (count - k) * log1p(-rate)
        for k in range(misses + 1)
    )
    return sum(map(exp, logs))
