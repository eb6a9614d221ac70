"""What the official SDKs understand of recorded replies, in .venv-clients. Not part of the gateway, imports nothing of it.

in:   one JSON object a line: {"mark", "api", "streamed", "content_type", "body": base64}
out:  {"mark", "text", "reasoning", "tools": [[name, arguments]], "input_tokens", "output_tokens", "reasoning_tokens"} or {"mark", "error"}
The bytes go through each SDK's own reading: a client with a transport that answers with them (OpenAI, Anthropic), botocore's parsers and
event-stream buffer (Bedrock), google-genai's types.
"""

import base64
import json
import sys

import anthropic
import openai
import pydantic
from botocore.eventstream import EventStreamBuffer
from botocore.parsers import create_parser
from botocore.session import get_session
from google.genai import types

HTTP = __import__(
    openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]
)  # whichever httpx the SDKs stand on
BEDROCK = get_session().get_service_model("bedrock-runtime")


def answering(row):
    headers = {"content-type": row["content_type"]}
    return HTTP.MockTransport(lambda _request: HTTP.Response(200, headers=headers, content=row["raw"]))


def openai_client(row):
    http_client = openai.DefaultHttpxClient(transport=answering(row))
    return openai.OpenAI(api_key="k", base_url="http://recorded.invalid/v1", http_client=http_client, max_retries=0)


def count(usage, *names):
    found = usage
    for name in names:
        found = getattr(found, name, None)
    return found


def chat(row, out):
    client = openai_client(row)
    answer = client.chat.completions.create(model="m", messages=[], stream=row["streamed"])
    texts, calls = {}, {}
    for piece in answer if row["streamed"] else [answer]:
        if piece.usage:
            out["input_tokens"], out["output_tokens"] = piece.usage.prompt_tokens, piece.usage.completion_tokens
            out["reasoning_tokens"] = count(piece.usage, "completion_tokens_details", "reasoning_tokens")
        for choice in piece.choices:
            said = choice.delta if row["streamed"] else choice.message
            texts[choice.index] = texts.get(choice.index, "") + (said.content or "")
            sound = getattr(said, "audio", None) or {}
            heard = sound.get("transcript") if isinstance(sound, dict) else sound.transcript
            texts[choice.index] += heard or ""
            for call in said.tool_calls or []:
                key = (choice.index, getattr(call, "index", call.id))
                kept = calls.setdefault(key, ["", ""])
                made = getattr(call, "function", None) or getattr(call, "custom", None)
                kept[0] += made.name or ""
                kept[1] += getattr(made, "arguments", None) or getattr(made, "input", None) or ""
    out["text"] = "".join(texts[index] for index in sorted(texts))
    out["tools"] = [calls[key] for key in sorted(calls, key=lambda key: key[0])]


def responses(row, out):
    client = openai_client(row)
    answer = client.responses.create(model="m", input="", stream=row["streamed"])
    items = {}
    if row["streamed"]:
        for event in answer:
            if event.type == "response.output_item.done":
                items[event.output_index] = event.item
            if event.type in ("response.completed", "response.incomplete"):
                answer = event.response
                items |= dict(enumerate(answer.output))
    else:
        items = dict(enumerate(answer.output))
    for _, item in sorted(items.items()):
        if item.type == "message":
            out["text"] += "".join(getattr(entry, "text", "") for entry in item.content)
        elif item.type == "reasoning":
            out["reasoning"] += "".join(entry.text for entry in [*(item.summary or []), *(item.content or [])])
        elif item.type in ("function_call", "custom_tool_call"):
            out["tools"].append([item.name, getattr(item, "arguments", None) or getattr(item, "input", "")])
    if answer.usage:
        out["input_tokens"], out["output_tokens"] = answer.usage.input_tokens, answer.usage.output_tokens
        out["reasoning_tokens"] = count(answer.usage, "output_tokens_details", "reasoning_tokens")


def messages(row, out):
    http_client = anthropic.DefaultHttpxClient(transport=answering(row))
    client = anthropic.Anthropic(
        api_key="k", base_url="http://recorded.invalid", http_client=http_client, max_retries=0
    )
    asked = {"model": "m", "max_tokens": 1, "messages": []}
    if row["streamed"]:
        with client.messages.stream(**asked) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(**asked)
    for block in answer.content:
        if block.type == "text":
            out["text"] += block.text
        elif block.type == "compaction":
            out["text"] += block.content or ""
        elif block.type == "thinking":
            out["reasoning"] += block.thinking
        elif block.type in ("tool_use", "server_tool_use"):
            out["tools"].append([block.name, json.dumps(block.input)])
    out["input_tokens"], out["output_tokens"] = answer.usage.input_tokens, answer.usage.output_tokens


