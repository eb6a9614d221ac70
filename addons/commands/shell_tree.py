"""The only door to tree-sitter: a shell script into a syntax tree. Not the reading of it: shell.py walks, shell_words.py expands.

The parser is fast on what it can parse. Its recovery from what it cannot is quadratic in time and memory (64 KB of `a|a|a|…`
ask for gigabytes, and a failed allocation there ends the process), so nobody gives it more than HEAVIEST tokens at once.
Source: tree-sitter 0.26, tree-sitter-bash 0.25.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import tree_sitter
import tree_sitter_bash
from tree_sitter import Node

__all__ = ["Node", "first_command", "last_command", "parse", "text"]

_BASH: Final = tree_sitter.Language(tree_sitter_bash.language())
_HOLDERS: Final = frozenset({
    "program", "list", "pipeline", "redirected_statement", "compound_statement", "subshell", "negated_command", "if_statement",
    "while_statement", "for_statement", "c_style_for_statement", "do_group", "case_statement", "case_item", "elif_clause", "else_clause",
    "heredoc_redirect",
})  # fmt: skip


def parse(script: str) -> Node:
    """Bash drops NUL bytes, and so do we: each would be a fault to the parser."""
    tree = tree_sitter.Parser(_BASH).parse(script.replace("\0", "").encode(errors="replace"))
    return tree.root_node


def text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def first_command(node: Node) -> Node | None:
    """The simple command that reads the standard input of this construct."""
    return next(_commands(node, backwards=False), None)


def last_command(node: Node) -> Node | None:
    """The simple command that writes its standard output."""
    return next(_commands(node, backwards=True), None)


def _commands(node: Node, *, backwards: bool) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.type == "command":
            yield here
        elif here.type in _HOLDERS:
            children = [child for child in here.named_children if not child.type.endswith("_redirect")]
            waiting.extend(children if backwards else reversed(children))
