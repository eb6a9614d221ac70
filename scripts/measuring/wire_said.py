"""What a recorded reply says, read naively: text, reasoning, tool calls, tokens. Shares no code with addons/providers, on purpose.

It is what `measure wire` holds the store against. It knows only the recordings' own kinds (their word `api`), trusts whole
objects where a stream ends with one, and adds deltas up where it does not. What it does not know it leaves out: then only the bytes are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from scripts.measuring.recorded import Recorded
from scripts.measuring.wire_events import ANY, Calls, Events, Said, at, events, parsed
from scripts.measuring.wire_said_vendors import (
    agent,
    assistant,
    cohere,
    cohere_v1,
    converse,
    embedded,
    generated,
    interaction,
    ollama,
    pictures,
)


def said(recorded: Recorded) -> Said | None:
    """None: no reply of a model, or of a kind that is not read here."""
    read = _READERS.get(recorded.label[1])
    if read is None or recorded.status >= 400 or not (recorded.said or recorded.messages):
        return None
    found = list(events(recorded))
    if not found or any(name == "error" or _failed(value) for name, value in found):
        return None
    return read(found)


def _failed(value: Any) -> bool:
    error = at(value, "error") or at(value, "response", "error")
    return bool(error) or at(value, "type") == "error"


def chat(found: Events) -> Said:
    out = Said()
    text: dict[int, str] = {}
    thought: dict[int, str] = {}
    details: dict[int, str] = {}
    calls: dict[int, Calls] = {}
    functions: dict[int, list[str]] = {}
    for _, event in found:
        out_usage(out, at(event, "usage") or at(event, "x_groq", "usage"))
        for choice in at(event, "choices") or []:
            place = choice.get("index") or 0
            whole = (
                choice.get("message") if len(found) == 1 else None
            )  # Perplexity repeats the whole so far beside each delta
            delta = whole or choice.get("delta") or choice.get("message") or {}
            content = delta.get("content") if "content" in delta else choice.get("text")
            if isinstance(content, dict):  # Cloudflare's structured answers: not a text
                continue
            for entry in [content] if isinstance(content, str) else content or []:
                if isinstance(entry, str):
                    text[place] = text.get(place, "") + entry
                elif entry.get("type") == "thinking":
                    inner = entry["thinking"]
                    thought[place] = thought.get(place, "") + (
                        inner if isinstance(inner, str) else "".join(each.get("text", "") for each in inner)
                    )
                else:
                    text[place] = text.get(place, "") + (entry.get("text") or "")
            text[place] = text.get(place, "") + (at(delta, "audio", "transcript") or "")
            plain = delta.get("reasoning_content") or delta.get("reasoning")
            thought[place] = thought.get(place, "") + (plain if isinstance(plain, str) else "")
            for detail in delta.get("reasoning_details") or []:
                details[place] = details.get(place, "") + (detail.get("text") or detail.get("summary") or "")
            for call in delta.get("tool_calls") or []:
                made = call.get("function") or call.get("custom") or {}
                if (call.get("custom") or {}).get("name"):
                    made = call["custom"]
                calls.setdefault(place, Calls()).add(
                    call.get("index"),
                    call.get("id") or "",
                    made.get("name") or "",
                    made.get("arguments", made.get("input")),
                )
            if made := delta.get("function_call"):
                kept = functions.setdefault(place, ["", ""])
                kept[0] += made.get("name") or ""
                kept[1] += made.get("arguments") or ""
            for run in delta.get("executed_tools") or []:
                calls.setdefault(place, Calls()).add(
                    None, "run", run.get("name") or run.get("type") or "", run.get("arguments")
                )
    out.text = "".join(text[place] for place in sorted(text))
    out.reasoning = "".join(thought.get(place) or details.get(place, "") for place in sorted({*thought, *details}))
    for place in sorted({*calls, *functions}):
        out.tools += calls[place].tools() if place in calls else []
        out.tools += [(functions[place][0], parsed(functions[place][1]))] if place in functions else []
    return out


def out_usage(out: Said, usage: Any) -> None:
    if usage:
        reasoned = at(usage, "completion_tokens_details", "reasoning_tokens")
        reasoned = at(usage, "output_tokens_details", "reasoning_tokens") if reasoned is None else reasoned
        asked = usage.get("prompt_tokens")
        answered = usage.get("completion_tokens")
        out.count(
            usage.get("input_tokens") if asked is None else asked,
            usage.get("output_tokens") if answered is None else answered,
            reasoned,
        )


def completion(found: Events) -> Said:
    out = Said()
    for _, event in found:
        out_usage(out, at(event, "usage"))
        for choice in at(event, "choices") or []:
            out.text += choice.get("text") or at(choice, "message", "content") or at(choice, "delta", "content") or ""
        out.text += at(event, "value") or at(event, "completion") or at(event, "response") or ""
        for generation in at(event, "generations") or []:
            out.text += generation.get("text") or ""
        out.reasoning += at(event, "thinking") or ""
        out.count(at(event, "prompt_eval_count"), at(event, "eval_count"))
    return out


def responses(found: Events) -> Said:
    """A stream ends with the whole response; some servers leave its output empty and have told the items before."""
    if any("choices" in event for _, event in found):
        return chat(found)
    out = Said()
    items: dict[int, Any] = {}
    for _, event in found:
        if at(event, "type") == "response.output_item.done":
            items[event.get("output_index", len(items))] = event["item"]
        whole = at(event, "response") if isinstance(at(event, "response"), dict) else event
        if at(whole, "object") == "response" or "output" in whole:
            items |= dict(enumerate(whole.get("output") or []))
            out_usage(out, whole.get("usage"))
    for place in sorted(items):
        _item(out, items[place])
    return out


def response_again(found: Events) -> Said | None:
    """A response that is fetched, or compacted; beside them stand counts and lists, which say nothing of a model's."""
    whole = any(str(at(event, "object")).startswith("response") and at(event, "output") for _, event in found)
    return responses(found) if whole or len(found) > 1 else None


