"""A text that is still being said, masked as it goes: what is decided is let out, what may yet become a value is held. Not a wire format.

Words of letters are decided at once. Anything else (digits, signs, long words, the names of secrets) waits until 64 more characters have come, because
what stands behind a value can make it one; over 256 characters the older half is decided with what is there. Only a certain opening, a private key's
header or the first letters of a vendor's token, is held to its end, up to 16 KB; what is longer is dropped to its end, and says so.

    said    my card is 4111 11 | 11 1111 1111, th | anks, and more words until it is decided
    shown   my card is         |                  | [CREDIT_CARD:kqzbtfwmgxhdrncp], thanks, and more …
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import regex

from addons.masks.jsontext import whole_escapes
from addons.masks.placeholders import PLACEHOLDER, redacted
from addons.masks.spans import Replacement, replaced

HELD, DECIDED, BEHIND, BEFORE = 256, 128, 64, 200  # characters
SWALLOWED = 16 << 10
_WORD = regex.compile(r"\S+")
_PLAIN = regex.compile(r"[\p{L}.,;!?'’()\-]{1,15}+")
_NAMES = regex.compile(r"(?i)pass|secret|token|key|pwd|cred|auth|kennwort|contrase|--")
_PEM, _PEM_END = (
    regex.compile(r"-----BEGIN[A-Z0-9 ]{0,40}(?:PRIVATE KEY|$)"),
    regex.compile(r"-----END[A-Z0-9 ]{0,40}-----"),
)
_TOKEN = regex.compile(
    r"(?<![A-Za-z0-9_\-])(?:eyJ[A-Za-z0-9_\-]{8}|sk-[A-Za-z0-9]|gh[opsur]_|github_pat_|glpat-|xox[a-z]-|AIza|hf_|ya29\.|afd_)[\w\-./+=~]*+$"
)
_TOKEN_END = regex.compile(r"[^\w\-./+=~]")
_LONGEST_END = 80

type Find = Callable[
    [str, str, bool], Sequence[Replacement]
]  # text, context, whether it is all that was said -> what to put in


class Holder(Protocol):
    """Takes a text in pieces and gives it back in pieces, changed."""

    def feed(self, piece: str) -> str: ...
    def finish(self) -> str: ...


class LiveText:
    """One text under way. `escaped`: it is the inside of a JSON string, and no escape may be cut in two. `in_blocks`: to find is dear, so it is
    asked for some 200 characters at once.
    """

    def __init__(
        self, find: Find, context: str = "", *, wary: bool = False, escaped: bool = False, in_blocks: bool = False
    ) -> None:
        self._find = find
        self._context = context
        self._wary = wary or bool(context)  # no word is plain: a pattern of the policy may be of letters
        self._escaped = escaped
        self._in_blocks = in_blocks
        self._held = ""
        self._past = ""  # as shown, for the words around
        self._begun = False
        self._dropping: regex.Pattern[str] | None = None  # until this
        self._tail = ""  # of what was dropped

    def feed(self, piece: str) -> str:
        if self._dropping:
            piece = self._dropped(piece, self._dropping)
        self._held += piece
        cut, loaded = self._decided()
        return self._shown(cut, loaded=loaded) if cut > 0 else ""

    @property
    def held(self) -> int:
        """Characters."""
        return len(self._held)

    @property
    def is_certain(self) -> bool:
        """Whether what is held has begun in a way that leaves no doubt what it is."""
        return self._opening(self._held) >= 0

    def finish(self) -> str:
        if self._dropping:
            self._held, self._dropping = "", None
        alone = not self._begun
        return self._shown(len(self._held), loaded=True, alone=alone, last=True) if self._held else ""

    def _decided(self) -> tuple[int, bool]:
        """How far the held text is decided, and whether anything but plain words stands in that part."""
        text = self._held
        if self._in_blocks and len(text) <= HELD:
            return 0, False
        words = [match.span() for match in _WORD.finditer(text) if self._wary or _is_loaded(match[0])]
        last = len(text) - len(text.rsplit(None, 1)[-1]) if text and not text[-1].isspace() else len(text)
        cut = edge = len(text)
        for start, end in reversed(words):
            if edge - end >= BEHIND:
                break
            cut = edge = start
        cut = min(cut, last)
        if (opening := self._opening(text)) >= 0 and opening <= cut:
            return self._before(opening), any(start < opening for start, _ in words)
        if len(text) - cut > HELD:
            cut = max(cut, self._boundary(len(text) - DECIDED))
            if 0 <= opening < cut:
                cut = opening
        return cut, any(start < cut for start, _ in words)

    def _opening(self, text: str) -> int:
        """Where something certain has begun that has not ended; -1: nowhere."""
        pem = text.rfind("-----BEGIN")
        if pem >= 0 and _PEM.match(text, pem) and not _PEM_END.search(text, pem):
            return pem
        token = _TOKEN.search(text, max(0, len(text) - SWALLOWED - HELD)) if len(text) > 1 else None
        return token.start() if token else -1

    def _before(self, opening: int) -> int:
        """All before the opening; at its bound the opening itself is dropped to its end."""
        if len(self._held) - opening > SWALLOWED:
            pem = self._held.startswith("-----BEGIN", opening)
            self._dropping = _PEM_END if pem else _TOKEN_END
            self._held = self._held[:opening] + redacted("PRIVATE_KEY" if pem else "SECRET")
            return len(self._held)
        return opening

    def _dropped(self, piece: str, end: regex.Pattern[str]) -> str:
        """What stands behind the end of what is dropped."""
        self._tail = (self._tail + piece)[-len(piece) - _LONGEST_END :]
        found = end.search(self._tail)
        if found is None:
            return ""
        rest = self._tail[found.start() if end is _TOKEN_END else found.end() :]
        self._dropping, self._tail = None, ""
        return rest

    def _boundary(self, place: int) -> int:
        """The place, moved back to a space near it, or out of an escape."""
        space = max(self._held.rfind(sign, max(0, place - BEHIND), place) for sign in " \n\t")
        if space >= 0:
            return space + 1
        slash = self._held.rfind("\\", max(0, place - 12), place) if self._escaped else -1
        while slash > 0 and self._held[slash - 1] == "\\":
            slash -= 1
        return slash if slash >= 0 else place

    def _shown(self, cut: int, *, loaded: bool, alone: bool = False, last: bool = False) -> str:
        text, before = self._held, len(self._past)
        found: list[Replacement] = []
        if loaded:
            whole = text if alone else self._past + text
            shift = 0 if alone else before
            for one in self._find(whole, self._context, alone):
                start, end = max(one.start - shift, 0), one.end - shift
                if end <= 0:
                    continue
                if self._escaped:
                    start, end = whole_escapes(text, 0, start, end)
                if start >= cut:
                    break
                if end > cut and not last:  # it reaches over the edge: with all of it, or without any
                    cut = end if end + BEHIND <= len(text) else start
                    if cut <= start:
                        break
                found.append(Replacement(start, end, one.text))
        shown = replaced(text[:cut], found)
        self._held = text[cut:]
        self._begun = self._begun or bool(shown)
        self._past = (self._past + shown)[-BEFORE:]
        return shown


def _is_loaded(word: str) -> bool:
    return _PLAIN.fullmatch(word) is None or _NAMES.search(word) is not None


class LiveJson:
    """A JSON text under way: each string by itself under its key's name, each number whole. What stands between passes, so valid JSON stays valid."""

    def __init__(self, find: Find, *, wary: bool = False, in_blocks: bool = False) -> None:
        self._find = find
        self._wary = wary
        self._in_blocks = in_blocks
        self._rest = ""
        self._string: LiveText | None = None
        self._said: list[str] = []  # of the string that is open, for the name it may be
        self._open: list[str] = []  # braces and brackets
        self._key_next = False
        self._name = ""
        self._plain: LiveText | None = None  # it is no JSON after all

    def feed(self, piece: str) -> str:
        if self._plain:
            return self._plain.feed(piece)
        self._rest += piece
        out: list[str] = []
        while self._rest and (shown := self._inside() if self._string else self._between()) is not None:
            out.append(shown)
            if self._plain:
                break
        return "".join(out)

    def finish(self) -> str:
        if self._plain:
            return self._plain.finish()
        if self._string:
            rest = self._string.feed(self._rest) + self._string.finish()
            self._string, self._rest = None, ""
            return rest
        rest, self._rest = self._rest, ""
        return self._number(rest) if rest else ""

    def _inside(self) -> str | None:
        assert self._string
        said = _INSIDE.match(self._rest)
        text = said[0] if said else ""
        closed = self._rest[len(text) : len(text) + 1] == '"'
        self._rest = self._rest[len(text) + closed :]
        if not text and not closed:
            return None
        self._said.append(text)
        shown = self._string.feed(text)
        if closed:
            shown += self._string.finish() + '"'
            self._string = None
            if self._key_next:
                self._name, self._key_next = "".join(self._said)[:64], False
        return shown

    def _between(self) -> str | None:
        first = self._rest[0]
        if first == '"':
            is_key = self._key_next
            self._string = LiveText(
                self._find,
                "" if is_key else self._name,
                wary=self._wary,
                escaped=True,
                in_blocks=self._in_blocks,
            )
            self._said = []
            self._rest = self._rest[1:]
            return '"'
        if first in _SIGNS:
            self._signed(first)
            self._rest = self._rest[1:]
            return first
        if not self._open and first not in _FIRST:
            self._plain = LiveText(self._find, wary=self._wary, in_blocks=self._in_blocks)
            return self._plain.feed(self._rest)
        scalar = _SCALAR.match(self._rest)
        if scalar is None or scalar.end() == len(self._rest):
            return None  # it may go on
        self._rest = self._rest[scalar.end() :]
        return self._number(scalar[0])

    def _signed(self, sign: str) -> None:
        if sign in "{[":
            self._open.append(sign)
            self._key_next = sign == "{"
        elif sign in "}]":
            if self._open:
                self._open.pop()
            self._name = ""
        elif sign == ",":
            self._key_next = self._open[-1:] == ["{"]

    def _number(self, text: str) -> str:
        found = self._find(text, self._name, False) if text[-1:].isdigit() else ()
        return f'"{found[0].text}"' if found else text


