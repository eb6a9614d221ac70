"""OpenAI's WebSocket formats: Realtime, and /v1/responses as Codex speaks it. Not WebRTC, whose media goes round every proxy.

Client: session.update, conversation.item.create, input_audio_buffer.append, response.create (with a whole request in it, at /v1/responses).
Server: response.done brings the items of an answer whole, but for their sound, which came in deltas; at /v1/responses the events are
those of the event stream. A transcript of what a person said comes from the server, and is the person's.
Spoken too by Azure (Voice Live) and xAI. Source: OpenAI API reference, "Realtime", client and server events (2026-11).
"""

from __future__ import annotations

import re
from typing import Final

from addons.providers.call import Json, Kind, Part, Reply, Usage
from addons.providers.conversation import Ask, Spoken, Step, added, joined_base64, told
from addons.providers.failures import failure
from addons.providers.json_values import array, compact, obj, text
from addons.providers.openai_items import item_parts, role_of
from addons.providers.openai_responses import ResponsesAssembler
from addons.providers.openai_responses import parse_call as parse_responses
from addons.providers.openai_shapes import RESPONSES_REFUSAL, usage_of
from addons.providers.parts import JSON_TYPE, tools
from addons.providers.resources import parse_reply
from addons.providers.unsaid import unsaid
from addons.providers.wire import Endpoint, WireRequest

# Say nothing that is not said elsewhere: pieces of what comes whole, echoes of what the client sent, the state of the line.
_QUIET: Final = frozenset({
    "conversation.created", "conversation.item.added", "conversation.item.created", "conversation.item.done",
    "conversation.item.input_audio_transcription.delta", "conversation.item.input_audio_transcription.updated", "conversation.item.truncated", "conversation.item.deleted",
    "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed",
    "input_audio_buffer.cleared", "output_audio_buffer.started", "output_audio_buffer.stopped", "output_audio_buffer.cleared",
    "rate_limits.updated", "ping", "response.created", "response.in_progress", "response.queued",
})  # fmt: skip
# What a client says that has no model called: it adds to what the next call is about, or tidies up.
_FEEDS: Final = frozenset({
    "conversation.item.create", "conversation.item.delete", "conversation.item.retrieve", "conversation.item.truncate",
    "input_audio_buffer.append", "input_audio_buffer.clear", "input_audio_buffer.commit", "output_audio_buffer.clear",
    "response.cancel", "response.processed",
})  # fmt: skip
_SOUND: Final = frozenset({"response.audio.delta", "response.output_audio.delta"})
_STREAM_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_REALTIME_END: Final = "response.done"
_MOST_OPEN: Final = 4_096  # pieces of sound that are kept together; more are told as they are


class RealtimeConversation:
    """One connection: any number of answers, one after another."""

    def __init__(self) -> None:
        self._model = ""
        self._asked = ""  # the model that the client named
        self._reasons: list[str] = []
        self._usage = Usage()
        self._error = ""
        self._sound: list[str] = []  # of the answer under way
        self._stream: ResponsesAssembler | None = None  # of the same
        self._told: set[str] = set()  # its items that were told

    # -- the client's -----------------------------------------------------------------------------------------------
    def client(self, value: Json) -> list[Spoken]:
        body = obj(value)
        kind = text(body.get("type"))
        if kind == "input_audio_buffer.append":
            return [Spoken("user", _sound(text(body.get("audio"))))]
        if kind == "conversation.item.create" and body.get("item"):
            item = obj(body["item"])
            said = [Spoken(role_of(item), part) for part in realtime_item_parts(item)]
            return said or [told("user", value)]
        if kind in ("session.update", "transcription_session.update"):
            session = obj(body.get("session"))
            self._asked = text(session.get("model")) or self._asked
            return _settings(session)
        if kind == "response.create":
            self._asked = text(body.get("model")) or text(obj(body.get("response")).get("model")) or self._asked
            return _asked(body)
        return [told("user", value)]

    def asked(self, value: Json) -> Ask:
        body = obj(value)
        session, response = obj(body.get("session")), obj(body.get("response"))
        named = [text(one.get("model")) for one in (body, response, session)]
        heard = obj(obj(obj(session.get("audio")).get("input")).get("transcription"))
        named += [text(one.get("model")) for one in (heard, obj(session.get("input_audio_transcription")))]
        model = next((one for one in named[:3] if one), "")
        step = Step.FEED if text(body.get("type")) in _FEEDS else Step.CALL
        others = tuple(dict.fromkeys(one for one in named if one and one != model))
        return Ask(step, model, others, text(body.get("event_id")))

    # -- the server's -----------------------------------------------------------------------------------------------
    def server(self, value: Json) -> list[Spoken]:
        body = obj(value)
        kind = text(body.get("type"))
        if kind in ("error", "response.error"):
            return self._failed(body)
        if kind in _SOUND:
            return self._take_sound(text(body.get("delta")))
        if kind == "conversation.item.input_audio_transcription.completed":
            said = text(body.get("transcript"))
            return [Spoken("user", Part(Kind.TEXT, said, name="transcript"))] if said else []
        if kind in ("session.created", "session.updated"):
            self._model = text(obj(body.get("session")).get("model")) or self._model
            return [told("system", value)]
        if kind == _REALTIME_END:
            return self._done(obj(body.get("response")), usage_of(body.get("usage")))
        if kind.startswith("response."):
            return self._streamed(kind, value)
        return [] if kind in _QUIET else [told("assistant", value)]

    def _take_sound(self, piece: str) -> list[Spoken]:
        self._sound.append(piece)
        return self._flush_sound() if len(self._sound) >= _MOST_OPEN else []

    def _flush_sound(self) -> list[Spoken]:
        pieces, self._sound = self._sound, []
        return [Spoken("assistant", _sound(joined_base64(pieces)))] if any(pieces) else []

    def _streamed(self, kind: str, value: Json) -> list[Spoken]:
        """Events as in a stream. An item is told when it is complete: the client may answer a call before the answer ends."""
        self._stream = self._stream or ResponsesAssembler()
        self._stream.take("", value)
        if kind == "response.output_item.done":
            return [*self._tell(obj(obj(value).get("item"))), *self._flush_sound()]
        if kind not in _STREAM_ENDS:
            return []
        stream, self._stream = self._stream, None
        reply = stream.reply()
        self._count(reply)
        return [*self._rest(stream.items()), *([told("assistant", value)] if reply.error else [])]

    def _tell(self, item: dict[str, Json]) -> list[Spoken]:
        """The parts of an item, once."""
        if (item_id := text(item.get("id"))) in self._told:
            return []
        said = [Spoken("assistant", part) for part in realtime_item_parts(item)]
        self._told |= {item_id} if item_id and said else set()  # xAI's are empty until the answer's end
        return said

    def _rest(self, items: list[Json]) -> list[Spoken]:
        """What is still to be told at an answer's end."""
        said = [spoken for item in items for spoken in self._tell(obj(item))]
        self._told.clear()
        return [*said, *self._flush_sound()]

    def _done(self, response: dict[str, Json], beside: Usage) -> list[Spoken]:
        """xAI counts tokens beside the response, not within."""
        stream, self._stream = self._stream, None
        status = text(response.get("status"))
        failed = obj(obj(response.get("status_details")).get("error"))
        self._count(
            Reply(
                finish_reasons=(status,) if status else (),
                usage=usage_of(response["usage"]) if response.get("usage") else beside,
                error=text(failed.get("code")) or text(failed.get("type")),
            )
        )
        items = array(response.get("output")) or (stream.items() if stream else [])
        return [*self._rest(items), *([told("assistant", failed)] if failed else [])]

    def _failed(self, body: dict[str, Json]) -> list[Spoken]:
        failed = failure(body.get("error") or body, body)
        self._error = failed.error or "error"
        return [Spoken("assistant", part) for part in failed.parts] or [told("assistant", body)]

    def _count(self, reply: Reply) -> None:
        self._model = reply.model or self._model
        self._reasons += [reason for reason in reply.finish_reasons if reason not in self._reasons]
        self._usage = added(self._usage, reply.usage)
        self._error = reply.error or self._error

    def end(self) -> list[Spoken]:
        """An answer that was cut: as far as it came."""
        stream, self._stream = self._stream, None
        if stream:
            stream.close()
        return self._rest(stream.items() if stream else [])

    @property
    def model(self) -> str:
        return self._asked or self._model

    def reply(self) -> Reply:
        return Reply(model=self._model, finish_reasons=tuple(self._reasons), usage=self._usage, error=self._error)


