r"""Which strings of a stream's event are pieces of one longer text, and of which. By their places, whatever the endpoint; not a parser of replies.

    {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}                                  ("choices", 0, "content")
    {"type": "content_block_delta", "index": 1, "delta": {"partial_json": "{\"q"}}            (1, "partial_json"), JSON
    {"type": "content_block_delta", "index": 0, "delta": {"thinking": "…"}}                    sealed: signed, not to be touched
Sources: the vendors' API references on streaming, 2026-11; each format has its own parser beside this file.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from addons.providers.call import Json
from addons.providers.json_values import array

_TEXTS: Final = frozenset(
    "content text reasoning reasoning_content refusal thinking tool_plan value delta completion response generation outputText "
    "output_text generated_text input code transcript summary_text".split()
)
_JSONS: Final = frozenset({"arguments", "partial_json", "parameters"})
_SEALED: Final = frozenset(
    {"signature", "thinking", "redacted_thinking", "reasoningContent", "redactedContent", "thought_signature"}
)
_INDEXES: Final = ("index", "output_index", "content_index", "summary_index", "contentBlockIndex", "item_id", "id")
_ENDINGS: Final = ("finish_reason", "finishReason", "stop_reason", "done", "is_finished")
_QUIET: Final = frozenset({"ping", "heartbeat", "response.in_progress", "response.queued", "interaction.status_update"})
_STREAM_ENDS: Final = frozenset(
    {
        "response.done",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
        "response.error",
    }
)
_BY_PLACE: Final = ("response.", "conversation.item.")
_LIVE: Final = ("serverContent", "server_content")
_LIVE_ENDS: Final = ("turnComplete", "turn_complete", "generationComplete", "generation_complete", "interrupted")
_LIVE_CALLS: Final = ("toolCall", "tool_call")
_LIVE_TURNS: Final = ("modelTurn", "model_turn")
_LIVE_HEARD: Final = ("inputTranscription", "input_transcription")
_LIVE_SPOKEN: Final = ("outputTranscription", "output_transcription")
_BINARY: Final = ("audio.delta", "audio.done", "partial_image")
_WHOLE_KINDS: Final = ("message", "response.created", "response.completed", "response.incomplete", "response.failed")
_DEPTH: Final = 12


class Spot(NamedTuple):
    """A piece: `container[key]` is its string. Equal channels are one text."""

    container: Any
    key: Any
    channel: tuple[Any, ...]
    is_json: bool = False
    is_base64: bool = False  # UTF-8 in base64
    is_fresh: bool = False  # it begins a text, whatever its channel said before

    @property
    def text(self) -> str:
        said: str = self.container[self.key]
        return base64.b64decode(said).decode() if self.is_base64 else said

    def put(self, text: str) -> None:
        self.container[self.key] = base64.b64encode(text.encode()).decode() if self.is_base64 else text


def spots(event: str, value: Json) -> list[Spot]:
    """The pieces in an event; none where it is no delta."""
    if not isinstance(value, dict):
        return []
    kind = _kind(event, value)
    if any(sign in kind for sign in _BINARY):
        return []
    if isinstance(value.get("choices"), list):
        return [spot for choice in value["choices"] for spot in _of_choice(choice)]
    if isinstance(value.get("candidates"), list):
        return [spot for number, one in enumerate(value["candidates"]) for spot in _of_candidate(number, one)]
    if any(isinstance(value.get(name), dict) for name in _LIVE):
        return [spot for name in _LIVE for spot in _of_live(name, value.get(name))]
    if event == "chunk" and _is_text_in_base64(value.get("bytes")):
        return [Spot(value, "bytes", ("bytes",), is_base64=True)]
    if _is_delta(event, kind, value):
        return list(_leaves(value, (kind, *_place(value)), "", 0))
    return []


def _kind(event: str, value: dict[str, Json]) -> str:
    for name in ("type", "event_type", "object"):
        if isinstance(said := value.get(name), str):
            return said
    return event


def _is_delta(event: str, kind: str, value: dict[str, Json]) -> bool:
    """Known by its name, by a `delta` in it, or as the plain object of a server that has no other events."""
    if kind.endswith(
        (".done", ".completed", "_start", "_stop", "-start", "-end", ".start", ".stop", ".created", ".added")
    ):
        return False
    if isinstance(delta := value.get("delta"), dict) and delta.get("type") == "thought_summary":
        return False  # each is a summary of its own
    if kind.startswith(_WHOLE_KINDS) and not kind.endswith("delta"):
        return False
    if "delta" in kind.lower() or "delta" in value or kind in ("completion", "text-generation", "tool-calls-chunk"):
        return True
    return not event and not isinstance(value.get("type") or value.get("event_type"), str) and kind != "thread.run"


def _of_choice(choice: Json) -> Iterator[Spot]:
    if not isinstance(choice, dict):
        return
    root = ("choices", choice.get("index", 0))
    if isinstance(choice.get("text"), str):
        yield Spot(choice, "text", (*root, "text"))
    delta = choice.get("delta")
    if isinstance(delta, dict):
        calls = delta.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                for spot in _leaves(call, (*root, "tool", call.get("index", position)), "", 0):
                    yield spot._replace(is_fresh=bool(call.get("id") and spot.text))
        yield from _leaves({key: one for key, one in delta.items() if key != "tool_calls"}, root, "", 0, delta)


def _of_candidate(number: int, candidate: Json) -> Iterator[Spot]:
    content = candidate.get("content") if isinstance(candidate, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield Spot(part, "text", ("candidates", candidate.get("index", number), bool(part.get("thought"))))


def _of_live(name: str, content: Json) -> Iterator[Spot]:
    """Gemini's Live API: what the model writes, what it says and what it hears, each a text of its own."""
    if not isinstance(content, dict):
        return
    for key in _LIVE_TURNS:
        turn = content.get(key)
        for part in array(turn.get("parts")) if isinstance(turn, dict) else ():
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield Spot(part, "text", (name, key, bool(part.get("thought"))))
    for key in (*_LIVE_HEARD, *_LIVE_SPOKEN):
        said = content.get(key)
        if isinstance(said, dict) and isinstance(said.get("text"), str):
            yield Spot(said, "text", (name, key))