_INSIDE = regex.compile(r'(?:[^"\\]|\\(?:[^u]|u[0-9a-fA-F]{4}|u(?![0-9a-fA-F]{0,3}$)))*+', regex.DOTALL)
_SIGNS = frozenset("{}[]:, \t\r\n")
_FIRST = frozenset("-0123456789tfn")
_SCALAR = regex.compile(r"[^{}\[\]:, \t\r\n\"]++")


class Restored:
    """Placeholders that stand for what the caller sent become that again. `in_json`: inside a JSON string, where quotes are escaped."""

    def __init__(self, originals: Mapping[str, str], *, in_json: bool = False) -> None:
        self._originals = originals
        self._in_json = in_json
        self._held = ""

    def feed(self, piece: str) -> str:
        text = self._held + piece
        begin = text.rfind("[")
        if begin >= 0 and not PLACEHOLDER.match(text, begin) and PLACEHOLDER.fullmatch(text, begin, partial=True):
            self._held = text[begin:]
            text = text[:begin]
        else:
            self._held = ""
        return self.whole(text)

    def finish(self) -> str:
        rest, self._held = self._held, ""
        return rest

    def whole(self, text: str) -> str:
        if "[" not in text:
            return text
        return str(PLACEHOLDER.sub(lambda match: self._value(match[0]), text))

    def _value(self, token: str) -> str:
        value = self._originals.get(token)
        if value is None:
            return token
        return json.dumps(value, ensure_ascii=False)[1:-1] if self._in_json else value


class Both:
    """One holder behind the other."""

    def __init__(self, first: Holder, second: Holder) -> None:
        self._first, self._second = first, second

    def feed(self, piece: str) -> str:
        return self._second.feed(self._first.feed(piece))

    def finish(self) -> str:
        return self._second.feed(self._first.finish()) + self._second.finish()
