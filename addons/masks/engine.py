"""The room's door: rules and keys in, masked values out. Not a detector, and not policy; the clock, the store and the wire are other rooms'.

Detections are memoised by the keyed digest of the text; what is done about them is decided per call, because connection, groups and direction
change from call to call. Everything here may be called from several threads at once.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson

from addons.masks import bodies, headers, multipart, urls, walk
from addons.masks.custom import NONE, Extra, quick
from addons.masks.detection import FIELD, WITHHELD, Undecided, context_of, detect, named
from addons.masks.detectors import CREDENTIAL, DETECTOR_SET, ENTITIES
from addons.masks.injected import Injected
from addons.masks.memo import Memo
from addons.masks.placeholders import PLACEHOLDER, fingerprint, hashed, partial, redacted
from addons.masks.rules import (
    Action,
    Allowed,
    Masked,
    MaskedBody,
    MaskedDeltas,
    MaskedDocument,
    MaskedJson,
    MaskedPairs,
    Rule,
)
from addons.masks.spans import Replacement, Span, replaced, united
from addons.masks.stream import remap
from addons.masks.tally import Tally

__all__ = ["ENTITIES", "Masker", "ScopedMasker"]
_BATCH = 2000  # leaves
ALWAYS = Rule("always", (CREDENTIAL,), Action.REDACT)  # by place or by value: no policy turns it off


class Masker:
    """Rules and keys of one policy in force."""

    def __init__(
        self,
        rules: Sequence[Rule],
        key: bytes,
        memo_key: bytes,
        memo_bytes: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        extra: Extra = NONE,
        allowed: Sequence[Allowed] = (),
    ) -> None:
        self._rules = tuple(rules)
        self._key = key
        self._clock = clock
        self._memo = Memo(memo_key, memo_bytes, DETECTOR_SET + extra.digest)
        self.extra = extra
        self._quick = quick(extra)
        self.entities = ENTITIES | extra.entities | {FIELD}
        self.named = named if extra.detectors else context_of
        self.key_id = hmac.digest(key, b"affidavit/masking-key-id/v1", hashlib.sha256)[:4].hex()
        self.digest = (
            "sha256:"
            + hashlib.sha256(repr((self._rules, DETECTOR_SET, extra.digest, self.key_id)).encode()).hexdigest()
        )
        self.allowed = tuple(_Free(one, self._fingerprints(one)) for one in allowed)

    def scope(
        self,
        connection: str,
        groups: Collection[str],
        direction: str,
        *,
        secrets: Collection[str] = (),
        wire: bool = False,
    ) -> ScopedMasker:
        """The masker of one call and direction. `secrets`: values to redact wherever they stand. `wire`: only what rules mask on the wire."""
        fitting = [rule for rule in self._rules if rule.fits(connection, frozenset(groups), direction)]
        chosen = {entity: rules for entity in self.entities if (rules := _those_for(fitting, entity))}
        if wire:
            on_wire = {
                entity: [rule for rule in rules if rule.wire.covers(direction)] for entity, rules in chosen.items()
            }
            chosen = {entity: tuple(rules) for entity, rules in on_wire.items() if rules}
        return ScopedMasker(self, chosen, direction, Injected(secrets), by_place=not wire)

    def _fingerprints(self, allowed: Allowed) -> frozenset[str]:
        """Of the allowed values, as detections carry them: however a value is written, it is the same."""
        found = {
            span.digest
            for value in allowed.values
            for span in self.spans_once(value, "", alone=True)
            if span.entity in allowed.entities and (span.start, span.end) == (0, len(value))
        }
        return frozenset(found | {self.fingerprint(value) for value in allowed.values})

    def spans(self, text: str, name: str = "", *, alone: bool = False, models: bool = True) -> tuple[Span, ...]:
        """Detections in the text, remembered. `models`: they are asked too. Raises Undecided when it cannot be searched in time."""
        name = self.named(name) if name else ""
        if not name and walk.is_dull(text) and not self.extra.detectors:
            return ()
        extra = self.extra if models else self._quick
        memo = self._memo.key(text, f"{alone:d}{name}" if extra is self.extra else f"quick{alone:d}{name}")
        known = self._memo.get(memo)
        if known is None:
            known = detect(text, name, self._key, alone=alone, clock=self._clock, extra=extra)
            self._memo.put(memo, known)
        return known

    def spans_once(self, text: str, name: str, *, alone: bool, models: bool = False) -> tuple[Span, ...]:
        """As `spans`, and forgotten."""
        name = self.named(name) if name else ""
        return detect(
            text, name, self._key, alone=alone, clock=self._clock, extra=self.extra if models else self._quick
        )

    @property
    def modelled(self) -> frozenset[str]:
        """Entities that only a model finds."""
        return self.extra.entities - self._quick.entities

    def fingerprint(self, value: str) -> str:
        return fingerprint(self._key, value)


class _Free:
    """Tells which detections are of allowed values."""

    def __init__(self, allowed: Allowed, digests: frozenset[str]) -> None:
        self._entities = frozenset(allowed.entities)
        self._patterns = allowed.patterns
        self._digests = digests

    def covers(self, span: Span, text: str) -> bool:
        if span.entity not in self._entities:
            return False
        value = text[span.start : span.end]
        return span.digest in self._digests or any(one.fullmatch(value) for one in self._patterns)


def _those_for(rules: Iterable[Rule], entity: str) -> tuple[Rule, ...]:
    """The rules that may decide an entity, in order; nothing stands below one that decides every detection of it."""
    found: list[Rule] = []
    for rule in rules:
        if entity in rule.entities or ("*" in rule.entities and entity != FIELD):
            found.append(rule)
            if not rule.threshold and not rule.fields:
                break
    return tuple(found)


class ScopedMasker:
    """Masks what one call carries in one direction. Made by Masker.scope."""

    def __init__(
        self,
        masker: Masker,
        rules: Mapping[str, tuple[Rule, ...]],
        direction: str,
        injected: Injected,
        *,
        by_place: bool,
    ) -> None:
        self._masker = masker
        whole = tuple(rules.get(FIELD, ()))
        self._fields = tuple(place for rule in whole for place in rule.fields)
        self._rules = {entity: those[0] for entity, those in rules.items()} | {CREDENTIAL: ALWAYS}
        some = {entity: those for entity, those in rules.items() if those[0].threshold or those[0].fields}
        self._some = some  # entities that a rule decides only here and there
        self._naming = masker.named
        self._direction = direction
        self._injected = injected
        self._by_place = by_place
        self.slow = not masker.modelled.isdisjoint(rules)  # a model is asked: not for the event loop

    def text(self, text: str, *, context: str = "", location: str = "", base: str = "") -> Masked:
        """`context`: the name it stands under (a JSON key, a tool); `location`: what its hits say of where they are; `base`: where that is."""
        found = self._found(text, context, alone=True)
        if found == ():
            return Masked(text)
        tally = Tally(self._direction, base)
        masked = replaced(text, self._decided(text, found, location, tally))
        return Masked(masked, tally.hits(), tally.blocked, tally.withheld)

    def deltas(self, deltas: Sequence[str], *, context: str = "", location: str = "") -> MaskedDeltas:
        """A finished block of a stream: masked as one text, given back in its pieces."""
        text = "".join(deltas)
        found = self._found(text, context, alone=True)
        if found == ():
            return MaskedDeltas(tuple(deltas))
        tally = Tally(self._direction)
        replacements = self._decided(text, found, location, tally)
        return MaskedDeltas(remap(deltas, replacements), tally.hits(), tally.blocked, tally.withheld)

    def json(self, value: Any, *, pointer: str = "", context: str = "") -> MaskedJson:
        """A parsed JSON value: keys, strings and numbers. Nested deeper than walk.DEPTH it is withheld."""
        tally = Tally(self._direction)
        try:
            masked = self._walked(value, pointer, context, tally)
        except walk.TooDeepError:
            tally.withheld, masked = True, redacted(WITHHELD)
        return MaskedJson(masked, tally.hits(), tally.blocked, tally.withheld, tally.originals)

    def find(self, text: str, context: str, alone: bool) -> Sequence[Replacement]:
        """What to put into a piece of a text that is still being said. Not remembered: it is seen once. Raises Undecided where a model does not
        answer: it would be asked again for every piece.
        """
        try:
            spans = self._masker.spans_once(text, context, alone=alone, models=self.slow)
        except Undecided:
            if self.slow:
                raise
            return self._decided(text, None, "", Tally(self._direction))
        return self._decided(text, (*spans, *self._injected.spans(text)), "", Tally(self._direction))

    def rule_for(self, entity: str, location: str = "") -> Rule | None:
        """The rule that decides a sure detection of that entity there."""
        return self._rule(Span(0, 0, entity, 1.0), location)

    @property
    def masks(self) -> bool:
        """Whether any rule applies here."""
        return len(self._rules) > 1

    @property
    def restores(self) -> bool:
        """Whether the caller gets any of its values back."""
        return any(rule.restore for rules in (self._rules.values(), *self._some.values()) for rule in rules)

    @property
    def wary(self) -> bool:
        """Whether a word of letters alone may be a value."""
        return bool(self._masker.extra.detectors)

    def headers(self, pairs: Iterable[tuple[str, str]]) -> MaskedPairs:
        """Credentials by name, the rest by search."""
        tally = Tally(self._direction)
        masked = tuple(
            (name, self._named(name, value, f"header:{name.lower()}", tally, headers.is_credential))
            for name, value in pairs
        )
        return MaskedPairs(masked, tally.hits(), tally.blocked, tally.withheld)

    def query(self, query: str) -> Masked:
        """A URL's query, without the question mark."""
        tally = Tally(self._direction)
        return Masked(self._queried(query, tally), tally.hits(), tally.blocked, tally.withheld)

    def path(self, path: str) -> Masked:
        """A URL's path; where a query follows, its parameters are read by name."""
        tally = Tally(self._direction)
        bare, mark, query = path.partition("?")
        masked = self._masked(bare, "", "path", tally) + mark + self._queried(query, tally)
        return Masked(masked, tally.hits(), tally.blocked, tally.withheld)

    def document(self, content: bytes, content_type: str, *, base: str = "") -> MaskedDocument:
        """A whole body, or a text at `base` of one. Binary gives no text: the caller records digest, type and size."""
        tally = Tally(self._direction, base)
        form, text = self._documented(content, content_type, tally)
        return MaskedDocument(form, text, tally.hits(), tally.blocked, tally.withheld)

    def body(self, content: bytes, content_type: str) -> MaskedBody:
        """A whole body to be sent on: of a multipart one each text for itself, and what is binary as it was."""
        tally = Tally(self._direction)
        masked = self._in_place(content, content_type, tally, "")
        return MaskedBody(masked, tally.hits(), tally.withheld, tally.originals)

    def _in_place(self, content: bytes, content_type: str, tally: Tally, part: str) -> bytes | None:
        if bodies.form_of(content_type) == "multipart" and (cut := multipart.cut(content, content_type)):
            fields = [self._field_in_place(one, tally, f"{part}part:{number}") for number, one in enumerate(cut[0])]
            return None if None in fields else b"".join([*(one for one in fields if one), cut[1]])
        own = Tally(self._direction, tally.base)
        _, text = self._documented(content, content_type, own, part)
        if bodies.form_of(content_type) == "multipart":
            self._masked(content.decode("utf-8", "replace"), "", part, own)  # what stands between its parts too
        tally.take(own)
        if not own.masks:
            return content
        charset = bodies.charset_of(content, content_type)
        return text.encode(charset) if charset and bodies.form_of(content_type) != "multipart" else None

    def _field_in_place(self, one: multipart.Field, tally: Tally, location: str) -> bytes | None:
        name = self._masked(one.file_name, "", location, tally)
        content = self._in_place(one.content, one.content_type, tally, location)
        if content is None or (content != one.content and one.is_encoded):
            return None
        spelled = one.spelled(name, content)
        head = spelled[: len(spelled) - len(content)].decode("utf-8", "replace")
        rest = Tally(self._direction, tally.base)
        return None if self._masked(head, "", location, rest) != head else spelled

    def _masked(self, text: str, context: str, location: str, tally: Tally) -> str:
        found = self._found(text, context) if text else ()
        return text if found == () else replaced(text, self._decided(text, found, location, tally))

    def _replacements(self, text: str, context: str, location: str, tally: Tally) -> list[Replacement]:
        return self._decided(text, self._found(text, context), location, tally)

    def _found(self, text: str, context: str, *, alone: bool = False) -> tuple[Span, ...] | None:
        """Detections, and injected credentials; None where the text could not be searched in time."""
        try:
            return (*self._masker.spans(text, context, alone=alone, models=self.slow), *self._injected.spans(text))
        except Undecided:
            return None

    def _decided(self, text: str, spans: Iterable[Span] | None, location: str, tally: Tally) -> list[Replacement]:
        """What the rules make of the spans. Without spans nothing of the text is shown."""
        if spans is None:
            tally.withheld = True
            return [Replacement(0, len(text), redacted(WITHHELD))]
        if self._masker.allowed:
            spans = self._without_allowed(text, list(spans))
        rules = self._rules
        if self._some:
            spans = [span for span in spans if self._rule(span, tally.base + location)]
        place = tally.base + location
        chosen = [span for span in spans if span.entity in rules]
        kept = [span for span in chosen if self._of(span, place).action is Action.KEEP]
        for span in united(kept):
            tally.add(location, span.entity, self._of(span, place), "")
        masking = [span for span in chosen if self._of(span, place).action is not Action.KEEP]
        return [self._replacement(text, span, location, tally) for span in united(masking)]

    def _of(self, span: Span, place: str) -> Rule:
        return (self._rule(span, place) if self._some else None) or self._rules[span.entity]

    def _rule(self, span: Span, location: str) -> Rule | None:
        """The first that fits a detection this sure in this place."""
        for rule in self._some.get(span.entity, ()):
            if span.confidence >= rule.threshold and (
                not rule.fields or any(place.covers(location) for place in rule.fields)
            ):
                return rule
        return None if span.entity in self._some else self._rules.get(span.entity)

    def _without_allowed(self, text: str, spans: list[Span]) -> list[Span]:
        """Nor what else was found inside an allowed value."""
        free = [span for span in spans if any(one.covers(span, text) for one in self._masker.allowed)]
        return (
            [span for span in spans if not any(one.start <= span.start and span.end <= one.end for one in free)]
            if free
            else spans
        )

    def _replacement(self, text: str, span: Span, location: str, tally: Tally) -> Replacement:
        rule = self._of(span, tally.base + location)
        token = self._token(rule.action, span, text)
        tally.add(location, span.entity, rule, token)
        if rule.restore:
            tally.originals[token] = text[span.start : span.end]
        return Replacement(span.start, span.end, f"{span.quote}{token}{span.quote}")

    def _token(self, action: Action, span: Span, text: str) -> str:
        if action is Action.REDACT:
            return redacted(span.entity)
        if action is Action.PARTIAL:
            return partial(span.entity, span.tail)
        return hashed(span.entity, span.digest or self._masker.fingerprint(text[span.start : span.end]))

    def _walked(self, value: Any, root: str, context: str, tally: Tally) -> Any:
        leaves = walk.leaves(value, context)
        found: dict[int, Iterable[Span] | None] = {}  # None: could not be searched in time
        small = [index for index, leaf in enumerate(leaves) if leaf.is_small and not leaf.is_dull(self._naming)]
        for begin in range(0, len(small), _BATCH):
            found.update(self._found_together(leaves, small[begin : begin + _BATCH]))
        for index, leaf in enumerate(leaves):
            if not leaf.is_small:
                found[index] = self._found(leaf.text, leaf.name)
        if self._fields:
            found |= self._whole_fields(leaves, tally.base + root)
        texts: list[str | None] = [None] * len(leaves)
        for index in sorted(found):  # a key before what stands under it, so that pointers show the key's masked form
            if found[index] != ():
                texts[index] = self._shown(
                    leaves[index].text, found[index], walk.pointer(root, index, leaves, texts), tally
                )
        return value if all(text is None for text in texts) else walk.rebuilt(value, iter(texts))

    def _whole_fields(self, leaves: Sequence[walk.Leaf], root: str) -> dict[int, Iterable[Span] | None]:
        """Leaves that a rule masks whatever they say."""
        unmasked: list[str | None] = [None] * len(leaves)
        found: dict[int, Iterable[Span] | None] = {}
        for index, leaf in enumerate(leaves):
            if leaf.text and not leaf.is_key(index) and not PLACEHOLDER.fullmatch(leaf.text):
                location = walk.pointer(root, index, leaves, unmasked)
                if any(place.covers(location) for place in self._fields):
                    found[index] = (Span(0, len(leaf.text), FIELD, 1.0, self._masker.fingerprint(leaf.text)),)
        return found

    def _shown(self, text: str, spans: Iterable[Span] | None, location: str, tally: Tally) -> str | None:
        """The leaf's new text; None where nothing in it is masked."""
        replacements = self._decided(text, spans, location, tally)
        return replaced(text, replacements) if replacements else None

    def _found_together(self, leaves: Sequence[walk.Leaf], indexes: Sequence[int]) -> dict[int, Iterable[Span] | None]:
        """Small leaves, searched as one text."""
        batch = [leaves[index] for index in indexes]
        text, starts = walk.joined(batch, self._naming)
        spans = self._found(text, "")
        if spans is None:
            return dict.fromkeys(indexes)
        return {indexes[place]: parts for place, parts in walk.parted(spans, batch, starts).items()}

    def _named(self, name: str, value: str, location: str, tally: Tally, is_credential: Callable[[str], bool]) -> str:
        if self._by_place and value and is_credential(name):
            token = redacted(CREDENTIAL)
            tally.add(location, CREDENTIAL, ALWAYS, token)
            return token
        return self._masked(value, name, location, tally)

    def _queried(self, query: str, tally: Tally) -> str:
        return urls.each_parameter(query, lambda name, value: self._parameter(name, value, tally))

    def _parameter(self, name: str, value: str | None, tally: Tally) -> str:
        """`name=value`, or a name alone. A plus is a space here, and itself in an address."""
        shown = self._masked(name, "", "query", tally)
        if value is None:
            return shown
        location = f"query:{shown}"
        if "+" not in value or (self._by_place and urls.is_credential(name)):
            return f"{shown}={self._named(name, value, location, tally, urls.is_credential)}"
        plain, spaced = self._found(value, name), self._found(value.replace("+", " "), name)
        both = None if plain is None or spaced is None else (*plain, *spaced)
        return f"{shown}={replaced(value, self._decided(value, both, location, tally))}"

    def _documented(self, content: bytes, content_type: str, tally: Tally, part: str = "") -> tuple[str, str]:
        form = bodies.form_of(content_type)
        if form == "multipart" and (sections := bodies.sections(content, content_type)) is not None:
            return "multipart", "\n".join(
                self._section(one, f"{part}part:{number}", tally) for number, one in enumerate(sections)
            )
        text = bodies.decoded(content, content_type)
        if text is None:
            return "binary", ""
        if form == "form":
            return "form", self._queried(text, tally)
        if text.lstrip()[:1] in ("{", "[") and (masked := self._json_text(text, part, tally)) is not None:
            return "json", masked
        if form == "lines" and (masked := self._json_lines(text, part, tally)) is not None:
            return "lines", masked
        return "text", self._masked(text, "", part, tally)

    def _json_text(self, text: str, part: str, tally: Tally) -> str | None:
        """None where it is not JSON, or deeper than can be walked, or says more than its value: then it is text."""
        try:
            value = orjson.loads(text)
            masked = self._walked(value, part, "", tally)
        except (orjson.JSONDecodeError, walk.TooDeepError):
            return None
        if masked is not value:
            return orjson.dumps(masked).decode()
        return None if walk.hides_a_key(text, value) else text

    def _json_lines(self, text: str, part: str, tally: Tally) -> str | None:
        """A value a line, as a stream's events are kept. What stands at the same place in several is read as one text: a value may be cut in two."""
        try:
            values = [orjson.loads(line) for line in text.splitlines()]
        except orjson.JSONDecodeError:
            return None
        for pieces in walk.columns(values):
            told = [piece.text for piece in pieces]
            joined = "".join(told)
            if replacements := self._replacements(joined, pieces[0].name, f"{part}/{pieces[0].pointer}", tally):
                for piece, masked in zip(pieces, remap(told, replacements), strict=True):
                    piece.container[piece.key] = masked
        try:
            return "\n".join(
                orjson.dumps(self._walked(value, f"{part}/{number}", "", tally)).decode()
                for number, value in enumerate(values)
            )
        except walk.TooDeepError:
            return None

    def _section(self, section: bodies.Section, location: str, tally: Tally) -> str:
        head = self._masked(section.head, "", location, tally)
        if self._by_place and urls.is_credential(section.name):
            tally.add(location, CREDENTIAL, ALWAYS, redacted(CREDENTIAL))
            return f"{head}\n\n{redacted(CREDENTIAL)}"
        form, text = self._documented(section.content, section.content_type, tally, location)
        return f"{head}\n\n{text}" if form != "binary" else f"{head}\n\n[{len(section.content)} bytes]"
