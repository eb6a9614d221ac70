"""One simple command into rows: its own, those of the command it wraps, and the statements it carries. Nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from addons.commands.patches import files_of, is_patch
from addons.commands.shell_clients import CLIENTS, Stdin, plain_name, statement, statements_of
from addons.commands.shell_objects import objects_of
from addons.commands.shell_output import printed
from addons.commands.shell_words import VALUE_CHARACTERS, Field, Variables
from addons.commands.shell_wrappers import commands_in, scripts_in
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row

_WRAPS: Final = 12  # sudo env nohup timeout 5 nice … rm
_FILES: Final = 64
_FROM_STDIN: Final = 64  # words that xargs takes from a literal


@dataclass(frozen=True, slots=True)
class Simple:
    words: tuple[Field, ...] = field(repr=False)
    text: str = field(repr=False)
    redirects: tuple[str, ...] = field(default=(), repr=False)
    stdin: Stdin | None = None
    source: bytes = field(default=b"", repr=False)  # the script, which the words' offsets count in; b"": there is none
    end: int = 0

    def inner(self, words: Sequence[Field], stdin: Stdin | None) -> Simple:
        start = words[0].start
        placed = bool(self.source) and start >= 0
        text = (
            self.source[start : self.end].decode(errors="replace")
            if placed
            else shlex.join(word.text for word in words)
        )
        return Simple(tuple(words), text, (), stdin, self.source, self.end)


@dataclass(slots=True)
class Scope:
    """What the script has set so far."""

    variables: Variables = field(default_factory=dict, repr=False)
    aliases: dict[str, str] = field(default_factory=dict, repr=False)
    passing: set[str] = field(default_factory=set)  # functions that run their own arguments: run() { "$@"; }
    files: dict[str, str] = field(default_factory=dict, repr=False)  # written by the script, with what it says itself


def verb_of(word: Field) -> str:
    """/usr/bin/rm -> rm; what the machine decides (`$tool`, `/bin/r?`) is UNKNOWN, but `$HOME/bin/rm` is rm."""
    base = word.text.rstrip("\r").rpartition("/")
    start = len(base[0]) + len(base[1])
    pattern = word.pattern and base[2] not in ("[", "[[")
    known = word.known_from <= start and not pattern
    return base[2] if known and base[2].strip() else UNKNOWN


def read_simple(simple: Simple, scope: Scope) -> Iterator[Found]:
    waiting = [(simple, 0)]
    while waiting:
        current, depth = waiting.pop()
        if not current.words:
            continue
        verb, arguments = verb_of(current.words[0]), current.words[1:]
        name = plain_name(verb)
        inner = [words for words in commands_in(name, arguments) if words]
        scripts = [script.text for script in scripts_in(name, arguments)]
        own = _own(name, arguments, inner)
        objects = [word for word in objects_of(name, own) if word not in scripts]
        if name in _PATCHES:
            objects = list(_patched(current)) or objects
        yield Row(Language.SHELL, verb, (*objects, *current.redirects), current.text)
        yield from _carried(name, arguments, current, scope)
        yield from _aliased(verb, current, scope)
        yield from _run_files(name, current, scope)
        _write_files(verb, name, current, scope)
        if depth < _WRAPS:
            if verb in scope.passing and arguments:
                inner.append(arguments)
            waiting.extend((_with_stdin(name, current, words), depth + 1) for words in reversed(inner))


_PATCHES: Final = frozenset({"apply_patch", "applypatch", "patch", "git"})


def _patched(simple: Simple) -> Iterator[str]:
    """apply_patch <<'EOF' …: the files are named in the patch, not among the words."""
    given = simple.stdin.text if simple.stdin and simple.stdin.text else ""
    for text in (given, *(word.text for word in simple.words[1:3])):
        if is_patch(text):
            yield from files_of(text)


def _own(name: str, arguments: Sequence[Field], inner: Sequence[Sequence[Field]]) -> Sequence[Field]:
    """A wrapper's arguments without those of the command in it: those are that command's objects."""
    if name in ("find", "fd", "fdfind"):
        flags = [
            at
            for at, word in enumerate(arguments)
            if word.text.lstrip("-") in ("exec", "execdir", "ok", "okdir", "x", "X", "exec-batch")
        ]
        return arguments[: flags[0]] if flags else arguments
    return arguments[: len(arguments) - len(inner[0])] if inner else arguments


def _carried(name: str, arguments: Sequence[Field], simple: Simple, scope: Scope) -> Iterator[Found]:
    scripts = list(scripts_in(name, arguments))
    found = list(statements_of(name, arguments, simple.stdin, simple.text))
    found += [inner for script in scripts for inner in statement(Language.SHELL, script, simple.text)]
    if name in _READ_SCRIPTS and not scripts and simple.stdin is not None:
        known = simple.stdin.text
        found.append(Row(Language.SHELL, UNKNOWN, (), simple.text) if known is None else Inner(Language.SHELL, known))
    for each in found:
        yield replace(each, variables=dict(scope.variables)) if isinstance(each, Inner) else each


_READ_SCRIPTS: Final = frozenset({"ssh", "su", "at", "batch"})  # what they read is run by a shell
_SHEBANG: Final = re.compile(r"#!\s*\S*(?:env\s+)?\S*?(python|node|perl|ruby)")


def _write_files(verb: str, name: str, simple: Simple, scope: Scope) -> None:
    """cat > x.sh <<'E' …: kept, because `bash x.sh` may follow."""
    targets = [*simple.redirects, *(word.text for word in simple.words[1:] if name == "tee")]
    text = printed(verb, simple.words[1:] if name != "tee" else (), simple.stdin) if targets else None
    for target in targets if text else ():
        if len(scope.files) < _FILES:
            path = target.removeprefix("./")
            scope.files[path] = (scope.files.get(path, "") + (text or ""))[:VALUE_CHARACTERS]


def _run_files(name: str, simple: Simple, scope: Scope) -> Iterator[Found]:
    """bash x.sh, ./x.sh, source x.sh, psql -f x.sql, python x.py, of files that this script has written."""
    if not scope.files:
        return
    own = scope.files.get(simple.words[0].text.removeprefix("./"))
    if own is not None:
        shebang = _SHEBANG.match(own)
        language = Language.SHELL if not shebang else Language.PYTHON if shebang[1] == "python" else Language.OTHER
        yield Inner(language, own)
    client = CLIENTS.get(name)
    if client is not None or name in ("source", "."):
        language = client.language if client else Language.SHELL
        for path in (*(word.text for word in simple.words[1:]), *simple.redirects):
            text = scope.files.get(path.removeprefix("./"))
            if text is not None:
                yield Inner(language, text)


def _aliased(verb: str, simple: Simple, scope: Scope) -> Iterator[Found]:
    if verb in scope.aliases:
        rest = simple.inner(simple.words[1:], None).text if simple.words[1:] else ""
        yield Inner(Language.SHELL, f"{scope.aliases[verb]} {rest}", dict(scope.variables))
    elif verb == "alias":
        for word in simple.words[1:65]:
            name, equals, text = word.text.partition("=")
            if equals and not word.known_from:
                scope.aliases[name] = text


def _with_stdin(name: str, simple: Simple, words: Sequence[Field]) -> Simple:
    """xargs turns its input into arguments; every other wrapper hands its input on."""
    if name not in ("xargs", "parallel"):
        return simple.inner(words, None if name in ("find", "fd", "fdfind") else simple.stdin)
    given = simple.stdin.text if simple.stdin else None
    if given is None:
        return simple.inner(words, None)
    if any("{}" in word.text for word in words):
        replaced = [Field(word.text.replace("{}", given.strip()), word.known_from, start=word.start) for word in words]
        return simple.inner(replaced, None)
    return simple.inner((*words, *(Field(word) for word in given.split()[:_FROM_STDIN])), None)
