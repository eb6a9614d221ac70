"""Python into rows: the code itself with its imports, and the calls in it that reach outside. Nothing is run or imported.

Names are followed through imports and simple assignments (`from os import system as s; s("rm x")`, `getattr(os, "sys" + "tem")`);
what is built at run time is not, and eval of what is not literal is UNKNOWN. Source: Python 3.13 language reference.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import Final

from addons.commands import code_calls
from addons.commands.budget import Budget, Work
from addons.commands.code_scan import read_code
from addons.commands.values import UNKNOWN, Found, Inner, Language, Row

_FAULTS: Final = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
_CELL: Final = re.compile(r"\s*%%(\w+)[^\n]*\n(.*)", re.DOTALL)
_MAGIC: Final = re.compile(
    r"^([ \t]*)(?:[\w, ]{1,64}=[ \t]*)?(?:!{1,2}|%(?:sx|system|sh|bash|pip|conda|sql)\b)([^\n]*)$", re.MULTILINE
)
_QUIET: Final = threading.Lock()
_FOLDED: Final = 20_000  # characters of a literal that is put together


def read_python(code: str, budget: Budget) -> Iterator[Found]:
    if (cell := _CELL.match(code)) is not None and cell[1] in _CELLS:
        yield Inner(_CELLS[cell[1]], cell[2])
        return
    plain = _MAGIC.sub(lambda magic: f"{magic[1]}pass", code)
    tree = _parse(plain, budget)
    if tree is None:
        yield Row(Language.PYTHON, UNKNOWN, (), code)
        yield from (found for found in read_code(code, budget) if not isinstance(found, Row) or found.verb != "run")
    else:
        reader = _Reader(plain)
        calls = list(reader.calls(tree))
        yield Row(Language.PYTHON, "run", tuple(reader.modules), code)
        yield from calls
    if plain != code:
        yield from _magics(code)


_CELLS: Final = {
    "bash": Language.SHELL, "sh": Language.SHELL, "script": Language.SHELL, "sql": Language.SQL, "bigquery": Language.SQL,
    "javascript": Language.OTHER, "js": Language.OTHER,
}  # fmt: skip


def _magics(code: str) -> Iterator[Found]:
    """Notebook lines: !rm x, %pip install y, %sql SELECT 1"""
    for magic in _MAGIC.finditer(code):
        line = magic[0].lstrip()
        command = line[line.index("%") :] if "%" in line[:70] and "!" not in line[: line.index("%")] else ""
        if command.startswith("%sql"):
            yield Inner(Language.SQL, command[4:].strip())
        else:
            yield Inner(Language.SHELL, command[1:] if command.startswith(("%pip", "%conda")) else magic[2].strip())


def _parse(code: str, budget: Budget) -> ast.Module | None:
    """None where it is not Python, too deep or too long. Its warnings speak of the code, and would go to the log."""
    if not budget.spend(Work.CODE_CHARACTERS, len(code)):
        return None
    try:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except _FAULTS:
        return None


class _Reader:
    """Names that the code gives to modules, functions and literals, in the order of the text."""

    def __init__(self, code: str) -> None:
        self.modules: dict[str, None] = {}
        self._lines = code.split("\n")
        self._names: dict[str, str] = {}  # s -> os.system
        self._literals: dict[str, str] = {}
        self._roots: set[str] = set()  # first parts of what was imported

    def calls(self, tree: ast.Module) -> Iterator[Found]:
        nodes = [
            node
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom, ast.Assign, ast.Call, ast.For))
        ]
        nodes.sort(key=lambda node: (node.lineno, node.col_offset, not isinstance(node, ast.Assign)))
        for node in nodes:
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node)
            elif isinstance(node, ast.Assign):
                self._assign(node)
            elif isinstance(node, ast.Call):
                yield from self._call(node)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.modules[alias.name] = None
            root = alias.name.partition(".")[0]
            self._roots.add(root)
            self._names[alias.asname or root] = alias.name if alias.asname else root

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or "."
        self.modules[module] = None
        self._roots.add(module.partition(".")[0])
        for alias in node.names:
            self._names[alias.asname or alias.name] = f"{module}.{alias.name}"

    def _assign(self, node: ast.Assign) -> None:
        if len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
            return
        name = node.targets[0].id
        literal = self._text(node.value)
        made = self._name(node.value.func) if isinstance(node.value, ast.Call) else self._name(node.value)
        self._literals.pop(name, None)
        if literal is not None:
            self._literals[name] = literal
        elif made.partition(".")[0] in self._roots:
            self._names[name] = made

    def _call(self, node: ast.Call) -> Iterator[Found]:
        name = self._name(node.func)
        keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        given = [self._value(value) for value in (*node.args[:8], *list(keywords.values())[:8])]
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call) and "Path" in name:
            given.insert(0, self._value(node.func.value))  # Path("x").unlink()
        if name == "import_module" or name.endswith((".import_module", "__import__")):
            self.modules.update({word: None for word in given[:1] if isinstance(word, str)})
        text = self._source(node)
        shell = "shell" in keywords
        yield from code_calls.rows(
            name, given, text, shell=shell, method=self._text(keywords["method"]) if "method" in keywords else None
        )

    def _source(self, node: ast.Call) -> str:
        """ast.get_source_segment splits the whole code again for every call."""
        end_line, end = node.end_lineno or node.lineno, node.end_col_offset or 0
        lines = [line.encode(errors="replace") for line in self._lines[node.lineno - 1 : end_line]]
        if len(lines) == 1:
            return lines[0][node.col_offset : end].decode(errors="replace")
        return b"\n".join([lines[0][node.col_offset :], *lines[1:-1], lines[-1][:end]]).decode(errors="replace")

    # ---- what an expression stands for

    def _name(self, node: ast.expr) -> str:
        """os.system -> "os.system", s -> what s was imported as, getattr(os, "system") and __import__("os").system alike."""
        parts: list[str] = []
        while len(parts) < 16:
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Call):
                inner = self._called(node)
                return ".".join([inner, *reversed(parts)]) if inner else ""
            elif isinstance(node, ast.Name):
                return ".".join([self._names.get(node.id, node.id), *reversed(parts)])
            else:
                return ""
        return ""

    def _called(self, node: ast.Call) -> str:
        if isinstance(node.func, ast.Name):
            words = [self._text(value) for value in node.args[:2]]
            if node.func.id == "getattr" and len(words) == 2 and words[1]:
                return (
                    f"{self._name(node.args[0])}.{words[1]}"
                    if isinstance(node.args[0], (ast.Name, ast.Attribute))
                    else words[1]
                )
            if node.func.id == "__import__" and words and words[0]:
                return words[0]
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "import_module" and node.args and (module := self._text(node.args[0])):
            return module
        return self._names.get(name, name) + "()" if isinstance(node.func, ast.Name) else f"{name}()"

    def _value(self, node: ast.expr) -> str | tuple[str, ...] | None:
        if isinstance(node, (ast.List, ast.Tuple)):
            words = [self._text(element) for element in node.elts[:256]]
            return (
                tuple(word if word is not None else "?" for word in words) if words and words[0] is not None else None
            )
        if isinstance(node, ast.Call) and node.args and "Path" in self._called(node):
            return self._text(node.args[0])  # open(Path("x"))
        return self._text(node)

    def _text(self, node: ast.expr, depth: int = 0) -> str | None:
        """A literal, or one put together of literals by +, %, f"" or join; what is not literal in an f-string stays in braces."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._literals.get(node.id)
        if depth > 60:
            return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._text(node.left, depth + 1), self._text(node.right, depth + 1)
            joined = None if left is None and right is None else (left or "?") + (right or "?")
            return joined if joined is None or len(joined) <= _FOLDED else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return self._text(node.left, depth + 1)
        if isinstance(node, ast.JoinedStr):
            return self._joined(node.values, depth)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, depth)
        return None

    def _joined(self, values: Sequence[ast.expr], depth: int) -> str:
        parts = [
            self._text(value.value if isinstance(value, ast.FormattedValue) else value, depth + 1)
            or (
                f"{{{ast.unparse(value.value)}}}"
                if isinstance(value, ast.FormattedValue) and isinstance(value.value, ast.Name)
                else "{}"
            )
            for value in values[:256]
        ]
        return "".join(parts)[:_FOLDED]

    def _method(self, node: ast.Call, func: ast.Attribute, depth: int) -> str | None:
        base = self._text(func.value, depth + 1)
        if base is None:
            return None
        if func.attr == "join" and node.args and isinstance(words := self._value(node.args[0]), tuple):
            return base.join(words)[:_FOLDED]
        return base if func.attr in ("format", "strip", "encode", "lower", "split") else None