def _item(out: Said, item: Any) -> None:
    kind = item.get("type")
    if kind == "message":
        out.text += "".join(entry.get("text") or entry.get("transcript") or "" for entry in item.get("content") or [])
    elif kind == "reasoning":
        said = [*(item.get("summary") or []), *(item.get("content") or [])]
        out.reasoning += "".join(entry.get("text") or "" for entry in said)
    elif kind in {"function_call", "custom_tool_call", "mcp_call"}:
        name = item["name"] if kind != "mcp_call" else f"{item.get('server_label')}.{item['name']}"
        out.tools.append((name, parsed(item.get("arguments", item.get("input")))))


def anthropic(found: Events) -> Said:
    out = Said()
    blocks: dict[int, dict[str, Any]] = {}
    before = 0  # a recording may hold several messages one after another
    for _, event in found:
        usage = at(event, "usage") or at(event, "message", "usage")
        if usage:
            out.count(usage.get("input_tokens"), usage.get("output_tokens"))
        kind = at(event, "type")
        if kind == "message":
            blocks |= dict(enumerate(event["content"]))
        elif kind == "message_start":
            before = len(blocks)
            blocks |= {before + place: block for place, block in enumerate(event["message"].get("content") or [])}
        elif kind == "content_block_start":
            blocks[before + event["index"]] = dict(event["content_block"])
        elif kind == "content_block_delta":
            block, delta = blocks.setdefault(before + event["index"], {}), event["delta"]
            for key in ("text", "thinking", "content"):
                if isinstance(delta.get(key), str):
                    block[key] = (block.get(key) or "") + delta[key]
            if "partial_json" in delta:
                block["json"] = block.get("json", "") + delta["partial_json"]
    for place in sorted(blocks):
        block = blocks[place]
        kind = block.get("type")
        if kind in {"text", "compaction"}:
            out.text += block.get("text") or (block.get("content") if kind == "compaction" else "") or ""
        elif kind == "thinking":
            out.reasoning += block.get("thinking") or ""
        elif str(kind).endswith("tool_use"):
            name = f"{block['server_name']}.{block['name']}" if block.get("server_name") else block["name"]
            out.tools.append((name, parsed(block["json"]) if block.get("json") else block.get("input")))
    return out


