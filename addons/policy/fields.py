"""Typed reading of a file's tree: every getter gives a value and notes a fault, so that one run finds all faults.

Not the grammar of any file (the read_*.py files); a value given after a fault is a placeholder, and is never used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from addons.policy.faults import Fault, nearest
from addons.policy.nodes import Entry, Mapping, Node, Scalar, Sequence

_SHOWN_CHARACTERS = 24  # a longer value may be a key that was pasted into the wrong place


@dataclass(frozen=True, slots=True)
class Form:
    """What a text must be: how it is called in a fault, and the check."""

    expected: str
    accepts: Callable[[str], bool]
    secret: bool = False  # its value is never shown


_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
ID = Form(
    "an id (1-63 of a-z 0-9 . _ -, beginning with a letter or digit)", lambda text: _ID.fullmatch(text) is not None
)


@dataclass(frozen=True, slots=True)
class Marked:
    """A text of the file and its line."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class _Mention:
    file: str
    name: Marked
    kinds: tuple[str, ...]


@dataclass(slots=True)
class Names:
    """Ids that the files declare and mention. Mentions are checked once all files are read."""

    declared: dict[tuple[str, str], str] = field(default_factory=dict)  # (kind, id) -> "file:line"
    mentions: list[_Mention] = field(default_factory=list)

    def faults(self) -> Iterable[Fault]:
        for mention in self.mentions:
            known = [name for kind, name in self.declared if kind in mention.kinds]
            if not any(fnmatchcase(name, mention.name.text) for name in known):
                what = " or ".join(mention.kinds)
                yield Fault(
                    mention.file,
                    mention.name.line,
                    f"expected the id of a {what}, got {shown(mention.name.text)}; {nearest(mention.name.text, known)}",
                )


@dataclass(frozen=True, slots=True)
class Reading:
    """One file being read: its name, and where its faults and names go."""

    file: str
    faults: list[Fault]
    names: Names

    def fault(self, line: int, expected: str, got: str, do: str) -> None:
        self.faults.append(Fault(self.file, line, f"expected {expected}, got {got}; {do}"))

    def declare(self, kind: str, name: Marked) -> None:
        """Ids are unique among their kind."""
        if not name.text:
            return
        first = self.names.declared.get((kind, name.text))
        if first is not None:
            self.fault(
                name.line, f"a {kind} once", f"{shown(name.text)}, which is at {first} too", "change one of the two"
            )
        self.names.declared.setdefault((kind, name.text), f"{self.file}:{name.line}")

    def mention(self, name: Marked, *kinds: str) -> None:
        if name.text:
            self.names.mentions.append(_Mention(self.file, name, kinds))


