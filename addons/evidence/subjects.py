"""The people and workloads of this store: one key each, and the pseudonym that leaves carry. Not identities: those come from tokens.

A subject's key is made when its first record is, and is durable with that record. Destroying it (with the contents) makes every id and
pseudonym of that subject a random number, in the store and in each copy of the log.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

from addons.evidence.canonical import storable
from addons.evidence.ids import Random

_PSEUDONYM = b"affidavit/subject/v1\0"


@dataclass(slots=True, eq=False)
class Subject:
    """A row of `subjects`; `durable` once it is committed."""

    number: int
    name: str = field(repr=False)
    key: bytes = field(repr=False)
    pseudonym: str
    durable: bool = False


class Subjects:
    """All subjects, by name. Any thread may ask; a new one is made at most once."""

    def __init__(self, rows: Iterable[tuple[int, str, bytes, str]], random: Random) -> None:
        self._by_name = {name: Subject(number, name, key, shown, durable=True) for number, name, key, shown in rows}
        self._last = max((subject.number for subject in self._by_name.values()), default=0)
        self._random = random
        self._lock = Lock()

    def of(self, name: str) -> Subject:
        found = self._by_name.get(name)
        return self._made(storable(name)) if found is None else found

    def erased(self, name: str) -> None:
        """Their row is gone. A record that comes after all writes it again; the key is in this process's memory until it ends."""
        if name in self._by_name:
            self._by_name[name].durable = False

    def _made(self, name: str) -> Subject:
        with self._lock:
            found = self._by_name.get(name)
            if found is None:
                self._last += 1
                key = self._random(32)
                found = self._by_name[name] = Subject(self._last, name, key, pseudonym_of(key, name))
            return found


def pseudonym_of(key: bytes, name: str) -> str:
    """What a leaf says instead of a name: `sj_` and 32 hex digits."""
    return "sj_" + hmac.digest(key, _PSEUDONYM + name.encode(), "sha256").hex()[:32]
