"""Runs the real SDKs for the tests, one job a line of standard input, in .venv-clients. Not part of the gateway, imports nothing of it.

job:  {"environment": {…}, "sdk": "openai" | "anthropic", "mode": "create" | "stream", "async": false, "client": {…}, "request": {…},
       "leave_after": 0}     client: arguments of OpenAI(…); leave_after: stop reading a stream after so many events
lines back: {"event": …} for each event of a stream as it comes, then one {"done": {text, reasoning, tools, model, error, cause, seconds}}.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

import anthropic
import openai


def say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class Heard:
    """What the SDK gave its user, put together."""

    def __init__(self) -> None:
        self.text, self.reasoning, self.model, self.finish = "", "", "", ""
        self.tools: dict[int, dict[str, str]] = {}
        self.events = 0

    def event(self, **what: str) -> None:
        self.events += 1
        say({"event": what})

    def tool(self, index: int, name: str, arguments: str) -> None:
        known = self.tools.setdefault(index, {"name": "", "arguments": ""})
        known["name"] += name
        known["arguments"] += arguments

    def openai_chunk(self, chunk) -> None:
        self.model = chunk.model or self.model
        for choice in chunk.choices:
            self.finish = choice.finish_reason or self.finish
            self.openai_delta(choice.delta)

    def openai_delta(self, delta) -> None:
        reasoning = getattr(delta, "reasoning_content", None) or ""
        self.text += delta.content or ""
        self.reasoning += reasoning
        for position, tool in enumerate(delta.tool_calls or []):
            self.tool(getattr(tool, "index", position), tool.function.name or "", tool.function.arguments or "")
        self.event(
            text=delta.content or "",
            reasoning=reasoning,
            tool="".join(t.function.arguments or "" for t in delta.tool_calls or []),
        )

    def openai_whole(self, completion) -> None:
        self.model, self.finish = completion.model, completion.choices[0].finish_reason
        self.openai_delta(completion.choices[0].message)

    def anthropic_event(self, event) -> None:
        if event.type == "message_start":
            self.model = event.message.model
        elif event.type == "content_block_start" and event.content_block.type == "tool_use":
            self.tool(event.index, event.content_block.name, "")
        elif event.type == "content_block_delta":
            self.anthropic_delta(event.index, event.delta)
        elif event.type == "message_delta":
            self.finish = event.delta.stop_reason or ""

    def anthropic_delta(self, index: int, delta) -> None:
        text, reasoning, tool = (
            getattr(delta, "text", ""),
            getattr(delta, "thinking", ""),
            getattr(delta, "partial_json", ""),
        )
        self.text += text
        self.reasoning += reasoning
        if tool:
            self.tool(index, "", tool)
        self.event(text=text, reasoning=reasoning, tool=tool)

    def anthropic_whole(self, message) -> None:
        self.model, self.finish = message.model, message.stop_reason
        for index, block in enumerate(message.content):
            self.text += getattr(block, "text", "")
            self.reasoning += getattr(block, "thinking", "")
            if block.type == "tool_use":
                self.tool(index, block.name, json.dumps(block.input))


SDKS = {
    ("openai", False): openai.OpenAI,
    ("openai", True): openai.AsyncOpenAI,
    ("anthropic", False): anthropic.Anthropic,
    ("anthropic", True): anthropic.AsyncAnthropic,
}


def endpoint(client, sdk: str):
    return client.chat.completions if sdk == "openai" else client.messages


def readers(heard: Heard, sdk: str):
    return (
        (heard.openai_whole, heard.openai_chunk) if sdk == "openai" else (heard.anthropic_whole, heard.anthropic_event)
    )


def run_sync(job: dict, heard: Heard) -> None:
    whole, piece = readers(heard, job["sdk"])
    with SDKS[job["sdk"], False](**job["client"]) as client:
        if job["mode"] == "create":
            whole(endpoint(client, job["sdk"]).create(**job["request"]))
            return
        with endpoint(client, job["sdk"]).create(**job["request"], stream=True) as stream:
            for event in stream:
                piece(event)
                if job.get("leave_after") and heard.events >= job["leave_after"]:
                    return


async def run_async(job: dict, heard: Heard) -> None:
    whole, piece = readers(heard, job["sdk"])
    async with SDKS[job["sdk"], True](**job["client"]) as client:
        if job["mode"] == "create":
            whole(await endpoint(client, job["sdk"]).create(**job["request"]))
            return
        async with await endpoint(client, job["sdk"]).create(**job["request"], stream=True) as stream:
            async for event in stream:
                piece(event)
                if job.get("leave_after") and heard.events >= job["leave_after"]:
                    return


def done(job: dict) -> dict:
    heard, began, error, cause, status = Heard(), time.monotonic(), None, "", None
    os.environ.clear()
    os.environ.update(job["environment"])
    try:
        if job.get("async"):
            asyncio.run(run_async(job, heard))
        else:
            run_sync(job, heard)
    except Exception as raised:  # noqa: BLE001 — whatever the SDK raises is the result that a test looks at
        error, cause, status = (
            f"{type(raised).__name__}: {raised}",
            repr(raised.__cause__),
            getattr(raised, "status_code", None),
        )
    tools = [heard.tools[index] for index in sorted(heard.tools)]
    said = {
        "text": heard.text,
        "reasoning": heard.reasoning,
        "tools": tools,
        "model": heard.model,
        "finish": heard.finish,
    }
    return {
        **said,
        "error": error,
        "cause": cause,
        "status": status,
        "events": heard.events,
        "seconds": time.monotonic() - began,
    }


for line in sys.stdin:
    say({"done": done(json.loads(line))})