def _leaves(value: Json, channel: tuple[Any, ...], name: str, depth: int, container: Any = None) -> Iterator[Spot]:
    if depth > _DEPTH:
        return
    if isinstance(value, dict):
        if value.get("signature") and channel[:1] != ("content_block_delta",):
            return  # a thought that is signed beside its text
        for key, one in value.items():
            if key in _SEALED and not (key == "thinking" and "signature" not in value and _is_unsigned(channel)):
                continue
            here = container if container is not None else value
            if isinstance(one, str):
                in_tool = "toolUse" in channel
                of_call = str(channel[0]).endswith("arguments.delta")  # of OpenAI's Responses and Realtime
                if key in _JSONS or (key == "input" and in_tool) or (key == "delta" and of_call):
                    yield Spot(here, key, (*channel, key), is_json=True)
                elif key in _TEXTS:
                    yield Spot(here, key, (*channel, key))
            elif isinstance(one, dict | list):
                yield from _leaves(one, (*channel, key), key, depth + 1)
    elif isinstance(value, list):
        for position, one in enumerate(value):
            place = one.get("index", position) if isinstance(one, dict) else position
            kind = one.get("type", "") if isinstance(one, dict) else ""
            yield from _leaves(one, (*channel, place, kind), name, depth + 1)


def _is_unsigned(channel: tuple[Any, ...]) -> bool:
    """Thoughts that nobody signs: not those of Anthropic's content blocks."""
    return channel[:1] != ("content_block_delta",)


def _is_text_in_base64(said: Json) -> bool:
    try:
        return isinstance(said, str) and bool(base64.b64decode(said, validate=True).decode())
    except (binascii.Error, ValueError):
        return False


def is_quiet(event: str, value: Json) -> bool:
    """It says nothing, and ends nothing. Sound comes between the pieces of its own transcript."""
    if not isinstance(value, dict):
        return False
    kind = _kind(event, value)
    return kind in _QUIET or any(sign in kind for sign in _BINARY)


