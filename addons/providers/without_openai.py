"""OpenAI's replies without their tool calls: chat completions and responses, streamed and whole. Not the decision, not the bytes.

Source: OpenAI API reference, "Streaming" of both (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from addons.providers.call import Json
from addons.providers.json_values import array, obj, text
from addons.providers.openai_items import PROVIDERS_OWN, is_call

Event = tuple[str, Json]

_CALL_KEYS: Final = ("tool_calls", "function_call")
_CALLED: Final = ("tool_calls", "function_call")


class ChatEditor:
    """A call is complete when its choice finishes: of these choices, all calls are taken out."""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        closing = {
            _index(choice)
            for _, value in events
            for choice in _choices(value)
            if choice.get("finish_reason") or any(_delta(choice).get(key) for key in _CALL_KEYS)
        }
        found: list[Event] = []
        for name, value in events:
            found += self._denied(name, value, closing, sentence)
        return found

    def _denied(self, name: str, value: Json, closing: set[int], sentence: str) -> Iterable[Event]:
        body = obj(value)
        choices = [self._without(choice) if _index(choice) in closing else choice for choice in _choices(body)]
        for choice in choices:
            if choice.get("finish_reason") and _index(choice) in closing:
                said = {"index": _index(choice), "delta": {"content": f"\n\n{sentence}"}, "finish_reason": None}
                yield name, {**_plain(body), "choices": [said]}
        telling = [choice for choice in choices if _delta(choice) or choice.get("finish_reason")]
        if telling or not choices or body.get("usage"):
            yield name, {**body, "choices": telling} if choices else value

    @staticmethod
    def _without(choice: dict[str, Json]) -> dict[str, Json]:
        key = "delta" if "delta" in choice else "message"
        rest = {name: said for name, said in _delta(choice).items() if name not in _CALL_KEYS}
        if rest.get("content") is None:
            rest.pop("content", None)
        reason = choice.get("finish_reason")
        return {**choice, key: rest, "finish_reason": "stop" if reason in _CALLED else reason}

    def after(self, event: Event, calls_passed: bool) -> Event:
        """The choice has finished, but MiniMax says the whole message again: it has been said already."""
        name, value = event
        choices = _choices(value)
        if calls_passed or not any(_delta(choice).get(key) for choice in choices for key in _CALL_KEYS):
            return event
        said = [{**self._without(choice), "message": None, "delta": {}} for choice in choices]
        return name, {**obj(value), "object": "chat.completion.chunk", "choices": said}

    def whole(self, body: Json, sentence: str) -> Json:
        choices: list[Json] = []
        for choice in _choices(body):
            message = obj(choice.get("message"))
            if not any(message.get(key) for key in _CALL_KEYS):
                choices.append(choice)
                continue
            content = message.get("content")
            said = (
                [*content, {"type": "text", "text": sentence}]
                if isinstance(content, list)
                else _joined(content, sentence)
            )
            rest = {key: value for key, value in message.items() if key not in _CALL_KEYS}
            choices.append({**choice, "message": {**rest, "content": said}, "finish_reason": "stop"})
        return {**obj(body), "choices": choices}


def _choices(value: Json) -> list[dict[str, Json]]:
    return [obj(choice) for choice in array(obj(value).get("choices"))]


def _delta(choice: dict[str, Json]) -> dict[str, Json]:
    return obj(choice.get("delta") or choice.get("message"))


def _index(choice: dict[str, Json]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0


def _plain(body: dict[str, Json]) -> dict[str, Json]:
    """The envelope of one more chunk: what is counted once is not said twice."""
    return {key: value for key, value in body.items() if key not in ("choices", "usage", "x_groq")}


def _joined(content: Json, sentence: str) -> str:
    return f"{content}\n\n{sentence}" if isinstance(content, str) and content else sentence


class ResponsesEditor:
    """A message takes the place of the call's item, here and in the closing event's own list; the events are numbered anew.

    So it is of other items too, where all their events are here: `whole_items`, by output_index.
    """

    def __init__(self) -> None:
        self._places: dict[int, dict[str, Json]] = {}  # output_index of a denied call -> the message in its place
        self._whole: set[int] = set()  # those of them that are no calls
        self._ids: set[str] = set()  # and their ids
        self._number: int | None = None

    def deny(self, events: list[Event], sentence: str, whole_items: frozenset[int] = frozenset()) -> list[Event]:
        numbers = [number for _, value in events if isinstance(number := obj(value).get("sequence_number"), int)]
        if self._number is None and numbers:
            self._number = numbers[0]
        self._whole |= whole_items
        for _, value in events:
            self._note(obj(value), sentence)
        found: list[Event] = []
        begun: set[int] = set()
        for event in events:
            body = obj(event[1])
            place = _output_index(body)
            echo = text(body.get("type")).startswith("conversation.item.")  # Realtime tells its items once more
            if echo and self._is_out(-1, obj(body.get("item"))):
                continue
            if place not in self._places:
                found.append(event)
            elif place not in begun:
                begun.add(place)
                found += _message_item(body, self._places[place], sentence)
        return [self.after(event, calls_passed=False) for event in found]

    def _note(self, body: dict[str, Json], sentence: str) -> None:
        """Where a call stands: announced, told whole, or only named in the closing list."""
        items = [(_output_index(body), obj(body.get("item")))]
        items += enumerate(map(obj, array(obj(body.get("response")).get("output"))))
        kind = text(body.get("type"))
        if kind.endswith(("call_arguments.delta", "tool_call_input.delta")) and "mcp" not in kind:
            items.append((_output_index(body), {"type": "function_call"}))
        for place, item in items:
            if place in self._whole:
                self._ids |= {text(item.get("id"))} - {""}
            if place in self._whole or _is_clients_call(item):
                self._places.setdefault(place, _message(f"msg_affidavit_{place}", sentence))

    def _is_out(self, place: int, item: dict[str, Json]) -> bool:
        return place in self._whole or text(item.get("id")) in self._ids or _is_clients_call(item)

    def has_taken_out(self, body: dict[str, Json]) -> bool:
        """Whether an event tells of a call that is not there any more, and of nothing else."""
        if text(body.get("type")).startswith("conversation.item."):
            return self._is_out(-1, obj(body.get("item")))
        return isinstance(body.get("output_index"), int) and _output_index(body) in self._places

    def after(self, event: Event, calls_passed: bool) -> Event:  # noqa: ARG002 -- the status says nothing of calls
        name, value = event
        body = dict(obj(value))
        response = obj(body.get("response"))
        if isinstance(response.get("output"), list):
            body["response"] = {**response, "output": self._replaced(response["output"])}
        if self._number is not None and isinstance(body.get("sequence_number"), int):
            body["sequence_number"] = self._number
            self._number += 1
        return name, body or value

    def _replaced(self, output: list[Json]) -> list[Json]:
        return [
            self._places[place] if place in self._places and self._is_out(place, obj(item)) else item
            for place, item in enumerate(output)
        ]

    def whole(self, body: Json, sentence: str) -> Json:
        output = [
            _message(f"msg_affidavit_{place}", sentence) if _is_clients_call(obj(item)) else item
            for place, item in enumerate(array(obj(body).get("output")))
        ]
        return {**obj(body), "output": output}


def _is_clients_call(item: dict[str, Json]) -> bool:
    """The provider runs the other calls itself, before anybody could be asked."""
    return is_call(item) and text(item.get("type")) not in PROVIDERS_OWN


def _output_index(body: dict[str, Json]) -> int:
    index = body.get("output_index")
    return index if isinstance(index, int) else -1


def _message(item_id: str, sentence: str) -> dict[str, Json]:
    return {
        "id": item_id,
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [_output_text(sentence)],
    }


def _output_text(said: str) -> dict[str, Json]:
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}


def _message_item(like: dict[str, Json], item: dict[str, Json], sentence: str) -> list[Event]:
    """like: the first event of the call in whose place the message stands."""
    kept = ("output_index", "sequence_number", "response_id", "event_id")
    where = {key: like[key] for key in kept if key in like}
    part = {**where, "item_id": item["id"], "content_index": 0}
    events: list[dict[str, Json]] = [
        {"type": "response.output_item.added", **where, "item": {**item, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **part, "part": _output_text("")},
        {"type": "response.output_text.delta", **part, "delta": sentence, "logprobs": []},
        {"type": "response.output_text.done", **part, "text": sentence, "logprobs": []},
        {"type": "response.content_part.done", **part, "part": _output_text(sentence)},
        {"type": "response.output_item.done", **where, "item": item},
    ]
    return [(text(event["type"]), event) for event in events]