class Fields:
    """One mapping of a file. keys: all that it may hold. node None: unreadable, and the fault is noted already."""

    def __init__(self, reading: Reading, node: Node | None, what: str, keys: tuple[str, ...]) -> None:
        self.reading = reading
        self.line = node.line if node else 1
        self.what = what
        self.readable = isinstance(node, Mapping)
        self._entries: dict[str, Entry] = {}
        if node is None:
            return
        if not isinstance(node, Mapping):
            reading.fault(node.line, f"{what} as keys and values ({', '.join(keys)})", kind(node), "write it so")
            return
        for entry in node.entries:
            if entry.key in keys:
                self._entries[entry.key] = entry
            else:
                reading.fault(entry.line, f"a key of {what}", shown(entry.key), nearest(entry.key, keys))

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def at(self, key: str) -> int:
        """The line of a key; of the mapping, where it has none."""
        return self._entries[key].line if key in self._entries else self.line

    def node(self, key: str, *, required: bool = True) -> Node | None:
        if key in self._entries:
            return self._entries[key].node
        if required and self.readable:
            self.reading.fault(self.line, f'key "{key}" in {self.what}', "none", "add it")
        return None

    def own_id(self, kind: str) -> str:
        """The key `id`, declared."""
        name = Marked(self.text("id", ID), self.at("id"))
        self.reading.declare(kind, name)
        return name.text

    def text(self, key: str, form: Form, default: str | None = None) -> str:
        node = self.node(key, required=default is None)
        if node is None:
            return default or ""
        return self._formed(node, form).text

    def texts(self, key: str, form: Form, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        return tuple(item.text for item in self.marked(key, form, default))

    def marked(self, key: str, form: Form, default: tuple[str, ...] | None = None) -> tuple[Marked, ...]:
        """One text, or a list of them, none twice."""
        node = self.node(key, required=default is None)
        if node is None:
            return tuple(Marked(text, self.line) for text in default or ())
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self.reading.fault(
                node.line, f"one or more of {form.expected}", "an empty list", "add one, or leave the key out"
            )
        found: dict[str, Marked] = {}
        for item in (self._formed(item, form) for item in items):
            if item.text in found:
                self.reading.fault(item.line, "each only once", f"{shown(item.text, form)} again", "take one out")
            found.setdefault(item.text, item)
        return tuple(found.values())

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        node = self.node(key, required=default is None)
        if node is None:
            return low if default is None else default
        if isinstance(node, Scalar) and type(node.value) is int and low <= node.value <= high:
            return node.value
        self.reading.fault(node.line, f"{key} as a whole number ({low}-{high})", kind(node), "write one")
        return low

    def wholes(self, key: str, low: int, high: int, default: tuple[int, ...]) -> tuple[int, ...]:
        node = self.node(key, required=False)
        if node is None:
            return default
        items = node.items if isinstance(node, Sequence) else (node,)
        numbers = [item.value for item in items if isinstance(item, Scalar) and type(item.value) is int]
        if (
            numbers
            and len(numbers) == len(items) == len(set(numbers))
            and all(low <= number <= high for number in numbers)
        ):
            return tuple(numbers)
        self.reading.fault(
            node.line, f"{key} as different whole numbers ({low}-{high})", "something else", "write one or more"
        )
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        node = self.node(key, required=False)
        if node is None:
            return default
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.reading.fault(node.line, "true or false", kind(node), "write one of the two")
        return default

    def choice[Choice: StrEnum](self, key: str, choices: type[Choice], default: Choice | None = None) -> Choice:
        node = self.node(key, required=default is None)
        if node is None:
            return default or next(iter(choices))
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value in list(choices):
            return choices(node.value)
        word = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        self.reading.fault(node.line, f"{' | '.join(choices)} as {key}", kind(node), nearest(word, choices))
        return next(iter(choices))

    def inner(self, key: str, keys: tuple[str, ...], *, required: bool = True) -> Fields | None:
        node = self.node(key, required=required)
        return None if node is None else Fields(self.reading, node, key, keys)

    def each(self, key: str, what: str, keys: tuple[str, ...], *, required: bool = True) -> tuple[Fields, ...]:
        """A list of mappings; it may be empty."""
        node = self.node(key, required=required)
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            self.reading.fault(node.line, f"{key} as a list", kind(node), f'begin each {what} with "- "')
            return ()
        return tuple(Fields(self.reading, item, f"a {what}", keys) for item in node.items)

    def _formed(self, node: Node, form: Form) -> Marked:
        if isinstance(node, Scalar) and isinstance(node.value, str) and form.accepts(node.value):
            return Marked(node.value, node.line)
        got = kind(node, form)
        do = "put it in quotes" if isinstance(node, Scalar) and type(node.value) in (int, bool) else "write it so"
        self.reading.fault(node.line, form.expected, got, do)
        return Marked("", node.line)


def kind(node: Node, form: Form | None = None) -> str:
    """What stands there instead, without showing what may be a credential."""
    if isinstance(node, Mapping):
        return "keys and values"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, str):
        return shown(node.value, form)
    return str(node.value).lower()


def shown(text: str, form: Form | None = None) -> str:
    if (form is not None and form.secret) or len(text) > _SHOWN_CHARACTERS or not text.isprintable():
        return f"a text of {len(text)} characters"
    return f'"{text}"'
