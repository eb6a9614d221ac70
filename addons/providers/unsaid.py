"""The net under every reader: what a message says and its parts do not becomes a part of its own. Not a reader.

A vendor's new key, a key of another vendor's, text hidden where nobody looks: the provider got it, so the record has it.
Strategy: every string of the message must stand in some part, whole, joined to its neighbours, or within the JSON of a value
that was kept as such. Labels ("type", "id", "cache_control") may go as long as they are too short to say anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from addons.providers.call import Json, Kind, Part
from addons.providers.json_values import compact, words

_LONGEST_LABEL: Final = 64  # characters
_DEEPEST: Final = 12  # levels looked into; what lies deeper is kept whole with what holds it
_MOST_SEARCHED: Final = (
    20_000_000  # characters of text searched for one message; beyond, whatever is not found at once is kept
)
_LABELS: Final = frozenset({
    "_meta", "attempt", "background", "cache_control", "cachePoint", "caller", "citations", "container_id", "detail", "encoding",
    "environment", "execution", "expires_at", "finish_reason", "format", "id", "index", "is_error", "jsonrpc", "kind",
    "language", "max_output_length", "media_resolution", "media_type", "mediaResolution", "method", "mime_type", "mimeType", "model",
    "namespace", "object", "output_format", "outputDimensionality", "page_age", "partial", "phase", "prefix",
    "prompt_cache_breakpoint", "quality", "resolution", "role", "size", "status", "stop_reason", "task_type", "taskType",
    "thought", "tool_type", "toolType", "type", "video_metadata", "videoMetadata", "weight",
})  # fmt: skip
# Opaque to everybody but the provider, or numbers about the text; a reader tells of them where nothing else is said.
_SEALED: Final = frozenset({
    "encrypted_content", "fingerprint", "logprobs", "obfuscation", "signature", "thought_signature", "thoughtSignature", "token_ids",
})  # fmt: skip

_SPOKEN: Final = frozenset({"arguments", "content", "data", "input", "summary", "text", "thinking", "value"})
_SHORTEST_FOUND: Final = (
    8  # characters: a shorter word is found in any text by chance, and counts under these keys only
)

_SPEAKERS: Final = ("user", "assistant", "system", "developer")

Parse = Callable[[Json], tuple[Part, ...]]


def keeping_all(read: Callable[[Json], Iterable[Part]]) -> Parse:
    """The reader that tells what `read` tells, and then what it does not."""

    def parse(value: Json) -> tuple[Part, ...]:
        if isinstance(value, dict) and len(value) == 2 and value.get("role") in _SPEAKERS:
            said = value.get("content")
            if said and isinstance(
                said, str
            ):  # {"role": "user", "content": "…"}: most messages, and the same in each format
                return (Part(Kind.TEXT, said),)
        parts = tuple(read(value))
        return (*parts, *unsaid(value, parts))

    return parse


def unsaid(value: Json, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    if isinstance(value, str) and len(parts) == 1 and parts[0].content == value:
        return ()
    found, _ = _Net(parts).look("", value, _DEEPEST)
    return tuple([Part(Kind.OTHER, words(lost), name=key[:_LONGEST_LABEL]) for key, lost in found])


class _Net:
    """What the parts say, in forms that are quick to ask."""

    __slots__ = ("_contents", "_joined", "_json", "_said", "_searched")

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._contents = [part.content for part in parts if not part.base64]
        self._said = {word for part in parts for word in (part.content, part.name, part.call_id, part.media_type)}
        self._said |= {word for part in parts if "." in part.name for word in part.name.split(".", 1)}  # server.tool
        self._json = any(content[:1] in ("{", "[") for content in self._contents)
        self._joined = ""
        self._searched = 0

    def look(self, key: str, value: Json, depth: int) -> tuple[list[tuple[str, Json]], bool]:
        """What of `value` is not said, and whether any of it is."""
        if isinstance(value, str):
            return self._look_at_text(key, value)
        if not isinstance(value, dict | list) or not value or key in _SEALED:
            return [], isinstance(value, int | float) and str(value) in self._said
        if self._json and (compact(value) in self._said or compact({key: value}) in self._said):
            return [], True
        if key in _LABELS and len(compact(value)) <= _LONGEST_LABEL:
            return [], False
        return self._look_into(key, value, depth) if depth else ([(key, value)], False)

    def _look_at_text(self, key: str, value: str) -> tuple[list[tuple[str, Json]], bool]:
        if value in self._said:
            return [], True
        if key in _SEALED or (key in _LABELS and len(value) <= _LONGEST_LABEL):
            return [], False
        findable = key in _SPOKEN or len(value) >= _SHORTEST_FOUND
        within = (findable and self._is_within(value)) or (self._json and self._is_a_pair(key, value))
        return ([], True) if within else ([(key, value)], False)

    def _look_into(
        self, key: str, value: dict[str, Json] | list[Json], depth: int
    ) -> tuple[list[tuple[str, Json]], bool]:
        entries = value.items() if isinstance(value, dict) else ((key, entry) for entry in value)
        found: list[tuple[str, Json]] = []
        said = False
        numbers = False
        for name, entry in entries:
            lost, some = self.look(name, entry, depth - 1)
            found += lost
            said = said or some
            numbers = numbers or (isinstance(entry, int | float) and name not in _LABELS)
            if len(name) > _LONGEST_LABEL and name not in self._said:
                found.append(("key", name))
        if key and not said and (found or numbers):
            return [(key, value)], False  # nothing of it is said: it is one thing, and kept as one
        return found, said

    def _is_within(self, text: str) -> bool:
        """Joined to its neighbours, within a value's JSON, or the payload of a data URL."""
        if text[:5].lower() == "data:" and text.partition(",")[2] in self._said:
            return True
        return self._finds(text) or (self._json and self._finds(compact(text)[1:-1]))

    def _is_a_pair(self, key: str, text: str) -> bool:
        return self._finds(f"{compact(key)}:{compact(text)}")

    def _finds(self, text: str) -> bool:
        if not self._joined:
            self._joined = "\n".join(self._contents)
        self._searched += len(self._joined)
        return self._searched <= _MOST_SEARCHED and text in self._joined
