"""What the other side gets instead of a text: placeholders for values, and the caller's own values for their placeholders. Not the wire's formats (providers/)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from addons.masks.engine import ScopedMasker
from addons.masks.live import Both, Holder, LiveJson, LiveText, Restored


class Incomplete(Exception):  # noqa: N818 -- a state of the text
    """It could not be searched in time: nothing of it may pass."""


class Changer:
    """Of one exchange's reply. `masked`: what is masked on this wire, if anything; `originals`: placeholder -> what the caller sent.

    `sealed(value)`: an object that its provider signed, and that must come back as it was.
    """

    def __init__(
        self, masked: ScopedMasker | None, originals: Mapping[str, str], sealed: Callable[[Any], bool]
    ) -> None:
        self._masked = masked
        self._originals = originals
        self._sealed = sealed

    def text(self) -> Holder:
        restored = Restored(self._originals)
        if self._masked is None:
            return restored
        return Both(LiveText(self._masked.find, wary=self._masked.wary, in_blocks=self._masked.slow), restored)

    @property
    def slow(self) -> bool:
        """A model is asked: not for the event loop."""
        return self._masked is not None and self._masked.slow

    def json(self) -> Holder:
        restored = Restored(self._originals, in_json=True)
        if self._masked is None:
            return restored
        return Both(LiveJson(self._masked.find, wary=self._masked.wary, in_blocks=self._masked.slow), restored)

    def whole(self, value: Any) -> Any:
        if self._masked:
            masked = self._masked.json(value)
            if masked.withheld:
                raise Incomplete
            value = kept(value, masked.value, self._sealed)
        return self._restored(value) if self._originals else value

    def _restored(self, value: Any) -> Any:
        if isinstance(value, str):
            return Restored(self._originals, in_json=value[:1] in ("{", "[")).whole(value)
        if isinstance(value, list):
            return [self._restored(one) for one in value]
        if isinstance(value, dict) and not self._sealed(value):
            return {key: self._restored(one) for key, one in value.items()}
        return value


def kept(before: Any, after: Any, sealed: Callable[[Any], bool]) -> Any:
    """`after`, with what is sealed as it was. Keys may have been masked; their order is the same."""
    if isinstance(before, dict) and isinstance(after, dict):
        if sealed(before):
            return before
        return {key: kept(one, other, sealed) for one, (key, other) in _paired(before, after)}
    if isinstance(before, list) and isinstance(after, list):
        return [kept(one, other, sealed) for one, other in zip(before, after, strict=True)]
    return after


def _paired(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[Any, tuple[str, Any]]]:
    return zip(before.values(), after.items(), strict=True)
