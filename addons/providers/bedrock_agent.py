"""Bedrock's agents: InvokeAgent and the frames it answers with. Not the framing (aws_eventstream.py), not Converse.

    chunk {"bytes": base64 of text, "attribution": …}   trace {"trace": …}   returnControl {"invocationInputs": […]}   files {"files": […]}
Source: Amazon Bedrock API reference, InvokeAgent (2026-11).
"""

from __future__ import annotations

import base64
import re
from typing import Final

from addons.providers.bedrock_converse import BEDROCK_REFUSAL
from addons.providers.call import Call, Json, Kind, Part, Reply, Turn
from addons.providers.generic import generic_reply
from addons.providers.json_values import array, compact, obj, text
from addons.providers.media import by_value
from addons.providers.parts import JSON_TYPE
from addons.providers.text_completion import prompt_parts
from addons.providers.wire import Endpoint, WireRequest

_PATH: Final = re.compile(r"/agents/([^/]+)/agentAliases/[^/]+/sessions/[^/]+/text$")


def parse_call(provider: str, request: WireRequest, body: dict[str, Json]) -> Call | None:
    """The text asked; a call that was returned to the client is answered in sessionState, which stays a parameter."""
    if "inputText" not in body and "sessionState" not in body:
        return None
    found = _PATH.search(request.path)
    turns = (Turn("user", body["inputText"], "/inputText", prompt_parts),) if body.get("inputText") else ()
    rest = {key: value for key, value in body.items() if key != "inputText"}
    return Call(
        provider,
        "invoke_agent",
        "bedrock.agent",
        found[1] if found else "",
        streamed=True,
        turns=turns,
        parameters=rest,
    )


class AgentAssembler:
    """Joins the text; everything else the agent tells is a part of its own."""

    end_markers: tuple[bytes, ...] = (b"exception",)

    def __init__(self) -> None:
        self.holding = False
        self.done = False
        self._text: list[str] = []
        self._beside: list[Part] = []

    def take(self, event: str, value: Json) -> tuple[Part, ...]:
        body = obj(value)
        if event == "chunk":
            self._text.append(_decoded(text(body.get("bytes"))))
            self._tell("attribution", body.get("attribution"))
        elif event == "returnControl":
            calls = tuple(
                [_call(obj(entry), text(body.get("invocationId"))) for entry in array(body.get("invocationInputs"))]
            )
            self._beside += calls
            return calls
        elif event == "files":
            self._beside += [_file(obj(entry)) for entry in array(body.get("files"))]
        else:
            self._tell(event or "event", value)
        return ()

    def _tell(self, name: str, value: Json) -> None:
        if value:
            self._beside.append(Part(Kind.OTHER, compact(value), name=name, media_type=JSON_TYPE))

    def close(self) -> tuple[Part, ...]:
        return ()

    def reply(self) -> Reply:
        said = "".join(self._text)
        return Reply(
            parts=(*((Part(Kind.TEXT, said),) if said else ()), *self._beside), complete=bool(said or self._beside)
        )


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode("utf-8", errors="replace")
    except ValueError:
        return data


def _call(entry: dict[str, Json], call_id: str) -> Part:
    """A function or an API that the client is to call for the agent."""
    asked = obj(entry.get("functionInvocationInput")) or obj(entry.get("apiInvocationInput")) or entry
    names = [text(asked.get("actionGroup")), text(asked.get("function")) or text(asked.get("apiPath"))]
    return Part(Kind.TOOL_CALL, compact(asked), name=".".join([name for name in names if name]), call_id=call_id)


def _file(entry: dict[str, Json]) -> Part:
    return by_value(text(entry.get("type")), text(entry.get("bytes")), kind=Kind.DOCUMENT, name=text(entry.get("name")))


BEDROCK_AGENT: Final = Endpoint(
    id="bedrock.agent",
    operation="invoke_agent",
    path=_PATH,
    parse_call=parse_call,
    parse_reply=generic_reply,
    assembler=AgentAssembler,
    refusal=BEDROCK_REFUSAL,
)
