"""A policy file as a tree that still knows its lines. Values only; load.py makes them from YAML, fields.py reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Scalar:
    line: int
    value: str | int | bool | None


@dataclass(frozen=True, slots=True)
class Sequence:
    line: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    line: int
    key: str
    node: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    line: int
    entries: tuple[Entry, ...]  # no key twice


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> Any:
    """The same as str, int, bool, None, list and dict: what the digest of a set of policies is made of."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {entry.key: plain(entry.node) for entry in node.entries}
