"""Runs the real SDKs' streaming helpers, one job a line of standard input, in .venv-clients: what their user holds at the end.

job:  {"environment": {…}, "sdk": "chat" | "responses" | "messages" | "gemini" | "bedrock" | "cohere" | "ollama", "base_url", "key", "model", "prompt", "headers"}
lines back: {"text": …} for each piece as it comes, then {"final": {text, tools, finish, shape}} or {"error": …}.
"""

from __future__ import annotations

import json
import os
import sys

import anthropic
import boto3
import cohere
import ollama
import openai
from botocore.config import Config
from google import genai

SQL = {"type": "object", "properties": {"query": {"type": "string"}}}


def say(**value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def chat(job: dict) -> dict:
    client = openai.OpenAI(api_key=job["key"], base_url=job["base_url"], max_retries=0)
    tools = [{"type": "function", "function": {"name": "run_sql", "parameters": SQL}}]
    messages = [{"role": "user", "content": job["prompt"]}]
    with client.chat.completions.stream(
        model=job["model"], messages=messages, tools=tools, extra_headers=job["headers"]
    ) as stream:
        for event in stream:
            if event.type == "content.delta":
                say(text=event.delta)
        final = stream.get_final_completion()
    (choice,) = final.choices
    names = [call.function.name for call in choice.message.tool_calls or []]
    return {"text": choice.message.content, "tools": names, "finish": choice.finish_reason, "shape": final.object}


def responses(job: dict) -> dict:
    client = openai.OpenAI(api_key=job["key"], base_url=job["base_url"], max_retries=0)
    with client.responses.stream(model=job["model"], input=job["prompt"], extra_headers=job["headers"]) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                say(text=event.delta)
        final = stream.get_final_response()
    names = [item.name for item in final.output if item.type == "function_call"]
    shape = [item.type for item in final.output]
    return {"text": final.output_text, "tools": names, "finish": final.status, "shape": shape}


def messages(job: dict) -> dict:
    client = anthropic.Anthropic(api_key=job["key"], base_url=job["base_url"], max_retries=0)
    tools = [{"name": "run_sql", "input_schema": SQL}]
    asked = [{"role": "user", "content": job["prompt"]}]
    with client.messages.stream(
        model=job["model"], max_tokens=500, messages=asked, tools=tools, extra_headers=job["headers"]
    ) as stream:
        for piece in stream.text_stream:
            say(text=piece)
        final = stream.get_final_message()
    names = [block.name for block in final.content if block.type == "tool_use"]
    text = "".join(block.text for block in final.content if block.type == "text")
    shape = [block.type for block in final.content]
    return {"text": text, "tools": names, "finish": final.stop_reason, "shape": shape}


def gemini(job: dict) -> dict:
    options = {"base_url": job["base_url"], "headers": job["headers"]}
    client = genai.Client(api_key=job["key"], http_options=options)
    text, names, finish = "", [], ""
    for chunk in client.models.generate_content_stream(model=job["model"], contents=job["prompt"]):
        for part in chunk.candidates[0].content.parts or []:
            if part.text:
                text += part.text
                say(text=part.text)
            if part.function_call:
                names.append(part.function_call.name)
        finish = chunk.candidates[0].finish_reason or finish
    return {"text": text, "tools": names, "finish": str(getattr(finish, "value", finish)), "shape": "candidates"}


def bedrock(job: dict) -> dict:
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="placeholder",
        aws_secret_access_key="placeholder",
        verify=os.environ["SSL_CERT_FILE"],
        config=Config(proxies={"https": os.environ["HTTPS_PROXY"]}, retries={"total_max_attempts": 1}),
    )
    client.meta.events.register(
        "before-send.bedrock-runtime.*", lambda request, **_: request.headers.update(job["headers"]) or None
    )
    asked = [{"role": "user", "content": [{"text": job["prompt"]}]}]
    text, names, finish = "", [], ""
    for event in client.converse_stream(modelId=job["model"], messages=asked)["stream"]:
        if "contentBlockStart" in event and "toolUse" in event["contentBlockStart"]["start"]:
            names.append(event["contentBlockStart"]["start"]["toolUse"]["name"])
        if piece := event.get("contentBlockDelta", {}).get("delta", {}).get("text"):
            text += piece
            say(text=piece)
        finish = event.get("messageStop", {}).get("stopReason", finish)
    return {"text": text, "tools": names, "finish": finish, "shape": "blocks"}


def cohere_chat(job: dict) -> dict:
    client = cohere.ClientV2(api_key=job["key"], base_url=job["base_url"], max_retries=0)
    options = {"additional_headers": job["headers"], "max_retries": 0}
    asked = [{"role": "user", "content": job["prompt"]}]
    text, names, finish = "", [], ""
    for event in client.chat_stream(model=job["model"], messages=asked, request_options=options):
        if event.type == "content-delta" and event.delta.message.content.text:
            text += event.delta.message.content.text
            say(text=event.delta.message.content.text)
        elif event.type == "tool-call-start":
            names.append(event.delta.message.tool_calls.function.name)
        elif event.type == "message-end":
            finish = event.delta.finish_reason
    return {"text": text, "tools": names, "finish": finish, "shape": "events"}


def ollama_chat(job: dict) -> dict:
    headers = {"authorization": f"Bearer {job['key']}", **job["headers"]}
    client = ollama.Client(host=job["base_url"], headers=headers)
    asked = [{"role": "user", "content": job["prompt"]}]
    text, names, finish = "", [], ""
    for chunk in client.chat(model=job["model"], messages=asked, stream=True):
        if chunk.message.content:
            text += chunk.message.content
            say(text=chunk.message.content)
        names += [call.function.name for call in chunk.message.tool_calls or []]
        finish = chunk.done_reason or finish
    return {"text": text, "tools": names, "finish": finish, "shape": "lines"}


SDKS = {
    "chat": chat, "responses": responses, "messages": messages, "gemini": gemini, "bedrock": bedrock, "cohere": cohere_chat,
    "ollama": ollama_chat,
}  # fmt: skip

for line in sys.stdin:
    job = json.loads(line)
    os.environ.clear()
    os.environ.update(job["environment"])
    try:
        say(final=SDKS[job["sdk"]](job))
    except Exception as raised:  # noqa: BLE001 — whatever the SDK raises is the result that a test looks at
        say(error=f"{type(raised).__name__}: {raised}")
