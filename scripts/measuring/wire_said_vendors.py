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


def interaction(found: Events) -> Said:
    """Gemini's interactions: whole, with its outputs or steps; in a stream the same in pieces, and its tokens at the end."""
    out, calls = Said(), Calls()
    for _, event in found:
        body = at(event, "interaction") or event
        usage = at(body, "usage") or {}
        out.count(usage.get("total_input_tokens"), usage.get("total_output_tokens"), usage.get("total_thought_tokens"))
        for item in [*(at(body, "outputs") or []), *(at(body, "steps") or [])]:
            _interaction_item(out, calls, None, item)
        _interaction_item(out, calls, at(event, "index"), at(event, "delta") or {})
        for place in ("content", "step"):
            _interaction_item(out, calls, at(event, "index"), at(event, place) or {})
    out.tools = calls.tools()
    return out


def _interaction_item(out: Said, calls: Calls, index: Any, item: Any) -> None:
    kind = at(item, "type")
    if kind == "text":
        out.text += at(item, "text") or ""
    elif kind == "thought_summary":
        out.reasoning += at(item, "content", "text") or ""
    elif kind == "thought":
        for summary in at(item, "summary") or []:
            out.reasoning += at(summary, "text") or ""
    elif kind == "model_output":
        for content in at(item, "content") or []:
            out.text += at(content, "text") or ""
    elif kind in {"function_call", "arguments_delta"}:
        calls.add(index, "", at(item, "name") or "", at(item, "arguments") or ({} if index is None else ""))


def agent(found: Events) -> Said:
    """Bedrock's agents: the answer in chunks, or whole beside what it was found in."""
    out = Said()
    for _, event in found:
        out.text += event if isinstance(event, str) else at(event, "output", "text") or ""
    return out


def assistant(found: Events) -> Said | None:
    """Threads and runs: messages once they are complete, calls that a run wants made, tokens of the run. Not its steps."""
    out = Said()
    told = False
    for name, event in found:
        for kind, thing in [(name, event)] if name else _listed(event):
            told = told or kind in _TOLD or kind.startswith("thread.message")
            if kind in {"thread.message", "thread.message.completed", "thread.message.incomplete"}:
                out.text += "".join(at(content, "text", "value") or "" for content in thing.get("content") or [])
            if kind in _TOLD and out.output_tokens is None and at(thing, "usage"):
                out.count(thing["usage"].get("prompt_tokens"), thing["usage"].get("completion_tokens"))
            for call in (
                at(thing, "required_action", "submit_tool_outputs", "tool_calls") if kind == "thread.run" else ()
            ) or ():
                out.tools.append((at(call, "function", "name"), parsed(at(call, "function", "arguments"))))
    return out if told else None


_TOLD = frozenset({"thread.run", "thread.run.completed"})


def _listed(event: Any) -> list[tuple[str, Any]]:
    """Plain JSON: one object, or a list of them."""
    things = at(event, "data") if at(event, "object") == "list" else [event]
    return [(at(thing, "object") or "", thing) for thing in things or []]


def generated(found: Events) -> Said | None:
    """watsonx's and hosted models' own texts."""
    out = Said()
    whole = [each for _, event in found for each in (at(event, "results") or [event])]
    if not any("generated_text" in each for each in whole if isinstance(each, dict)):
        return None
    for each in whole:
        out.text += at(each, "generated_text") or ""
    return out


def embedded(found: Events) -> Said:
    """Embeddings of Ollama and Cohere: only the tokens are compared."""
    out = Said()
    for _, event in found:
        for keys in (("prompt_eval_count",), ("meta", "billed_units", "input_tokens")):
            out.count(at(event, *keys), None)
    return out


def pictures(found: Events) -> Said:
    """What a picture was made from, where the model changed it."""
    out = Said()
    for _, event in found:
        out.text += "".join(at(picture, "revised_prompt") or "" for picture in at(event, "data") or [])
        usage = at(event, "usage") or {}
        out.count(usage.get("input_tokens"), usage.get("output_tokens"))
    return out
