"""A walk over a script's syntax tree, in the order in which it is written, that keeps what variables hold. Not a shell: both
branches of an `if` are read, a loop's body once, and what is assigned on one branch only is not relied on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from addons.commands.shell_clients import Stdin
from addons.commands.shell_output import printed
from addons.commands.shell_simple import Scope, Simple, read_simple, verb_of
from addons.commands.shell_tree import Node, first_command, last_command, text
from addons.commands.shell_words import VALUE_CHARACTERS, Field, Variables, fields, value
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row

_NESTED: Final = 8  # $( $( $( … ) ) ): each level's text is part of the one around it
_NAMES: Final = 1_000
_CONDITIONAL: Final = frozenset({
    "if_statement", "case_statement", "while_statement", "for_statement", "c_style_for_statement", "function_definition", "subshell", "list", "pipeline",
})  # fmt: skip
_SUBSTITUTIONS: Final = frozenset({"command_substitution", "process_substitution", "subshell"})
_BACKTICKS: Final = re.compile(r"(?<!\\)`([^`]+)`")
_POSITIONAL: Final = re.compile(r"\$\{?[@*1-9]")


class _Place(NamedTuple):
    node: Node
    conditional: bool = False
    depth: int = 0
    function: str = ""


class Walk:
    """One script's; the scope outlives a tree, so that fragments of one script can be walked one after the other."""

    def __init__(self, variables: Variables) -> None:
        self._scope = Scope(variables)
        self._doubtful: set[str] = set()  # assigned on some branch: who knows
        self._stdins: dict[int, Stdin] = {}
        self._redirects: dict[int, list[str]] = {}
        self._texts: dict[int, str] = {}  # with its redirections
        self._source = b""
        self._output_depth = 0

    def rows(self, root: Node, stdin: Stdin | None = None) -> Iterator[Found]:
        self._stdins, self._redirects, self._texts = {}, {}, {}
        self._source = root.text or b""
        if stdin is not None and (first := first_command(root)) is not None:
            self._stdins[first.id] = stdin
        waiting = [_Place(root)]
        while waiting:
            place = waiting.pop()
            if place.node.type in _SUBSTITUTIONS and place.depth >= _NESTED:
                yield Row(Language.SHELL, UNKNOWN, (), text(place.node))
                continue
            yield from self._visit(place)
            waiting.extend(reversed(_below(place)))

    def _visit(self, place: _Place) -> Iterator[Found]:
        match place.node.type:
            case "command":
                yield from self._command(place)
            case "declaration_command":
                yield Row(Language.SHELL, text(place.node.children[0]), (), text(place.node))
            case "redirected_statement":
                yield from self._redirected(place.node)
            case "pipeline":
                self._pipe(place.node)
            case "variable_assignment":
                self._assign(place)
            case "for_statement":
                self._loop(place.node)
            case "unset_command":
                for child in place.node.named_children:
                    self._scope.variables.pop(text(child), None)

    # ---- words

    def _fields(self, node: Node) -> tuple[Field, ...]:
        return fields(node, self._scope.variables, self._output)

    def _words(self, command: Node) -> tuple[Field, ...]:
        return next(iter(self._lines(command)), ())

    def _lines(self, command: Node) -> list[tuple[Field, ...]]:
        """The words of a command; of two where the parser took a line that begins with a backslash for more of the one before."""
        lines: list[list[Field]] = [[]]
        source, end = command.text or b"", 0
        for child in command.named_children:
            start = child.start_byte - command.start_byte
            gap = source[end:start] + (b"\n" if text(child).startswith("\n") else b"")
            if b"\n" in gap.replace(b"\\\n", b"") and lines[-1]:
                lines.append([])
            end = child.end_byte - command.start_byte
            if child.type not in ("variable_assignment", "comment", "ERROR") and not child.type.endswith("_redirect"):
                lines[-1].extend(self._fields(child))
        return [tuple(line) for line in lines if line]

    def _output(self, substitution: Node) -> str | None:
        """What $(…) prints, if it is one command or pipeline of literals."""
        if self._output_depth >= 3 or substitution.named_child_count != 1:
            return None
        self._output_depth += 1
        found = self._printed_by(substitution.named_children[0], None)
        self._output_depth -= 1
        return found

    def _printed_by(self, node: Node, stdin: Stdin | None) -> str | None:
        if node.type == "pipeline":
            for stage in node.named_children[:16]:
                stdin = Stdin(self._printed_by(stage, stdin))
            return stdin.text if stdin else None
        command = node if node.type == "command" else node.child_by_field_name("body")
        if node.type not in ("command", "redirected_statement") or command is None or command.type != "command":
            return None
        words = self._words(command)
        given = self._here_string(command) or self._stdins.get(command.id, stdin)
        return printed(verb_of(words[0]), words[1:], given) if words else None

    # ---- commands

    def _command(self, place: _Place) -> Iterator[Found]:
        node = place.node
        lines = self._lines(node)
        stdin = self._here_string(node) or self._stdins.get(node.id)
        for number, words in enumerate(lines, 1):
            redirects = self._redirects_of(node) if number == len(lines) else ()
            shown = self._texts.get(node.id) or text(node)
            simple = Simple(words, shown, redirects, stdin if number == 1 else None, self._source, node.end_byte)
            yield from read_simple(simple, self._scope)
            verb = verb_of(words[0])
            if verb == UNKNOWN and place.function and _POSITIONAL.match(words[0].text):
                self._scope.passing.add(place.function)
            self._built_in(verb, words[1:], stdin)

    def _redirects_of(self, node: Node) -> tuple[str, ...]:
        own = [
            target for child in node.named_children if child.type == "file_redirect" for target in self._targets(child)
        ]
        return (*own, *self._redirects.get(node.id, ()))

    def _built_in(self, verb: str, arguments: Sequence[Field], stdin: Stdin | None) -> None:
        """The few that set variables without an `=`."""
        names = [word.text for word in arguments if not word.text.startswith("-")]
        if verb == "set" and "--" in [word.text for word in arguments]:
            start = [word.text for word in arguments].index("--") + 1
            given = tuple(word.text for word in arguments[start:])
            self._scope.variables["@"] = self._scope.variables["*"] = given
            self._scope.variables.update({str(number): word for number, word in enumerate(given[:9], 1)})
        elif verb == "shift":
            for name in "@*123456789":
                self._scope.variables.pop(name, None)
        elif verb in ("read", "mapfile", "readarray", "getopts"):
            for name in names:
                self._scope.variables[name] = None
            if verb == "read" and len(names) == 1 and stdin is not None and stdin.text is not None:
                self._set(names[0], stdin.text.strip(), conditional=False)
        elif verb == "printf" and len(arguments) > 2 and arguments[0].text == "-v":
            self._set(arguments[1].text, printed(verb, arguments[2:], None), conditional=False)

    def _here_string(self, command: Node) -> Stdin | None:
        for child in command.named_children:
            if child.type == "herestring_redirect" and child.named_child_count:
                given, known = value(child.named_children[-1], self._scope.variables, self._output)
                return Stdin(given + "\n" if known or given.strip() else None)
        return None

    # ---- redirections and pipes

    def _targets(self, redirect: Node) -> list[str]:
        """Files, not descriptors: 2>&1 has none."""
        found = [child for child in redirect.named_children if child.type not in ("file_descriptor", "number", "ERROR")]
        names = [word.text for child in found for word in self._fields(child)]
        return [name for name in names if name not in ("/dev/null", "-", "/dev/stderr", "/dev/stdout")]

    def _redirected(self, node: Node) -> Iterator[Found]:
        body = node.child_by_field_name("body")
        written: list[str] = []
        read: list[str] = []
        for child in node.named_children:
            if child.type == "heredoc_redirect":
                written += [
                    name
                    for inner in child.named_children
                    if inner.type == "file_redirect"
                    for name in self._targets(inner)
                ]
                yield from self._here_document(child, body)
            elif child.type == "file_redirect":
                (read if any(part.type == "<" for part in child.children) else written).extend(self._targets(child))
        if body is None:
            yield Row(Language.SHELL, ">" if written else "<", (*written, *read), text(node))
            return
        for command, targets in ((last_command(body), written), (_reader(body), read)):
            if command is not None:
                self._redirects.setdefault(command.id, []).extend(targets)
        if body.type == "command":
            self._texts[body.id] = text(node)

    def _here_document(self, redirect: Node, body: Node | None) -> Iterator[Found]:
        start = next((child for child in redirect.named_children if child.type == "heredoc_start"), None)
        document = next((child for child in redirect.named_children if child.type == "heredoc_body"), None)
        if start is None or document is None:
            return
        content = text(document)
        if not re.search(r"['\"\\]", text(start)):
            yield from (Inner(Language.SHELL, command) for command in _BACKTICKS.findall(content))
            content, _ = value(document, self._scope.variables, self._output)
        if redirect.children[0].type == "<<-":
            content = re.sub(r"^\t+", "", content, flags=re.MULTILINE)
        reader = _reader(body) if body is not None else None
        if reader is None:
            return
        self._stdins[reader.id] = Stdin(content)
        for child in redirect.named_children:
            if child.type == "pipeline" and (following := first_command(child)) is not None:
                self._stdins[following.id] = Stdin(self._printed_by(reader, None))

    def _pipe(self, node: Node) -> None:
        stdin: Stdin | None = self._stdins.get(node.id)
        for number, stage in enumerate(node.named_children):
            if number and (reader := first_command(stage)) is not None:
                self._stdins.setdefault(reader.id, stdin or Stdin())
            stdin = Stdin(self._printed_by(stage, stdin))

    # ---- variables

    def _assign(self, place: _Place) -> None:
        name_node, right = place.node.child_by_field_name("name"), place.node.child_by_field_name("value")
        if name_node is None:
            return
        name = text(name_node)
        if right is not None and right.type == "array":
            words = [word for child in right.named_children for word in self._fields(child)]
            known = not any(word.known_from for word in words)
            self._set(name, tuple(word.text for word in words) if known else None, conditional=place.conditional)
            return
        given, known = value(right, self._scope.variables, self._output)
        if any(child.type == "+=" for child in place.node.children):
            before = self._scope.variables.get(name)
            given, known = (before + given, known) if isinstance(before, str) else ("", False)
        self._set(name, given if known else None, conditional=place.conditional)

    def _set(self, name: str, given: str | tuple[str, ...] | None, *, conditional: bool) -> None:
        variables = self._scope.variables
        if isinstance(given, str) and len(given) > VALUE_CHARACTERS:
            given = None
        if conditional and (name in self._doubtful or variables.get(name, given) != given):
            self._doubtful.add(name)
            variables[name] = None
        elif len(variables) >= _NAMES and name not in variables:
            return
        else:
            self._doubtful.discard(name)
            variables[name] = given

    def _loop(self, node: Node) -> None:
        variable = node.child_by_field_name("variable")
        words = [word for child in node.children_by_field_name("value") for word in self._fields(child)]
        if variable is None or not words:
            return
        given = tuple(word.text for word in words[:_NAMES])
        known = not any(word.known_from or word.pattern for word in words)
        self._scope.variables[text(variable)] = None if not known else given[0] if len(given) == 1 else given


