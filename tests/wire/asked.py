"""One rich request for each format: every kind of message and part that the readers know. Synthetic; written 2026-11."""

from __future__ import annotations

import base64
import json
from typing import Any

PNG = "iVBORw0KGgo="
ANTHROPIC: dict[str, Any] = {
    "model": "claude-test",
    "max_tokens": 5,
    "metadata": {"user_id": "u1"},
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "5m"}}],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    "messages": [
        {"role": "user", "content": "A plain question"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Some thought", "signature": "EqQB"},
                {"type": "redacted_thinking", "data": "ZGFyaw=="},
                {"type": "text", "text": "An answer", "citations": [{"type": "page_location", "cited_text": "a quotation"}]},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"where": ["here", {"deep": "there"}]}},
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srvtoolu_1",
                    "content": [{"type": "web_search_result", "title": "W", "url": "https://w.example", "encrypted_content": "c2VhbA=="}],
                },
                {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "echo", "server_name": "demo", "input": {}},
                {"type": "compaction", "content": "A summary of it all"},
                {"type": "hologram", "beam": "a new kind"},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": "no such place"},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": [
                    {"type": "text", "text": "a result"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                ]},
                {"type": "document", "title": "T", "context": "Its context", "source": {"type": "url", "url": "https://d.example"}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain words"}},
                {"type": "search_result", "source": "https://s.example", "title": "S", "content": [{"type": "text", "text": "a passage"}]},
            ],
        },
    ],
}  # fmt: skip
GEMINI: dict[str, Any] = {
    "systemInstruction": {"role": "system", "parts": [{"text": "Be brief."}]},
    "tools": [{"functionDeclarations": [{"name": "f"}]}],
    "generationConfig": {"stopSequences": ["halt here"]},
    "contents": [
        {"role": "user", "parts": [
            {"text": "A plain question"},
            {"inlineData": {"mimeType": "image/png", "data": PNG, "displayName": "a picture"}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "https://v.example"}, "videoMetadata": {"startOffset": "2s"}},
        ]},
        {"role": "model", "parts": [
            {"text": "Some ", "thought": True}, {"text": "thought", "thought": True},
            {"text": "An "}, {"text": "answer"},
            {"functionCall": {"id": "c1", "name": "f", "args": {"where": "here"}}},
            {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
            {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "t1", "args": {"queries": ["weather"]}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "c1", "name": "f", "response": {"said": "a result"}, "parts": [{"text": "more of it"}]}},
        ]},
    ],
}  # fmt: skip
CONVERSE: dict[str, Any] = {
    "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}, {"guardContent": {"text": {"text": "guarded words", "qualifiers": ["query_text"]}}}],
    "toolConfig": {"tools": [{"toolSpec": {"name": "f"}}], "toolChoice": {"tool": {"name": "the chosen tool"}}},
    "inferenceConfig": {"stopSequences": ["halt here"]},
    "messages": [
        {"role": "user", "content": [
            {"text": "A plain question"},
            {"image": {"format": "png", "source": {"bytes": PNG}}},
            {"document": {"format": "pdf", "name": "D", "context": "Its context", "source": {"s3Location": {"uri": "s3://b/d.pdf", "bucketOwner": "123456789012"}}}},
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/v.mp4"}}}},
        ]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Some thought", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "ZGFyaw=="}},
            {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"where": "here"}}},
            {"citationsContent": {"content": [{"text": "cited words"}], "citations": [{"title": "the source"}]}},
        ]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "status": "error", "content": [{"json": {"said": "a result"}}, {"text": "in words"}]}}]},
    ],
}  # fmt: skip
CHAT: dict[str, Any] = {
    "model": "gpt-test",
    "user": "u1",
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "functions": [{"name": "g"}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"title": "a shape"}}},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": [
            {"type": "text", "text": "A plain question", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://i.example"}},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "document_url", "document_url": "https://d.example", "document_name": "the document"},
            {"type": "hologram", "beam": "a new kind"},
        ]},
        {"role": "assistant", "content": "An answer", "reasoning_content": "Some thought", "refusal": "A refusal", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"where": "here"}'}, "extra_content": {"google": {"thought_signature": "c2ln"}}},
            {"id": "c2", "type": "custom", "custom": {"name": "h", "input": "free words"}},
        ]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "A step"}]}, {"type": "text", "text": "Said"}]},
        {"role": "assistant", "function_call": {"name": "g", "arguments": "{}"}, "annotations": [{"type": "url_citation", "url_citation": {"url": "https://u.example"}}]},
        {"role": "assistant", "content": "", "reasoning_details": [{"type": "reasoning.text", "text": "A detail", "format": "x"}, {"type": "reasoning.encrypted", "data": "c2VhbA=="}]},
        {"role": "tool", "tool_call_id": "c1", "name": "f", "content": [{"type": "text", "text": "a result"}]},
        {"role": "function", "name": "g", "content": "another result"},
    ],
}  # fmt: skip
RESPONSES: dict[str, Any] = {
    "model": "gpt-test",
    "instructions": "Be brief.",
    "previous_response_id": "resp_1",
    "prompt": {"id": "pmpt_1", "variables": {"who": "a person"}},
    "tools": [{"type": "function", "name": "f"}],
    "input": [
        {"role": "user", "content": "A plain question"},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "In parts"},
            {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
            {"type": "input_file", "file_url": "https://f.example"},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Some thought"}], "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "An answer", "annotations": [{"type": "url_citation", "url": "https://u.example"}]}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"where": "here"}', "status": "completed"},
        {"type": "function_call_output", "call_id": "c1", "output": "a result"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "h", "input": "free words"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "result in parts"}]},
        {"type": "local_shell_call", "call_id": "c3", "action": {"type": "exec", "command": ["ls", "-a"], "env": {"A": "b"}}},
        {"type": "local_shell_call_output", "id": "c3", "output": "file names"},
        {"type": "code_interpreter_call", "id": "ci", "code": "print('x')", "container_id": "c", "outputs": [{"type": "logs", "logs": "x"}]},
        {"type": "mcp_call", "id": "m1", "server_label": "cal", "name": "events", "arguments": "{}", "output": "none found", "error": None},
        {"type": "file_search_call", "id": "fs", "queries": ["who is it"], "results": [{"file_id": "f", "text": "the passage"}]},
        {"type": "image_generation_call", "id": "ig", "result": PNG, "revised_prompt": "a cat", "output_format": "png"},
        {"type": "computer_call_output", "call_id": "c4", "output": {"type": "computer_screenshot", "image_url": "https://s.example"}},
        {"type": "item_reference", "id": "msg_with_a_long_name"},
        {"type": "hologram", "beam": "a new kind"},
    ],
}  # fmt: skip
OLLAMA: dict[str, Any] = {
    "model": "llama3",
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "messages": [
        {"role": "user", "content": "A plain question", "images": [PNG]},
        {"role": "assistant", "content": "An answer", "thinking": "Some thought", "tool_calls": [{"function": {"name": "f", "arguments": {"where": "here"}}}]},
        {"role": "tool", "tool_name": "f", "content": "a result"},
    ],
}  # fmt: skip
COHERE: dict[str, Any] = {
    "model": "command-a",
    "documents": ["a document in words", {"id": "d1", "data": {"text": "a passage"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "A plain question"}]},
        {"role": "assistant", "tool_plan": "A plan", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "document", "document": {"id": "1", "data": "a result"}}]},
    ],
}  # fmt: skip
COHERE_V1: dict[str, Any] = {
    "model": "command-r",
    "message": "A plain question",
    "preamble": "Be brief.",
    "connectors": [{"id": "web-search"}],
    "chat_history": [{"role": "USER", "message": "An earlier one"}, {"role": "CHATBOT", "message": "An answer", "tool_calls": [{"name": "f", "parameters": {"where": "here"}}]}],
    "tool_results": [{"call": {"name": "f", "parameters": {"where": "there"}}, "outputs": [{"said": "a result"}]}],
    "documents": [{"title": "D", "text": "a passage"}],
}  # fmt: skip
INTERACTIONS: dict[str, Any] = {
    "model": "g",
    "system_instruction": "Be brief.",
    "previous_interaction_id": "v1_x",
    "input": [
        {"type": "text", "text": "A plain question"},
        {"type": "image", "data": PNG, "mime_type": "image/png", "resolution": "low"},
        {"type": "thought", "summary": [{"type": "text", "text": "Some thought"}], "signature": "c2ln"},
        {"type": "function_call", "id": "f1", "name": "f", "arguments": {"where": "here"}},
        {"type": "function_result", "call_id": "f1", "name": "f", "result": {"said": "a result"}},
        {"role": "user", "content": [{"type": "text", "text": "In a turn"}]},
    ],
}  # fmt: skip
MCP: dict[str, Any] = {
    "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "query", "arguments": {"sql": "SELECT 1"}, "_meta": {"progressToken": 1}},
}  # fmt: skip
INVOKED = base64.b64encode(json.dumps(ANTHROPIC).encode()).decode()

REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "anthropic": ("anthropic", "/v1/messages", ANTHROPIC),
    "anthropic, count": ("anthropic", "/v1/messages/count_tokens", ANTHROPIC),
    "anthropic, batch": ("anthropic", "/v1/messages/batches", {"requests": [{"custom_id": "the first", "params": ANTHROPIC}]}),
    "gemini": ("gcp.gemini", "/v1beta/models/g:generateContent", GEMINI),
    "gemini, count": ("gcp.gemini", "/v1beta/models/g:countTokens", {"generateContentRequest": GEMINI}),
    "gemini, batch": (
        "gcp.gemini", "/v1beta/models/g:batchGenerateContent",
        {"batch": {"displayName": "the batch", "inputConfig": {"requests": {"requests": [{"metadata": {"key": "the first"}, "request": GEMINI}]}}}},
    ),
    "gemini, embeddings": (
        "gcp.gemini", "/v1beta/models/e:batchEmbedContents",
        {"requests": [{"model": "models/e", "title": "a title", "content": {"parts": [{"text": "A text"}]}}]},
    ),
    "interactions": ("gcp.gemini", "/v1beta/interactions", INTERACTIONS),
    "converse": ("aws.bedrock", "/model/m/converse", CONVERSE),
    "bedrock, count": ("aws.bedrock", "/model/m/count-tokens", {"input": {"converse": CONVERSE}}),
    "bedrock, count of an invocation": ("aws.bedrock", "/model/m/count-tokens", {"input": {"invokeModel": {"body": INVOKED}}}),
    "an agent": (
        "aws.bedrock",
        "/agents/A1/agentAliases/B2/sessions/s/text",
        {"inputText": "A plain question", "sessionState": {"promptSessionAttributes": {"who": "a person"}}},
    ),
    "nova": ("aws.bedrock", "/model/amazon.nova/invoke", CONVERSE),
    "chat": ("openai", "/v1/chat/completions", CHAT),
    "chat at an unknown path": ("openai_compatible", "/ask", CHAT),
    "responses": ("openai", "/v1/responses", RESPONSES),
    "ollama": ("ollama", "/api/chat", OLLAMA),
    "cohere": ("cohere", "/v2/chat", COHERE),
    "cohere, version 1": ("cohere", "/v1/chat", COHERE_V1),
    "mcp": ("mcp", "/mcp", MCP),
    "completions": ("openai", "/v1/completions", {"model": "m", "prompt": ["One prompt", "Another"], "suffix": "and its end", "stop": "halt here"}),
    "embeddings": ("openai", "/v1/embeddings", {"model": "e", "input": ["A text", "Another"], "user": "u1"}),
    "moderations": ("openai", "/v1/moderations", {"input": [{"type": "text", "text": "A text"}, {"type": "image_url", "image_url": {"url": "https://i.example"}}]}),
    "images": ("openai", "/v1/images/generations", {"model": "i", "prompt": "a cat", "user": "u1"}),
    "rerank": ("cohere", "/v2/rerank", {"model": "r", "query": "who is it", "documents": ["a passage", {"text": "another"}]}),
    "a run": (
        "openai", "/v1/threads/runs",
        {"assistant_id": "asst_1", "instructions": "Be brief.", "thread": {"metadata": {"k": "a value"}, "messages": [{"role": "user", "content": "Hi"}]}},
    ),
    "tool outputs": ("openai", "/v1/threads/t/runs/r/submit_tool_outputs", {"tool_outputs": [{"tool_call_id": "c1", "output": "a result"}]}),
    "predict": ("gcp.vertex_ai", "/v1/projects/p/models/i:predict", {"instances": [{"prompt": "a cat", "image": {"bytesBase64Encoded": PNG}}], "parameters": {"style": "a style"}}),
    "generic": ("generic", "/x", {"anything": {"at": ["all", {"deep": "words"}]}}),
}  # fmt: skip
