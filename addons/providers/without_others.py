"""Replies without their tool calls, of vendors with formats of their own: Cohere, Ollama, Gemini's Interactions, Bedrock's agents. Not the decision.

Source: Cohere API reference, "Chat" v2 and v1, streaming; Ollama API, "Generate a chat completion"; Gemini API, Interactions; Amazon Bedrock
API reference, InvokeAgent (2026-11).
"""

from __future__ import annotations

import base64

from addons.providers.call import Json
from addons.providers.events import Event
from addons.providers.json_values import array, obj, text

_PLACES = 1000  # beyond any block that was counted before


class CohereEditor:
    """A block of text takes the place of the call; calls and blocks are counted apart, so it gets a number of its own."""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        found: list[Event] = []
        for name, value in events:
            body = obj(value)
            kind = text(body.get("type")) or name
            if not kind.startswith("tool-call"):
                found.append((name, value))
            elif kind == "tool-call-start":
                place = body.get("index")
                found += _cohere_block(_PLACES + (place if isinstance(place, int) else 0), sentence, named=bool(name))
        return found

    def after(self, event: Event, calls_passed: bool) -> Event:
        name, value = event
        body = obj(value)
        delta = obj(body.get("delta"))
        if delta.get("finish_reason") == "TOOL_CALL" and not calls_passed:
            return name, {**body, "delta": {**delta, "finish_reason": "COMPLETE"}}
        return event

    def whole(self, body: Json, sentence: str) -> Json:
        message = obj(obj(body).get("message"))
        if not message.get("tool_calls"):
            return body
        rest = {key: value for key, value in message.items() if key != "tool_calls"}
        content = [*array(message.get("content")), {"type": "text", "text": sentence}]
        return {**obj(body), "message": {**rest, "content": content}, "finish_reason": "COMPLETE"}


def _cohere_block(place: int, sentence: str, *, named: bool) -> list[Event]:
    events: list[dict[str, Json]] = [
        {"type": "content-start", "index": place, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": place, "delta": {"message": {"content": {"text": sentence}}}},
        {"type": "content-end", "index": place},
    ]
    return [(text(event["type"]) if named else "", event) for event in events]


class CohereV1Editor:
    """A piece of text takes the calls' place; the last line tells the whole reply once more."""

    def __init__(self) -> None:
        self._said = ""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        self._said = sentence
        found: list[Event] = []
        for event in events:
            body = obj(event[1])
            kind = body.get("event_type")
            if kind == "tool-calls-generation":
                said = {"is_finished": False, "event_type": "text-generation", "text": sentence}
                found.append((event[0], said))
            elif kind != "tool-calls-chunk":
                found.append(self.after(event, calls_passed=False))
        return found

    def after(self, event: Event, calls_passed: bool) -> Event:  # noqa: ARG002 -- all calls of a reply come together
        name, value = event
        body = obj(value)
        if body.get("response") and self._said:
            return name, {**body, "response": self.whole(body["response"], self._said)}
        return event

    def whole(self, body: Json, sentence: str) -> Json:
        if not obj(body).get("tool_calls"):
            return body
        rest = {key: value for key, value in obj(body).items() if key != "tool_calls"}
        return {**rest, "text": text(rest.get("text")) + sentence}


class OllamaEditor:
    """A call comes whole, in one line; the sentence is that line's content."""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        return [(name, self.whole(value, sentence)) for name, value in events]

    def after(self, event: Event, calls_passed: bool) -> Event:  # noqa: ARG002 -- the reason is "stop" either way
        return event

    def whole(self, body: Json, sentence: str) -> Json:
        message = obj(obj(body).get("message"))
        if not message.get("tool_calls"):
            return body
        rest = {key: value for key, value in message.items() if key != "tool_calls"}
        return {**obj(body), "message": {**rest, "content": text(rest.get("content")) + sentence}}


class InteractionsEditor:
    """A step of output takes the place of the call's step, here and in the interaction that closes the stream."""

    def __init__(self) -> None:
        self._said = ""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        self._said = sentence
        calls = {
            obj(value).get("index")
            for _, value in events
            if _is_clients_step(obj(obj(value).get("step")) or obj(obj(value).get("content")))
        }
        found: list[Event] = []
        for event in events:
            body = obj(event[1])
            part, _, moment = (text(body.get("event_type")) or event[0]).partition(".")
            if part not in ("step", "content") or body.get("index") not in calls:
                found.append(self.after(event, calls_passed=False))
            elif moment == "start":
                step = {"type": "model_output"} if part == "step" else {"type": "text"}
                found.append((event[0], {**body, part: step}))
                rest = {key: said for key, said in body.items() if key != part}
                told = {"event_type": f"{part}.delta", "delta": {"type": "text", "text": sentence}}
                found.append((event[0] and f"{part}.delta", {**rest, **told}))
            elif moment == "stop":
                found.append(event)
        return found

    def after(self, event: Event, calls_passed: bool) -> Event:
        name, value = event
        body = obj(value)
        if body.get("interaction") and self._said and not calls_passed:
            return name, {**body, "interaction": self.whole(body["interaction"], self._said)}
        return event

    def whole(self, body: Json, sentence: str) -> Json:
        edited = dict(obj(body))
        for key in ("steps", "outputs"):
            if isinstance(edited.get(key), list):
                edited[key] = [_said(key, sentence) if _is_clients_step(obj(one)) else one for one in edited[key]]
        if edited.get("status") == "requires_action":
            edited["status"] = "completed"
        return edited


def _is_clients_step(step: dict[str, Json]) -> bool:
    return text(step.get("type")) == "function_call"


def _said(key: str, sentence: str) -> Json:
    said = {"type": "text", "text": sentence}
    return {"type": "model_output", "content": [said]} if key == "steps" else said


class AgentEditor:
    """A piece of text takes the place of the calls that the agent returns to its client; it always streams."""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        said = ("chunk", {"bytes": base64.b64encode(sentence.encode()).decode()})
        return [said if name == "returnControl" else (name, value) for name, value in events]

    def after(self, event: Event, calls_passed: bool) -> Event:  # noqa: ARG002 -- nothing comes after
        return event

    def whole(self, body: Json, sentence: str) -> Json:  # noqa: ARG002 -- as above
        return body