def generated(value):
    """Without what the API says and this SDK does not know yet."""
    try:
        return types.GenerateContentResponse.model_validate(value)
    except pydantic.ValidationError as refused:
        unknown = [fault["loc"] for fault in refused.errors() if fault["type"] == "extra_forbidden"]
        if len(unknown) < len(refused.errors()):
            raise
    for *place, key in unknown:
        holder = value
        for step in place:
            holder = holder[step]
        del holder[key]
    return types.GenerateContentResponse.model_validate(value)


def gemini(row, out):
    body = row["raw"].decode()
    if row["streamed"] and not body.lstrip().startswith("["):
        lines = body.replace("\r\n", "\n").split("\n")
        values = [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]
    else:
        values = json.loads(body)
        values = values if isinstance(values, list) else [values]
    for value in values:
        answer = generated(value)
        for candidate in answer.candidates or []:
            for part in (candidate.content and candidate.content.parts) or []:
                out["reasoning" if part.thought else "text"] += part.text or ""
                if part.function_call and part.function_call.name:
                    out["tools"].append([part.function_call.name, json.dumps(part.function_call.args or {})])
        if usage := answer.usage_metadata:
            for name, found in (
                ("input_tokens", usage.prompt_token_count),
                ("output_tokens", usage.candidates_token_count),
                ("reasoning_tokens", usage.thoughts_token_count),
            ):
                out[name] = out[name] if found is None else found


def converse(row, out):
    blocks = {}
    if row["streamed"]:
        buffer = EventStreamBuffer()
        buffer.add_data(row["raw"])
        for frame in buffer:
            kind, event = frame.headers.get(":event-type"), json.loads(frame.payload or b"{}")
            block = blocks.setdefault(event.get("contentBlockIndex"), {"text": "", "reasoning": "", "tool": None})
            if kind == "contentBlockStart" and "toolUse" in event["start"]:
                block["tool"] = [event["start"]["toolUse"]["name"], ""]
            if kind == "contentBlockDelta":
                delta = event["delta"]
                block["text"] += delta.get("text", "")
                block["reasoning"] += delta.get("reasoningContent", {}).get("text", "")
                if "toolUse" in delta:
                    block["tool"][1] += delta["toolUse"].get("input", "")
            if kind == "metadata":
                out["input_tokens"], out["output_tokens"] = (
                    event["usage"]["inputTokens"],
                    event["usage"]["outputTokens"],
                )
        blocks.pop(None, None)
    else:
        shape = BEDROCK.operation_model("Converse").output_shape
        answer = create_parser("rest-json").parse({"headers": {}, "status_code": 200, "body": row["raw"]}, shape)
        for place, said in enumerate(answer["output"]["message"]["content"]):
            cited = "".join(entry.get("text", "") for entry in said.get("citationsContent", {}).get("content", []))
            tool = said.get("toolUse")
            reasoning = said.get("reasoningContent", {}).get("reasoningText", {}).get("text", "")
            blocks[place] = {
                "text": said.get("text", cited),
                "reasoning": reasoning,
                "tool": tool and [tool["name"], json.dumps(tool["input"])],
            }
        out["input_tokens"], out["output_tokens"] = answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]
    for _, block in sorted(blocks.items()):
        out["text"] += block["text"]
        out["reasoning"] += block["reasoning"]
        out["tools"] += [block["tool"]] if block["tool"] else []


READERS = {
    "openai.chat": chat,
    "openai.responses": responses,
    "anthropic.messages": messages,
    "gemini.generateContent": gemini,
    "gemini.streamGenerateContent": gemini,
    "bedrock.converse": converse,
    "bedrock.converse-stream": converse,
}

for line in sys.stdin:
    row = json.loads(line)
    row["raw"] = base64.b64decode(row["body"])
    out = {
        "mark": row["mark"],
        "text": "",
        "reasoning": "",
        "tools": [],
        "input_tokens": None,
        "output_tokens": None,
        "reasoning_tokens": None,
    }
    try:
        READERS[row["api"]](row, out)
    except Exception as error:  # noqa: BLE001 -- an SDK that cannot read a reply is told of, and the test decides
        out = {"mark": row["mark"], "error": f"{type(error).__name__}: {str(error)[:200]}"}
    print(json.dumps(out), flush=True)
