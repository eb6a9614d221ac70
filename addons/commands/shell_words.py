r"""Words of a shell command as they are after expansion, as far as the script itself tells. Not a shell: nothing is run.

`r''m`, `\rm`, `"rm"`, `$'\x72m'`, `r${x}m` with x empty, `{rm,-rf,/}` and `rm$IFS-rf` all become what bash makes of them. What depends
on the machine (`$HOME`, `$(date)`, `$1`) stays as it is written, and the Field says that it is not known.
Source: Bash Reference Manual 5.3, 3.1.2 Quoting, 3.5 Shell Expansions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from addons.commands.shell_tree import Node, text

Set = str | tuple[str, ...] | None  # a value; a list's values; or None: set, to what only the machine knows
Variables = dict[str, Set]
Output = Callable[[Node], str | None]  # what a command substitution prints, where that can be known

VALUE_CHARACTERS: Final = 65_536  # x=$x$x, again and again
_BRACE_WORDS: Final = 64
_BRACE: Final = re.compile(r"\{([^{},]*+,[^{}]*+)\}")
_ODD_SPACE: Final = re.compile(r"[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_ESCAPE: Final = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPE_IN_DOUBLE: Final = re.compile(r"\\(\n|[$`\"\\])")
_ANSI: Final = re.compile(r"\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)
_ANSI_LETTERS: Final = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_GLOB: Final = re.compile(r"[*?\[]")


class Field(NamedTuple):
    """One word of a command. A tuple, as a piece is: thousands are made of one script."""

    text: str
    known_from: int = 0  # before this index something depends on the machine; 0: the whole word is known
    pattern: bool = False  # has an unquoted * ? [
    start: int = -1  # bytes into the script; -1: it has no place there
    end: int = -1

    def __repr__(self) -> str:
        return f"Field(start={self.start}, end={self.end})"


class _Piece(NamedTuple):
    text: str
    known: bool = True
    bare: bool = False  # unquoted and literal: braces and patterns count
    splits: bool = False  # unquoted and expanded: spaces in it part words

    def __repr__(self) -> str:
        return "_Piece()"


def fields(node: Node, variables: Variables, output: Output) -> tuple[Field, ...]:
    """The words that one word of the script becomes."""
    pieces = list(_pieces(node, variables, output))
    return tuple(
        Field(word.text, word.known_from, word.pattern, node.start_byte, node.end_byte)
        for split in _split(pieces, _separators(variables))
        for word in _braced(split)
    )


def value(node: Node | None, variables: Variables, output: Output) -> tuple[str, bool]:
    """What the word is where words are not split, as in an assignment; and whether all of it is known."""
    pieces = list(_pieces(node, variables, output)) if node else []
    return "".join(piece.text for piece in pieces)[:VALUE_CHARACTERS], all(piece.known for piece in pieces)


def _separators(variables: Variables) -> str:
    separators = variables.get("IFS", " \t\n")
    return separators if isinstance(separators, str) else " \t\n"


def _split(pieces: Sequence[_Piece], separators: str) -> Iterator[list[_Piece]]:
    word: list[_Piece] = []
    for piece in pieces:
        if not piece.splits or not separators:
            word.append(piece)
            continue
        parts = re.split(f"[{re.escape(separators)}]+", piece.text)
        for number, part in enumerate(parts):
            if number and word:
                yield word
                word = []
            if part:
                word.append(_Piece(part, piece.known, bare=True))
    if word:
        yield word


def _braced(pieces: Sequence[_Piece]) -> Iterator[Field]:
    """a{b,c} -> ab ac; braces in quotes are only characters, and so are those that came from a variable."""
    joined = "".join(piece.text for piece in pieces)
    known_from = max((_end(pieces, at) for at, piece in enumerate(pieces) if not piece.known), default=0)
    pattern = any(piece.bare and _GLOB.search(piece.text) for piece in pieces)
    if known_from or not any(piece.bare and "{" in piece.text for piece in pieces):
        yield Field(joined, known_from, pattern)
        return
    words = [joined]
    for _ in range(4):
        words = [other for word in words for other in _brace(word)][:_BRACE_WORDS]
    yield from (Field(word, 0, pattern) for word in words)


def _end(pieces: Sequence[_Piece], at: int) -> int:
    return sum(len(piece.text) for piece in pieces[: at + 1])


def _brace(word: str) -> list[str]:
    match = _BRACE.search(word)
    if match is None:
        return [word]
    return [word[: match.start()] + choice + word[match.end() :] for choice in match[1].split(",")]


def _pieces(node: Node, variables: Variables, output: Output) -> Iterator[_Piece]:
    """Concatenations hold words, strings hold expansions: three levels at most are followed."""
    match node.type:
        case "word" | "number" | "variable_name" | "command_name" if node.named_child_count == 0:
            yield from _word(text(node))
        case "raw_string":
            yield _Piece(text(node)[1:-1] if text(node).endswith("'") else text(node)[1:])
        case "ansi_c_string":
            yield _Piece(ansi(text(node)[2:-1]))
        case "string":
            yield from _string(node, variables, output)
        case "concatenation" | "command_name" | "translated_string" | "heredoc_body":
            yield from _concatenation(node, variables, output)
        case "simple_expansion" | "expansion":
            yield from _expansion(node, variables, quoted=False)
        case "command_substitution":
            printed = output(node)
            yield _Piece(text(node), known=False) if printed is None else _Piece(printed.rstrip("\n"), splits=True)
        case "brace_expression":
            yield _Piece(text(node), bare=True)
        case _:
            yield _Piece(text(node), known=False)


def _word(source: str) -> Iterator[_Piece]:
    """Backslashes quote; a no-break space parts words, because nobody means it to be in the name of a program."""
    source = source.lstrip("\n")  # the parser's: see shell_walk
    at = 0
    for match in _ESCAPE.finditer(source):
        yield from _bare(source[at : match.start()])
        if match[1] != "\n":
            yield _Piece(match[1])
        at = match.end()
    yield from _bare(source[at:])


def _bare(source: str) -> Iterator[_Piece]:
    if not source:
        return
    at = 0
    for match in _ODD_SPACE.finditer(source):
        if match.start() > at:
            yield _Piece(source[at : match.start()], bare=True)
        yield _Piece(" ", splits=True)
        at = match.end()
    yield _Piece(source[at:], bare=True)


def _string(node: Node, variables: Variables, output: Output) -> Iterator[_Piece]:
    """What stands between the children is literal too: the parser leaves newlines out of them."""
    source, base = node.text or b"", node.start_byte
    at = 1
    yield _Piece("")  # "" is a word
    for child in node.named_children:
        if child.type == "string_content":
            continue
        yield _Piece(_in_double(source[at : child.start_byte - base]))
        if child.type == "command_substitution":
            printed = output(child)
            yield _Piece(text(child), known=False) if printed is None else _Piece(printed.rstrip("\n"))
        elif child.type in ("simple_expansion", "expansion"):
            yield from _expansion(child, variables, quoted=True)
        else:
            yield _Piece(text(child), known=False)
        at = child.end_byte - base
    end = len(source) - 1 if source.endswith(b'"') and len(source) > 1 else len(source)
    yield _Piece(_in_double(source[at:end]))


def _in_double(source: bytes) -> str:
    return _ESCAPE_IN_DOUBLE.sub(lambda match: "" if match[1] == "\n" else match[1], source.decode(errors="replace"))


def _concatenation(node: Node, variables: Variables, output: Output) -> Iterator[_Piece]:
    source, base, at = node.text or b"", node.start_byte, 0
    for child in node.named_children:
        if child.start_byte - base > at and node.type != "translated_string":
            yield _Piece(_in_double(source[at : child.start_byte - base]))
        if child.type != "heredoc_content":
            yield from _pieces(child, variables, output)
            at = child.end_byte - base
    if at < len(source) and node.type != "translated_string":
        yield _Piece(_in_double(source[at:]))


_DEFAULTS: Final = frozenset({":-", "-", ":=", "="})
_ALTERNATIVES: Final = frozenset({":+", "+"})


def _expansion(node: Node, variables: Variables, *, quoted: bool) -> Iterator[_Piece]:
    """$x, ${x}, ${x:-word}, ${x:0:2}; a name that the script does not set is taken for unset where there is a default."""
    found = _variable(node, variables)
    if found is None:
        yield _Piece(text(node), known=False)
    elif isinstance(found, tuple):
        for number, item in enumerate(found):
            yield from ([_Piece(" ", splits=True)] if number else [])
            yield _Piece(item, splits=not quoted, known=not _is_loop(node))
    else:
        yield _Piece(found, splits=not quoted)


def _is_loop(node: Node) -> bool:
    """$x of a list is a loop's variable, each value in turn; ${x[@]} and $@ are all of them at once."""
    return not any(child.type in ("subscript", "special_variable_name") for child in node.named_children)


