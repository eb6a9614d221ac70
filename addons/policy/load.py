"""A folder of policies -> Policies, or every fault of every file. The one door to YAML; the grammar is in the read_*.py files.

YAML 1.2's core types only: `off`, `no`, `12:30` and dates are texts. Anchors, aliases, tags and second documents are refused:
an auditor reads what is in force without unfolding it, and a few bytes cannot stand for gigabytes.
Source: YAML 1.2.2, 10.3 (core schema); RFC 8785 (the digest).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import rfc8785
import yaml

from addons.policy import nodes, read_approval, read_connections, read_identity, read_keeping, read_rules
from addons.policy.faults import Fault, PolicyFaults, nearest
from addons.policy.fields import Fields, Names, Reading
from addons.policy.model import Policies
from addons.policy.read_connections import Known

VERSION = 1
FILE_BYTES = 256 * 1024
DEPTH = 12

FILES = ("identity.yaml", "connections.yaml", "masking.yaml", "approval.yaml", "retention.yaml", "controls.yaml")
_KEYS = {
    "identity.yaml": read_identity.KEYS,
    "connections.yaml": read_connections.KEYS,
    "masking.yaml": read_rules.KEYS,
    "approval.yaml": read_approval.KEYS,
    "retention.yaml": read_keeping.RETENTION_KEYS,
    "controls.yaml": read_keeping.CONTROL_FILE_KEYS,
}

_STRANGE_BREAK = re.compile("[\x85\u2028\u2029]")  # breaks to YAML 1.1, text to YAML 1.2
_INT = re.compile(r"[-+]?[0-9]{1,15}")
_CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def load(
    folder: Path,
    *,
    entities: frozenset[str],
    providers: frozenset[str],
    endpoints: frozenset[str] = frozenset(),
    probe: read_rules.Probe | None = None,
) -> Policies:
    """entities: what the detectors find; providers: whose wire formats are known; endpoints: ids of these; probe: tries custom patterns.

    Raises PolicyFaults.
    """
    faults = list(_strange_files(folder))
    texts = {}
    for name in FILES:
        try:
            texts[name] = _file_text(folder / name)
        except _Unreadable as unreadable:
            faults.append(Fault(str(folder / name), 1, str(unreadable)))
    return _parse(texts, folder, Known(providers, entities, endpoints, probe), faults)


def parse(
    texts: Mapping[str, str],
    origin: Path,
    *,
    entities: frozenset[str],
    providers: frozenset[str],
    endpoints: frozenset[str] = frozenset(),
    probe: read_rules.Probe | None = None,
) -> Policies:
    """The same from texts, by the files' names; for policies that are not in force yet. Raises PolicyFaults."""
    missing = [Fault(str(origin / name), 1, _MISSING) for name in FILES if name not in texts]
    strange = [Fault(str(origin / name), 1, _strange(name)) for name in texts if name not in FILES]
    return _parse(texts, origin, Known(providers, entities, endpoints, probe), missing + strange)


_MISSING = "expected a file, got none; copy it from the policies/ folder of the distribution"


def _strange(name: str) -> str:
    return f"expected only {', '.join(FILES)}, got another file; {nearest(name, FILES)}"


class _Unreadable(Exception):  # noqa: N818 - its sentence becomes a fault
    """The sentence of a fault about a whole file."""


def _strange_files(folder: Path) -> list[Fault]:
    """A rule in a file whose name is misspelt would never be in force, and nobody would know."""
    names = sorted(path.name for path in folder.glob("*") if path.suffix in (".yaml", ".yml"))
    return [Fault(str(folder / name), 1, _strange(name)) for name in names if name not in FILES]


def _file_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES + 1)
    except FileNotFoundError:
        raise _Unreadable(_MISSING) from None
    except OSError as error:
        raise _Unreadable(f"expected a file that can be read, got {error.strerror}; correct its rights") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unreadable("expected UTF-8, got other bytes; save it as UTF-8") from None


