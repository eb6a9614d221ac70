"""What replies say in the formats of Bedrock, Ollama and Cohere, read naively; see wire_said.py."""

from __future__ import annotations

from typing import Any

from scripts.measuring.wire_events import Calls, Events, Said, at, parsed


def converse(found: Events) -> Said:
    out = Said()
    blocks: dict[int, dict[str, Any]] = {}
    for name, event in found:
        if usage := at(event, "usage"):
            out.count(usage.get("inputTokens"), usage.get("outputTokens"))
        blocks |= dict(enumerate(at(event, "output", "message", "content") or []))
        body = event.get(name) if isinstance(event.get(name), dict) else event
        if "contentBlockIndex" in body:
            block = blocks.setdefault(body["contentBlockIndex"], {})
            if tool := at(body, "start", "toolUse"):
                block["toolUse"] = {"name": tool["name"], "input": ""}
            delta = body.get("delta") or {}
            block["text"] = block.get("text", "") + (delta.get("text") or "")
            if tool := delta.get("toolUse"):
                block.setdefault("toolUse", {"name": "", "input": ""})["input"] += tool.get("input") or ""
            if reasoning := delta.get("reasoningContent"):
                kept = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})
                kept["reasoningText"]["text"] += reasoning.get("text") or ""
    for place in sorted(blocks):
        block = blocks[place]
        out.text += block.get("text") or "".join(
            each.get("text") or "" for each in at(block, "citationsContent", "content") or []
        )
        out.reasoning += at(block, "reasoningContent", "reasoningText", "text") or ""
        if tool := block.get("toolUse"):
            out.tools.append((tool["name"], parsed(tool["input"]) if tool["input"] != "" else {}))
    return out


def ollama(found: Events) -> Said:
    out = Said()
    for _, event in found:
        out.text += at(event, "message", "content") or ""
        out.reasoning += at(event, "message", "thinking") or ""
        for call in at(event, "message", "tool_calls") or []:
            out.tools.append((call["function"]["name"], parsed(call["function"].get("arguments"))))
        out.count(at(event, "prompt_eval_count"), at(event, "eval_count"))
    return out


def cohere(found: Events) -> Said:
    out, calls = Said(), Calls()
    for _, event in found:
        message = at(event, "delta", "message") or at(event, "message") or {}
        content = message.get("content") or []
        for block in content if isinstance(content, list) else [content]:
            out.text += block.get("text") or ""
            out.reasoning += block.get("thinking") or ""
        out.reasoning += message.get("tool_plan") or ""
        given = message.get("tool_calls") or []
        for call in given if isinstance(given, list) else [given]:
            function = call.get("function") or {}
            key = event.get("index") if isinstance(given, dict) else call.get("id")
            calls.add(key, call.get("id") or "", function.get("name") or "", function.get("arguments"))
        tokens = at(event, "usage", "tokens") or at(event, "delta", "usage", "tokens")
        if tokens:
            out.count(tokens.get("input_tokens"), tokens.get("output_tokens"))
    out.tools = calls.tools()
    return out


def cohere_v1(found: Events) -> Said:
    out = Said()
    whole = next((event["response"] for _, event in found if at(event, "response")), found[0][1])
    out.text = whole.get("text") or ""
    out.tools = [(call["name"], call.get("parameters")) for call in whole.get("tool_calls") or []]
    return out