def ends(value: Json, channel: tuple[Any, ...]) -> bool:
    """Whether the event ends the channel: its own choice or block is over, or the whole."""
    if not isinstance(value, dict):
        return True
    if (by_place := _ends_by_place(value, channel)) is not None:
        return by_place
    for name in ("choices", "candidates"):
        if isinstance(listed := value.get(name), list):
            if channel[:1] != (name,):
                return False
            return any(
                (one.get("index", place) if name == "choices" else place) == channel[1]
                and any(one.get(ending) for ending in _ENDINGS)
                for place, one in enumerate(listed)
                if isinstance(one, dict)
            )
    if spots("", value):
        return any(value.get(ending) for ending in _ENDINGS)
    index = next(
        (str(value[name]) for name in ("index", "contentBlockIndex") if isinstance(value.get(name), int)), None
    )
    return index is None or len(channel) < 2 or channel[1] == index or not str(channel[1]).isdigit()


def _ends_by_place(value: dict[str, Json], channel: tuple[Any, ...]) -> bool | None:
    """Of formats in which texts go on side by side: OpenAI's Responses and Realtime, Gemini's Live. None: it is another."""
    kind, of = _kind("", value), str(channel[0])
    if of in _LIVE:
        content: dict[str, Json] = next((value[name] for name in _LIVE if isinstance(value.get(name), dict)), {})
        heard = content.get(channel[1])
        finished = isinstance(heard, dict) and heard.get("finished")
        return bool(finished or any(content.get(name) for name in _LIVE_ENDS) or any(map(value.get, _LIVE_CALLS)))
    if not of.startswith(_BY_PLACE):
        return None
    if kind in _STREAM_ENDS:
        return of.startswith("response.")
    place = _place(value)
    same = kind.startswith(_BY_PLACE) and kind[:8] == of[:8] and channel[1 : 1 + len(place)] == place
    return bool(place) and same and not kind.endswith("delta")


def _place(value: dict[str, Json]) -> tuple[str, ...]:
    return tuple(str(value[name]) for name in _INDEXES if isinstance(value.get(name), str | int))


def follows(channel: tuple[Any, ...], other: tuple[Any, ...], *, both_json: bool) -> bool:
    """Whether a text of `channel` comes after the text of `other`: the same speaker says one thing after the other, but for calls side by side.

    What a person is heard to say, and what a voice says, are told while the rest goes on.
    """
    if _is_heard(channel) != _is_heard(other) or _is_transcript(channel) != _is_transcript(other):
        return False
    roots = [one[:2] if one[:1] in (("choices",), ("candidates",)) else () for one in (channel, other)]
    return channel != other and roots[0] == roots[1] and not both_json


def _is_heard(channel: tuple[Any, ...]) -> bool:
    return str(channel[0]).startswith("conversation.") or (channel[0] in _LIVE and channel[1] in _LIVE_HEARD)


def _is_transcript(channel: tuple[Any, ...]) -> bool:
    return "transcript" in str(channel[0]) or (channel[0] in _LIVE and channel[1] in _LIVE_SPOKEN)


def alone(value: Json, spot: Spot) -> Json:
    """An event that says the piece and nothing else: what else stood beside it was said already."""
    return _alone(value, spot, "", top=True)


_SAID_AGAIN: Final = frozenset({"index", "type", "thought"})


def _alone(value: Json, spot: Spot, name: str, *, top: bool = False) -> Json:
    if isinstance(value, list):
        return [one for one in (_alone(each, spot, name) for each in value) if one is not None] or None
    if not isinstance(value, dict):
        return None
    found: dict[str, Json] = {}
    reached = value is spot.container
    for key, one in value.items():
        if isinstance(one, dict | list):
            inner = _alone(one, spot, key)
            if inner is not None:
                found[key], reached = inner, True
        elif (value is spot.container and key == spot.key) or _goes_along(key, one, name, top=top):
            found[key] = one
    return found if reached or top else None


def _goes_along(key: str, value: Json, name: str, *, top: bool) -> bool:
    if key in _ENDINGS:
        return value in (None, False)
    return (top and key not in _TEXTS) or key in _SAID_AGAIN or (name == "content" and key == "role")


def sealed(value: Json) -> bool:
    """An object that its provider signed, or sealed: edited, it ends the conversation."""
    if not isinstance(value, dict):
        return False
    return value.get("type") in {"thinking", "redacted_thinking", "thinking_delta", "signature_delta"} or bool(
        {"reasoningContent", "redactedContent", "encrypted_content"} & value.keys()
    )