def _parse(texts: Mapping[str, str], origin: Path, known: Known, faults: list[Fault]) -> Policies:
    names = Names()
    trees = {}
    sheets = {}
    for name in FILES:
        reading = Reading(str(origin / name), faults, names)
        trees[name] = _tree(reading, texts[name]) if name in texts else None
        sheets[name] = Fields(reading, trees[name], name, _KEYS[name])
        _check_version(sheets[name])
    other_hosts, connections = read_connections.read(sheets["connections.yaml"], known)
    masking = read_rules.read_masking(sheets["masking.yaml"], known.entities, known.probe)
    around = read_approval.Around(known.entities | masking.entities, known.endpoints, connections)
    approval, webhooks = read_approval.read(sheets["approval.yaml"], around)
    policies = Policies(
        identity=read_identity.read(sheets["identity.yaml"]),
        other_hosts=other_hosts,
        connections=connections,
        masking=masking.rules,
        masking_patterns=masking.patterns,
        masking_allowances=masking.allowances,
        masking_analyzer=masking.analyzer,
        masking_search=masking.search,
        approval=approval,
        retention=read_keeping.read_retention(sheets["retention.yaml"]),
        controls=read_keeping.read_controls(sheets["controls.yaml"]),
        webhooks=webhooks,
        digest="",
        canonical=b"",
        origin=origin,
    )
    if all(trees.values()):  # with a file missing, what it declares is unknown, not wrong
        faults.extend(names.faults())
    if faults:
        raise PolicyFaults(sorted(faults))
    canonical = rfc8785.dumps({name.removesuffix(".yaml"): nodes.plain(tree) for name, tree in trees.items() if tree})
    return replace(policies, canonical=canonical, digest="sha256:" + sha256(canonical).hexdigest())


def _tree(reading: Reading, text: str) -> nodes.Node | None:
    try:
        return _Tree(reading).read(text)
    except _Broken as broken:
        reading.faults.append(Fault(reading.file, broken.line, broken.text))
        return None


def _check_version(fields: Fields) -> None:
    node = fields.node("version")
    if node is not None and not (isinstance(node, nodes.Scalar) and node.value == VERSION and node.value is not True):
        fields.reading.fault(node.line, f"version: {VERSION}", "another", "this gateway reads no other")


# YAML


class _Broken(Exception):  # noqa: N818 - its sentence becomes a fault
    """The file is not what can be read at all; there is no telling what follows."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet. In a mapping keys and values alternate."""

    line: int
    mapping: bool
    items: list[nodes.Node] = field(default_factory=list)


class _Tree:
    """YAML events -> nodes. A stack, not recursion: depth is bounded before it costs anything."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._open: list[_Open] = []
        self._root: nodes.Node | None = None

    def read(self, text: str) -> nodes.Node:
        if len(text.encode("utf-8", "surrogatepass")) > FILE_BYTES:
            raise _Broken(1, f"expected at most {FILE_BYTES} bytes, got more; make it shorter")
        if strange := _STRANGE_BREAK.search(text):
            line = text.count("\n", 0, strange.start()) + 1
            raise _Broken(line, "expected line feeds, got another line break, which editors do not count; take it out")
        try:
            for event in yaml.parse(text, Loader=yaml.SafeLoader):
                self._event(event)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise _Broken(line, f"expected YAML, got a fault in it ({error.problem}); correct it") from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise _Broken(line, "expected printable text, got a control character; take it out") from None
        if self._root is None:
            raise _Broken(1, f"expected version: {VERSION} and rules, got an empty file; copy an example")
        return self._root

    def _event(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Broken(
                line, "expected everything written out, got an anchor or alias (& or *); quote it, or write it out"
            )
        if getattr(event, "tag", None):
            raise _Broken(line, "expected no tags, got one (!); quote the text, or take it out")
        if isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            raise _Broken(line, "expected one document, got a second (---); take it out")
        if isinstance(event, yaml.ScalarEvent):
            self._add(nodes.Scalar(line, self._value(event, line)))
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= DEPTH:
                raise _Broken(line, f"expected at most {DEPTH} levels, got more; make it flatter")
            self._open.append(_Open(line, isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self._closed(self._open.pop()))

    def _add(self, node: nodes.Node) -> None:
        if self._open:
            self._open[-1].items.append(node)
        else:
            self._root = node

    def _value(self, event: yaml.ScalarEvent, line: int) -> str | int | bool | None:
        text = str(event.value)
        if not text.replace("\n", "").replace("\t", "").isprintable():
            self._reading.fault(line, "printable text", "an invisible or half character", "take it out")
            return "?"
        if not event.implicit[0]:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        return int(text) if _INT.fullmatch(text) else text

    def _closed(self, opened: _Open) -> nodes.Node:
        if not opened.mapping:
            return nodes.Sequence(opened.line, tuple(opened.items))
        entries: dict[str, nodes.Entry] = {}
        for key, node in zip(opened.items[::2], opened.items[1::2], strict=True):
            if not (isinstance(key, nodes.Scalar) and isinstance(key.value, str)):
                self._reading.fault(key.line, "a text as key", "something else", "put it in quotes")
            elif key.value in entries:
                self._reading.fault(
                    key.line, "each key once", "one again", f"it is on line {entries[key.value].line} too"
                )
            else:
                entries[key.value] = nodes.Entry(key.line, key.value, node)
        return nodes.Mapping(opened.line, tuple(entries.values()))
