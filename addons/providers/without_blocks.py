"""Replies made of blocks without their tool calls: Anthropic's messages, Gemini's candidates, Bedrock's Converse. Not the decision.

Source: Anthropic API reference, "Streaming"; Gemini API, generateContent; Amazon Bedrock API reference, ConverseStream (2026-11).
"""

from __future__ import annotations

from addons.providers.call import Json
from addons.providers.json_values import array, obj, text

Event = tuple[str, Json]


class MessagesEditor:
    """A block of text takes the place of the call's block."""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        calls = {
            obj(value).get("index") for _, value in events if _is_clients_call(obj(obj(value).get("content_block")))
        }
        found: list[Event] = []
        for name, value in events:
            body = obj(value)
            kind = text(body.get("type")) or name
            if body.get("index") not in calls or not kind.startswith("content_block_"):
                found.append((name, value))
            elif kind == "content_block_start":
                found += _text_block(body.get("index"), sentence)
        return found

    def after(self, event: Event, calls_passed: bool) -> Event:
        name, value = event
        body = obj(value)
        delta = obj(body.get("delta"))
        if delta.get("stop_reason") == "tool_use" and not calls_passed:
            return name, {**body, "delta": {**delta, "stop_reason": "end_turn"}}
        return event

    def whole(self, body: Json, sentence: str) -> Json:
        blocks = [
            {"type": "text", "text": sentence} if _is_clients_call(obj(block)) else block
            for block in array(obj(body).get("content"))
        ]
        reason = obj(body).get("stop_reason")
        return {**obj(body), "content": blocks, "stop_reason": "end_turn" if reason == "tool_use" else reason}


def _is_clients_call(block: dict[str, Json]) -> bool:
    return text(block.get("type")) == "tool_use"


def _text_block(index: Json, sentence: str) -> list[Event]:
    events: list[dict[str, Json]] = [
        {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": sentence}},
        {"type": "content_block_stop", "index": index},
    ]
    return [(text(event["type"]), event) for event in events]


class GeminiEditor:
    """A part of text takes the place of the first call of a candidate, the others go. A good end is STOP either way."""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        found: list[Event] = []
        last = max(place for place, (_, value) in enumerate(events) if _has_gemini_call(value))
        for place, (name, value) in enumerate(events):
            if not _has_gemini_call(value):
                found.append((name, value))
            elif place == last:
                found.append((name, self.whole(value, sentence)))
            elif telling := _told(self.whole(value, "")):
                found.append((name, telling))
        return found

    def after(self, event: Event, calls_passed: bool) -> Event:  # noqa: ARG002 -- as above
        return event

    def whole(self, body: Json, sentence: str) -> Json:
        if isinstance(body, list):
            return [self.whole(each, sentence) for each in body]
        candidates = [_candidate(obj(each), sentence) for each in array(obj(body).get("candidates"))]
        return {**obj(body), "candidates": candidates} if candidates else body


def _candidate(candidate: dict[str, Json], sentence: str) -> dict[str, Json]:
    content = obj(candidate.get("content"))
    parts: list[Json] = []
    said = not sentence
    for part in array(content.get("parts")):
        if "functionCall" not in obj(part) and "function_call" not in obj(part):
            parts.append(part)
        elif not said:
            parts.append({"text": sentence})
            said = True
    return {**candidate, "content": {**content, "parts": parts}} if content else candidate


def _has_gemini_call(value: Json) -> bool:
    return any(
        "functionCall" in obj(part) or "function_call" in obj(part)
        for candidate in array(obj(value).get("candidates"))
        for part in array(obj(obj(candidate).get("content")).get("parts"))
    )


def _told(value: Json) -> Json:
    """A piece that still says something; None otherwise."""
    said = any(
        array(obj(obj(each).get("content")).get("parts")) or obj(each).get("finishReason")
        for each in array(obj(value).get("candidates"))
    )
    return value if said or obj(value).get("usageMetadata") else None


class ConverseEditor:
    """A piece of text takes the place of the call, under the same contentBlockIndex."""

    def deny(self, events: list[Event], sentence: str) -> list[Event]:
        calls = {
            inner.get("contentBlockIndex", 0)
            for name, inner in map(_unwrapped, events)
            if name == "contentBlockStart" and obj(inner.get("start")).get("toolUse")
        }
        found: list[Event] = []
        for event in events:
            name, inner = _unwrapped(event)
            place = inner.get("contentBlockIndex", 0)
            if not name.startswith("contentBlock") or place not in calls or name == "contentBlockStop":
                found.append(event)
            elif name == "contentBlockStart":
                said = {"contentBlockIndex": place, "delta": {"text": sentence}}
                found.append(_wrapped(event, "contentBlockDelta", said))
        return found

    def after(self, event: Event, calls_passed: bool) -> Event:
        name, inner = _unwrapped(event)
        if name == "messageStop" and inner.get("stopReason") == "tool_use" and not calls_passed:
            return _wrapped(event, name, {**inner, "stopReason": "end_turn"})
        return event

    def whole(self, body: Json, sentence: str) -> Json:
        output = obj(obj(body).get("output"))
        message = obj(output.get("message"))
        blocks = [{"text": sentence} if "toolUse" in obj(block) else block for block in array(message.get("content"))]
        reason = obj(body).get("stopReason")
        return {
            **obj(body),
            "output": {**output, "message": {**message, "content": blocks}},
            "stopReason": "end_turn" if reason == "tool_use" else reason,
        }


def _unwrapped(event: Event) -> tuple[str, dict[str, Json]]:
    """Nova in InvokeModel wraps: {"contentBlockDelta": {…}} without a name."""
    name, body = event[0], obj(event[1])
    if not name and len(body) == 1:
        [name] = body
        return name, obj(body[name])
    return name, body


def _wrapped(like: Event, name: str, body: dict[str, Json]) -> Event:
    return (name, body) if like[0] else ("", {name: body})