def realtime_item_parts(item: dict[str, Json]) -> tuple[Part, ...]:
    """A message's content holds sound and its transcript; other items are as in responses."""
    if text(item.get("type")) != "message":
        return item_parts(item)
    parts: list[Part] = []
    for entry in array(item.get("content")):
        body = obj(entry)
        known: list[Part] = []
        if said := text(body.get("text")):
            known.append(Part(Kind.TEXT, said))
        if said := text(body.get("transcript")):
            known.append(Part(Kind.TEXT, said, name="transcript"))
        if sound := text(body.get("audio")):
            known.append(_sound(sound))
        parts += (*known, *unsaid(body, tuple(known))) if known else item_parts({"type": "message", "content": [entry]})
    return tuple(parts)


def _settings(session: dict[str, Json]) -> list[Spoken]:
    """Instructions and tools, and the rest as one."""
    said: list[Spoken] = []
    if instructions := text(session.get("instructions")):
        said.append(Spoken("system", Part(Kind.TEXT, instructions)))
    if session.get("tools"):
        said += [Spoken("system", part) for part in tools(session["tools"])]
    rest = {key: value for key, value in session.items() if key not in ("instructions", "tools")}
    return [*said, Spoken("system", Part(Kind.OTHER, compact(rest), name="session", media_type=JSON_TYPE))]


def _asked(body: dict[str, Json]) -> list[Spoken]:
    """response.create: at /v1/responses a whole request; in Realtime what differs for this one answer, or nothing."""
    beside = {key: value for key, value in body.items() if key not in ("type", "event_id", "response")}
    both = [one for one in (obj(body.get("response")), beside) if one] or [{}]
    return [spoken for one in both for spoken in _wanted(one)]


def _wanted(asked: dict[str, Json]) -> list[Spoken]:
    call = parse_responses("", WireRequest("GET", ""), asked)
    said = [Spoken(turn.role, part) for turn in call.turns for part in turn.parts()] if call else []
    rest = dict(call.parameters) if call else asked
    if call and call.model:
        rest = {"model": call.model, **rest}
    return [*said, Spoken("user", Part(Kind.OTHER, compact(rest), name="response.create", media_type=JSON_TYPE))]


def _sound(data: str) -> Part:
    return Part(Kind.AUDIO, data, media_type="audio", base64=True)


def _no_body(_provider: str, _request: WireRequest, _body: dict[str, Json]) -> None:
    return None


def _websocket(id_: str, path: str) -> Endpoint:
    return Endpoint(
        id_,
        "chat",
        re.compile(path),
        _no_body,
        parse_reply,
        None,
        RESPONSES_REFUSAL,
        frozenset({"GET"}),
        RealtimeConversation,
    )


OPENAI_REALTIME: Final = (
    _websocket("openai.realtime", r"/realtime$"),
    _websocket("openai.responses.websocket", r"/responses$"),
)