def gemini(found: Events) -> Said:
    out = Said()
    for _, event in found:
        usage = at(event, "usageMetadata")
        if usage:
            out.count(usage.get("promptTokenCount"), usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount"))
        for candidate in at(event, "candidates") or []:
            for part in at(candidate, "content", "parts") or []:
                if part.get("thought") is True:
                    out.reasoning += part.get("text") or ""
                else:
                    out.text += part.get("text") or ""
                if (call := part.get("functionCall")) and call.get("name"):  # without: it goes on in pieces
                    piecewise = "partialArgs" in call or call.get("willContinue")
                    out.tools.append((call["name"], ANY if piecewise else call.get("args") or {}))
    return out


def invoked(found: Events) -> Said | None:
    """Bedrock's InvokeModel: each model's own format, known by its keys."""
    first = found[0][1]
    if at(first, "type") in {"message", "message_start"}:
        return anthropic(found)
    if ("output" in first and at(first, "output", "message")) or "messageStart" in first:
        flat = [(next(iter(event)), event) if len(event) == 1 else ("", event) for _, event in found]
        return converse(flat)
    if "choices" in first:
        return chat(found)
    if "completion" in first:
        return completion(found)
    return None


def counted(found: Events) -> Said:
    """Embeddings and the like: only the tokens are compared."""
    out = Said()
    for _, event in found:
        out_usage(out, at(event, "usage"))
    out.output_tokens = None
    return out


def realtime(found: Events) -> Said:
    """Each answer ends with all it said, but for its sound."""
    out = Said()
    for name, event in found:
        if name == "client" and at(event, "item", "role") == "assistant":  # an earlier answer, told to the model again
            _item(out, event["item"])
        if at(event, "type") == "response.done":
            for item in event["response"].get("output") or []:
                _item(out, item)
            _add(out, at(event, "response", "usage") or at(event, "usage") or {}, "input_tokens", "output_tokens")
    return out


def live(found: Events) -> Said:
    out = Said()
    counted_last: dict[str, Any] = {}
    for _, event in (pair for pair in found if pair[0] != "client"):
        counted_last = at(event, "usageMetadata") or counted_last
        for part in at(event, "serverContent", "modelTurn", "parts") or []:
            if part.get("thought") is True:
                out.reasoning += part.get("text") or ""
            else:
                out.text += part.get("text") or ""
        out.text += at(event, "serverContent", "outputTranscription", "text") or ""
        out.tools += [(call["name"], call.get("args") or {}) for call in at(event, "toolCall", "functionCalls") or []]
        if at(event, "serverContent", "turnComplete"):
            _add(out, counted_last, "promptTokenCount", "responseTokenCount")
            counted_last = {}
    return out


def _add(out: Said, usage: dict[str, Any], asked: str, answered: str) -> None:
    """Counts of one answer of several."""
    for name, key in (("input_tokens", asked), ("output_tokens", answered)):
        if usage.get(key) is not None:
            setattr(out, name, (getattr(out, name) or 0) + usage[key])


def transcribed(found: Events) -> Said:
    out = Said()
    for _, event in found:
        out.text = at(event, "text") or out.text
    return out


_READERS: Final[dict[str, Callable[[Events], Said | None]]] = {
    "openai.chat": chat,
    "openai.completions": completion,
    "openai.responses": responses,
    "openai.embeddings": counted,
    "anthropic.messages": anthropic,
    "anthropic.complete": completion,
    "vertex.rawPredict": anthropic,
    "vertex.streamRawPredict": anthropic,
    "gemini.generateContent": gemini,
    "gemini.streamGenerateContent": gemini,
    "bedrock.converse": converse,
    "bedrock.converse-stream": converse,
    "bedrock.invoke": invoked,
    "bedrock.invoke-with-response-stream": invoked,
    "ollama.chat": ollama,
    "ollama.generate": completion,
    "cohere.v1.chat": cohere_v1,
    "cohere.v1.generate": completion,
    "cohere.v2.chat": cohere,
    "openai.realtime": realtime,
    "openai.audio": transcribed,
    "gemini.live": live,
    "gemini.interactions": interaction,
    "bedrock.agent": agent,
    "openai.responses.sub": response_again,
    "openai.assistants": assistant,
    "openai.images": pictures,
    "ollama.embed": embedded,
    "cohere.v2.embed": embedded,
    "writer.chat": chat,
    "watsonx.text": generated,
    "sagemaker.invoke": generated,
}
