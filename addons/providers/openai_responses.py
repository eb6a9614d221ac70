"""OpenAI responses: request, reply and event stream. Not the items: openai_items.py reads those. Not the WebSocket form.

A request may name what it goes on from (previous_response_id, conversation) instead of resending it: they stay parameters.
Source: OpenAI API reference, "Responses", "Streaming events" (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

from addons.providers.call import Call, Json, Part, Reply, Turn
from addons.providers.failures import failure
from addons.providers.json_values import array, obj, text
from addons.providers.openai_item_deltas import ItemDraft
from addons.providers.openai_items import item_parts, role_of
from addons.providers.openai_shapes import RESPONSES_REFUSAL, usage_of
from addons.providers.parts import tools, whole
from addons.providers.wire import Endpoint, WireRequest

_READ_KEYS: Final = frozenset({"input", "instructions", "tools", "prompt", "model", "stream"})


def parse_call(provider: str, _request: WireRequest, body: dict[str, Json]) -> Call | None:
    if not _READ_KEYS & body.keys():
        return None
    turns = [Turn("system", body["tools"], "/tools", tools)] if body.get("tools") else []
    if body.get("instructions"):
        turns.append(Turn("system", body["instructions"], "/instructions", item_parts))
    if body.get("prompt"):
        turns.append(Turn("system", body["prompt"], "/prompt", whole))
    asked = body.get("input")
    if isinstance(asked, list):
        turns += [Turn(role_of(item), item, f"/input/{place}", item_parts) for place, item in enumerate(asked)]
    elif asked:
        turns.append(Turn("user", asked, "/input", item_parts))
    rest = {key: value for key, value in body.items() if key not in _READ_KEYS}
    model = text(body.get("model"))
    return Call(provider, "chat", "openai.responses", model, body.get("stream") is True, tuple(turns), rest)


def parse_reply(value: Json) -> Reply:
    return _reply(obj(value), array(obj(value).get("output")))


def _reply(body: dict[str, Json], items: list[Json]) -> Reply:
    error = body.get("error")
    failed = failure(error, {}) if error else None
    status = text(obj(body.get("incomplete_details")).get("reason")) or text(body.get("status"))
    return Reply(
        parts=(*[part for item in items for part in item_parts(item)], *(failed.parts if failed else ())),
        model=text(body.get("model")),
        response_id=text(body.get("id")),
        finish_reasons=(status,) if status not in _UNFINISHED else (),
        usage=usage_of(body.get("usage")),
        error=failed.error if failed else "",
    )


_UNFINISHED: Final = frozenset({"", "in_progress", "queued"})


class ResponsesAssembler:
    """Keeps each output item as last told whole, and its deltas until then; the closing event's own list of them counts most."""

    end_markers: tuple[bytes, ...] = (b"response.completed", b"response.incomplete", b"response.failed", b'"error"')

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._response: dict[str, Json] = {}
        self._drafts: dict[int, ItemDraft] = {}
        self._open: set[int] = set()  # items that are calls and not complete
        self._failure: Reply | None = None

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        kind = text(body.get("type")) or event
        completed: tuple[Part, ...] = ()
        if kind in ("error", "response.error"):
            self._failure = failure(body.get("error") or body, body)
            self.done = True
        elif isinstance(body.get("response"), dict):
            completed = self._take_response(body["response"], last=kind in _LAST)
        elif kind == "response.output_item.added":
            self._drafts[_place(body)] = ItemDraft(obj(body.get("item")))
            self._see(_place(body))
        elif kind == "response.output_item.done":
            completed = self._draft(body).finish(obj(body.get("item")))
            self._see(_place(body))
        elif kind.endswith(".delta"):
            self._draft(body).add(kind, body)
            self._see(_place(body))
        return completed

    def _see(self, place: int) -> None:
        (self._open.add if self._drafts[place].holding else self._open.discard)(place)
        self.holding = bool(self._open)

    def _draft(self, body: dict[str, Json]) -> ItemDraft:
        return self._drafts.setdefault(_place(body), ItemDraft({}))

    def _take_response(self, response: dict[str, Json], *, last: bool) -> tuple[Part, ...]:
        self._response |= {key: value for key, value in response.items() if key != "output"}
        if not last:
            return ()
        self.done = True
        output = array(response.get("output"))
        told = [self._drafts.setdefault(place, ItemDraft({})).finish(obj(item)) for place, item in enumerate(output)]
        return (*[part for parts in told for part in parts], *self.close())

    def close(self) -> tuple[Part, ...]:
        self.holding = False
        return tuple([part for draft in self._drafts.values() for part in draft.finish(draft.item())])

    def items(self) -> list[Json]:
        found = [self._drafts[place].item() for place in sorted(self._drafts)]
        return [item for item in found if item]

    @property
    def open_places(self) -> frozenset[int]:
        """The output_index of each call that is not complete yet."""
        return frozenset(self._open) if self.holding else frozenset()

    def reply(self) -> Reply:
        reply = _reply(self._response, self.items())
        failed = self._failure
        return Reply(
            parts=(*reply.parts, *(failed.parts if failed else ())),
            model=reply.model,
            response_id=reply.response_id,
            finish_reasons=reply.finish_reasons if self.done else (),
            usage=reply.usage,
            error=reply.error or (failed.error if failed else ""),
            complete=self.done,
        )


_LAST: Final = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done"}
)


def _place(body: dict[str, Json]) -> int:
    index = body.get("output_index")
    return index if isinstance(index, int) else 0


OPENAI_RESPONSES: Final = Endpoint(
    id="openai.responses",
    operation="chat",
    path=re.compile(r"/responses(/compact)?/?$"),
    parse_call=parse_call,
    parse_reply=parse_reply,
    assembler=ResponsesAssembler,
    refusal=RESPONSES_REFUSAL,
)