def _reader(body: Node) -> Node | None:
    """`a && b <<E` and `a | b <<E`: the last of them reads; `{ a; b; } <<E`: the first."""
    while body.type in ("list", "pipeline", "negated_command") and body.named_child_count:
        body = body.named_children[-1]
    return first_command(body)


def _below(place: _Place) -> list[_Place]:
    """The children, in order; an assignment before a command lasts as long as the command, so only its value is looked into."""
    node = place.node
    children = node.named_children
    if node.type == "command":
        children = [
            inner
            for child in children
            for inner in (child.named_children[1:] if child.type == "variable_assignment" else [child])
        ]
    function = place.function
    if node.type == "function_definition" and (name := node.child_by_field_name("name")) is not None:
        function = text(name)
    conditional = place.conditional or node.type in _CONDITIONAL
    depth = place.depth + (node.type in _SUBSTITUTIONS)
    return [
        _Place(child, conditional, depth, function)
        for child in children
        if child.named_child_count or child.type not in _LEAVES
    ]


# They stand in nearly every command, and nothing in them is looked into.
_LEAVES: Final = frozenset({
    "word", "number", "raw_string", "ansi_c_string", "string", "string_content", "variable_name", "special_variable_name", "file_descriptor",
    "comment", "heredoc_start", "heredoc_end", "heredoc_content",
})  # fmt: skip
