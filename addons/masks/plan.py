"""Which detectors are worth running on a text. Not a detector, and it loses none: what it leaves out could not have been sure.

One hundred and sixty detectors on a line of chat would cost more than the chat. So: a strip that is empty rules out its whole family; an anchor
that does not stand in the text rules out its detector; a weak form is tried only where one of its context words stands near, or little else was said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from addons.masks.cues import in_any_number, words_of
from addons.masks.detectors.assigned import Assigned
from addons.masks.detectors.aws_access_key import SecretKey
from addons.masks.detectors.forms import Forms
from addons.masks.detectors.kinds import SURE, Anchored, Detector, Found, Pattern
from addons.masks.detectors.named_nearby import Announced
from addons.masks.literals import AnyOf, around, blocks
from addons.masks.sight import SHORT, Sight, Strip, Where

_ON_RUNS = (Announced, SecretKey)
_FEW = 4
_LONG = 16384
_PLAIN_NAMES = frozenset(
    {
        *(
            "role",
            "content",
            "text",
            "type",
            "name",
            "id",
            "model",
            "index",
            "object",
            "created",
            "choices",
            "message",
            "messages",
            "usage",
            "delta",
        ),
        *(
            "finish_reason",
            "logprobs",
            "system_fingerprint",
            "stop_reason",
            "input",
            "output",
            "parts",
            "tools",
            "function",
            "arguments",
            "parameters",
        ),
        *(
            "properties",
            "description",
            "required",
            "enum",
            "items",
            "title",
            "status",
            "error",
            "data",
            "url",
            "tool_calls",
            "refusal",
            "annotations",
        ),
    }
)  # what most of a body stands under: no detector reads anything into them
_RUN, _WHOLE_RUN = re.compile(rb"0+"), re.compile(r"<0+>")
_DIGITS_ALONE = bytes(code if code == ord("0") else ord(" ") for code in range(256))
_SEPARATORS = bytes.maketrans(b" .-/:()", b"_______")
_LAYOUTS, _LINE = 4096, 48  # shapes remembered, and how long they may be: digits and letters are not in them
_OVERLAP = 64  # no shape is longer
_SLACK = 24  # characters outside a strip that may be white space and a stop


class Family:
    """The detectors that read one strip."""

    def __init__(self, where: Where, detectors: Iterable[Pattern]) -> None:
        members = tuple(detectors)
        self._of_capitals = where is Where.CAPITALS
        weak = frozenset(one for one in members if one.confidence < SURE)
        self._weak = weak
        self._strong = dict.fromkeys(one for one in members if one not in weak and not one.shapes)
        self._weak_of_any_shape = frozenset(one for one in weak if not one.shapes)
        self._shaped = any(one.shapes for one in members)
        self._by_run = _by_run(members)
        self._by_look = tuple(_by_look(members))
        self._of_shape = lru_cache(_LAYOUTS)(self._fitting)
        self._alone = tuple(one for one in weak if one.alone)
        self._signed = tuple(one for one in weak if one.context and one.context.signs)
        self._by_cue: dict[str, list[Pattern]] = defaultdict(list)
        for one in weak:
            for cue in in_any_number(one.context.cues) if one.context else ():
                self._by_cue[cue].append(one)
        self._cues = frozenset(self._by_cue)

    def chosen(self, sight: Sight, strip: Strip) -> Iterable[Pattern]:
        chosen, weak = self._strong.copy(), self._weak_of_any_shape
        for strong, fitting in (
            self._of_pieces(strip.shapes(of_capitals=self._of_capitals and len(sight.text) > SHORT))
            if self._shaped
            else ()
        ):
            chosen.update(strong)
            weak |= fitting
        if len(weak) <= _FEW:  # reading the words around costs more than trying them
            chosen.update(dict.fromkeys(weak))
        else:
            for cue in self._cues.intersection(strip.words()):
                chosen.update(dict.fromkeys(weak.intersection(self._by_cue[cue])))
        if self._signed and not sight.text.isascii():
            around = " ".join(strip.around).lower()
            chosen.update((one, None) for one in self._signed if one.context and one.context.signed(around))
        if self._alone and sight.may_be_bare() and len(strip.text) + _SLACK >= len(sight.text):
            chosen.update(dict.fromkeys(self._alone))
        return chosen

    def _of_pieces(self, shapes: Iterable[bytes]) -> Iterator[tuple[dict[Pattern, None], frozenset[Pattern]]]:
        """Short ones come again and are remembered; the others are read as one."""
        others = []
        for shape in shapes:
            if len(shape) <= _LINE:
                yield self._of_shape(shape)
            else:
                others.append(shape)
        rest = b"\n".join(others)
        for at, end in blocks(len(rest)):
            yield self._fitting(rest[at : end + _OVERLAP])

    def _fitting(self, shape: bytes) -> tuple[dict[Pattern, None], frozenset[Pattern]]:
        """Those with a shape that this one may hold: the strong and the weak."""
        fitting = {one for run in set(shape.translate(_DIGITS_ALONE).split()) for one in self._by_run.get(run, ())}
        text = shape.decode("latin-1")  # to find in bytes takes three times as long
        seen: dict[Look, str] = {}
        for digits, look, parts in self._by_look:
            if digits not in text:
                break
            looked = seen.get(look)
            if looked is None:
                looked = seen[look] = look(shape).decode("latin-1")
            for part, members in parts:
                if part in looked:
                    fitting.update(members)
        return dict.fromkeys(fitting - self._weak), self._weak & fitting


type Look = Callable[[bytes], bytes]


def _edged(shape: bytes) -> bytes:
    """With the ends of digit runs marked."""
    return _RUN.sub(rb"<\g<0>>", shape)


def _blurred(shape: bytes) -> bytes:
    """With digits as letters."""
    return shape.replace(b"0", b"A")


def _joined(shape: bytes) -> bytes:
    """With one sign for whatever separates."""
    return (
        shape.translate(_SEPARATORS).replace(b"___", b"_").replace(b"__", b"_")
    )  # of four, one: it may only hold more


_LOOKS: dict[str, Look] = {
    "": bytes,
    "<": _edged,
    "*": _blurred,
    "_": _joined,
    "*_": lambda shape: _joined(_blurred(shape)),
}


def _by_run(patterns: Iterable[Pattern]) -> dict[bytes, list[Pattern]]:
    """Those of which a shape is one run of digits, by the run."""
    found: dict[bytes, list[Pattern]] = defaultdict(list)
    for one in patterns:
        for shape in filter(_WHOLE_RUN.fullmatch, one.shapes):
            found[shape.strip("<>").encode()].append(one)
    return dict(found)


def _by_look(patterns: Iterable[Pattern]) -> Iterator[tuple[str, Look, list[tuple[str, list[Pattern]]]]]:
    """Their other shapes by the longest run of digits, the shortest first: where it does not stand, none that follows can."""
    groups: dict[tuple[int, str], dict[str, list[Pattern]]] = defaultdict(lambda: defaultdict(list))
    for one in patterns:
        for shape in one.shapes:
            if not _WHOLE_RUN.fullmatch(shape):
                longest = max(map(len, _RUN.findall(shape.encode())), default=0)
                looks = "".join(sign for sign in "<*_" if sign in shape)
                groups[longest, looks][shape.replace("*", "A")].append(one)
    for longest, looks in sorted(groups):
        yield "0" * longest, _LOOKS[looks], list(groups[longest, looks].items())


class Plan:
    """A choice of detectors, ordered by what must be true before one of them is run."""

    def __init__(self, detectors: Iterable[Detector]) -> None:
        families: dict[Where, list[Pattern]] = defaultdict(list)
        self._anchored: dict[bytes, list[Anchored]] = defaultdict(list)
        forms: list[Forms] = []
        others: list[Detector] = []
        for one in detectors:
            if isinstance(one, Pattern):
                families[one.where].append(one)
            elif isinstance(one, Anchored):
                for anchor in one.anchors:
                    self._anchored[anchor.encode("latin-1")].append(one)
            elif isinstance(one, Forms):
                forms.append(one)
            else:
                others.append(one)
        self._large = {anchor: members for anchor, members in self._anchored.items() if anchor.isupper()}
        small = {anchor: members for anchor, members in self._anchored.items() if not anchor.isupper()}
        self._words = {anchor: members for anchor, members in small.items() if anchor[:1].isalpha()}
        self._signs = [
            (anchor.strip()[:1].decode(), anchor, members)
            for anchor, members in small.items()
            if anchor not in self._words
        ]
        weak = (one for members in families.values() for one in members)
        self._cues = in_any_number(frozenset().union(*(one.context.cues for one in weak if one.context)))
        self._assigned = tuple(one for one in others if isinstance(one, Assigned))
        self._names = tuple(name.literal for one in self._assigned for name in one.names)
        self._any_large = AnyOf(self._large)
        self._any_word = AnyOf({*self._words, *(name.encode("latin-1") for name in self._names)})
        self._families = tuple(
            (where.least_digits, where.value, Family(where, members)) for where, members in families.items()
        )
        all_forms = Forms(*(form for table in forms for form in table.table))
        self._on_runs = (*(one for one in others if isinstance(one, _ON_RUNS)), all_forms)
        self._others = tuple(one for one in others if not isinstance(one, (Assigned, *_ON_RUNS)))

    def heeds(self, name: str) -> bool:
        """Whether any detector reads something into a name."""
        if name in _PLAIN_NAMES:
            return False
        low = name.lower()
        return (
            any(map(low.__contains__, self._names)) or not self._cues.isdisjoint(words_of(name)) or not name.isascii()
        )

    def found(self, sight: Sight) -> Iterator[Found]:
        """Everything any detector finds."""
        for least, where, family in self._families:
            if sight.digits >= least and (strip := sight.strip(where)).text:
                for pattern in family.chosen(sight, strip):
                    yield from pattern.on(sight, strip)
        words = around(self._any_word, sight.low)
        for anchored in self._anchored_in(sight, words):
            yield from anchored.find(sight)
        for other in self._others:
            yield from other.find(sight)
        for on_run in self._on_runs if sight.runs else ():
            yield from on_run.find(sight)
        for assigned in self._assigned if words or sight.name else ():
            yield from assigned.among(sight, words)

    def _anchored_in(self, sight: Sight, words: bytes) -> Iterable[Anchored]:
        """Those with an anchor in the text. A long text is not read twice for that."""
        stands = sight.places if len(sight.text) > _LONG else sight.holds
        present = [members for sign, anchor, members in self._signs if sign in sight.text and stands(anchor)]
        if words:
            present += [members for anchor, members in self._words.items() if anchor in words]
        if sight.capital != sight.low and self._any_large.stands_in(sight.capital):
            present += [members for anchor, members in self._large.items() if stands(anchor)]
        return dict.fromkeys(one for members in present for one in members) if present else ()