def _variable(node: Node, variables: Mapping[str, Set]) -> Set:
    named = node.named_children
    if not named:
        return None
    name, _, index = text(named[0]).partition("[")
    found = variables.get(name, " \t\n" if name == "IFS" else None)
    if isinstance(found, tuple) and index[:-1].isdigit():
        found = dict(enumerate(found)).get(int(index[:4].rstrip("]") or 0))
    operator = next((child.type for child in node.children[1:-1] if not child.is_named), "")
    if node.type == "simple_expansion" or not operator:
        return found
    words = [text(child).strip("'\"") for child in named[1:]]
    if name in variables and found is None:
        return None
    if operator in _DEFAULTS:
        return found or "".join(words)
    if operator in _ALTERNATIVES:
        return "".join(words)
    if operator == "!" and isinstance(found, str):
        return variables.get(found)
    return _changed(found, operator, words) if isinstance(found, str) else None


def _changed(found: str, operator: str, words: Sequence[str]) -> str | None:
    """${x//a/b}, ${x#a}, ${x,,}, ${x:0:2}; of patterns only those that are plain text."""
    if operator in _CASES:
        return _CASES[operator](found)
    if operator == ":":
        return _substring(found, words)
    if not words or _GLOB.search(words[0]):
        return None
    if operator in ("/", "//"):
        return found.replace(words[0], words[1] if len(words) > 1 else "", 1 if operator == "/" else -1)[
            :VALUE_CHARACTERS
        ]
    if operator in ("#", "##"):
        return found.removeprefix(words[0])
    return found.removesuffix(words[0]) if operator in ("%", "%%") else None


_CASES: Final[dict[str, Callable[[str], str]]] = {
    "^^": str.upper,
    ",,": str.lower,
    "^": lambda found: found[:1].upper() + found[1:],
    ",": lambda found: found[:1].lower() + found[1:],
}


def _substring(found: str, bounds: Sequence[str]) -> str | None:
    if not bounds or not all(bound.isascii() and bound.isdigit() and len(bound) < 6 for bound in bounds):
        return None
    start = int(bounds[0])
    return found[start : start + int(bounds[1])] if len(bounds) > 1 else found[start:]


def ansi(source: str) -> str:
    r"""$'\x72m' -> rm"""
    return _ANSI.sub(_ansi_escape, source)


def _ansi_escape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        point = int(code[1:], 16)
        return chr(point) if point < 0x110000 and not 0xD800 <= point < 0xE000 else "\ufffd"
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    if code[0] == "c" and len(code) > 1:
        return chr(ord(code[1]) & 0x1F)
    return _ANSI_LETTERS.get(code, code if code in "\\'\"?" else "\\" + code)
