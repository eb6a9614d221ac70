"""What a command prints, where the script alone says so: `echo … | base64 -d | sh` hides nothing. Not a shell: nothing is run.

Sources: POSIX.1-2024 echo and printf; GNU coreutils 9.5; xxd(1).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Final

from addons.commands.shell_clients import Stdin
from addons.commands.shell_words import VALUE_CHARACTERS, Field, ansi

_DIRECTIVE: Final = re.compile(r"%(%|[-+ 0#]*\d{0,4}(?:\.\d{0,4})?[bcdiosuxXq])")
_ROT13: Final = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm"
)


def printed(verb: str, arguments: Sequence[Field], stdin: Stdin | None) -> str | None:
    """The text, or None where the machine decides it."""
    if any(argument.known_from or argument.pattern for argument in arguments) or verb not in _PRINTERS:
        return None
    words = [argument.text for argument in arguments]
    text = _PRINTERS[verb](words, stdin.text if stdin else None)
    return None if text is None else text[:VALUE_CHARACTERS]


def _echo(words: list[str], _: str | None) -> str:
    escapes, newline = False, "\n"
    while words and re.fullmatch(r"-[neE]+", words[0]):
        escapes = (escapes or "e" in words[0]) and not words[0].endswith("E")
        newline = "" if "n" in words[0] else newline
        words = words[1:]
    text = " ".join(words)
    return (ansi(text) if escapes else text) + newline


def _printf(words: list[str], _: str | None) -> str:
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        return ""
    values = iter(words[1:])
    form = ansi(words[0])
    text = _DIRECTIVE.sub(lambda match: "%" if match[1] == "%" else _value(match[1], next(values, "")), form)
    return text + "".join(" " + left for left in values)


def _value(directive: str, given: str) -> str:
    return ansi(given) if directive.endswith("b") else given


def _cat(words: list[str], stdin: str | None) -> str | None:
    return stdin if all(word == "-" for word in words) else None


def _base64(words: list[str], stdin: str | None) -> str | None:
    if stdin is None or not any(re.fullmatch(r"-[dDi]+|--decode", word) for word in words):
        return None
    try:
        return base64.b64decode("".join(stdin.split()) + "==").decode(errors="replace")
    except (binascii.Error, ValueError):
        return None


def _xxd(words: list[str], stdin: str | None) -> str | None:
    if stdin is None or "r" not in "".join(words) or "p" not in "".join(words):
        return None
    try:
        return bytes.fromhex("".join(stdin.split())).decode(errors="replace")
    except ValueError:
        return None


def _rev(words: list[str], stdin: str | None) -> str | None:
    return None if stdin is None or words else "\n".join(line[::-1] for line in stdin.split("\n"))


def _tr(words: list[str], stdin: str | None) -> str | None:
    """Only rot13 and deletion, the two that are used to hide."""
    if stdin is None:
        return None
    if words[:1] == ["-d"] and len(words) == 2 and words[1].isalnum():
        return stdin.translate({ord(letter): None for letter in words[1]})
    return stdin.translate(_ROT13) if words in (["A-Za-z", "N-ZA-Mn-za-m"], ["a-zA-Z", "n-za-mN-ZA-M"]) else None


def _where(words: list[str], _: str | None) -> str | None:
    """`$(which rm)` and `$(command -v rm)` are rm, wherever it lies."""
    return words[-1] if words and not words[-1].startswith("-") else None


def _looked_up(words: list[str], _: str | None) -> str | None:
    return words[-1] if len(words) > 1 and words[0] in ("-v", "-p", "-P") else None


_PRINTERS: Final[dict[str, Callable[[list[str], str | None], str | None]]] = {
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "tee": lambda _, stdin: stdin,
    "base64": _base64,
    "xxd": _xxd,
    "rev": _rev,
    "tr": _tr,
    "which": _where,
    "command": _looked_up,
    "type": _looked_up,
}
