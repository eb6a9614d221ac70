"""An agent as anybody would write it: the openai package and nothing of Affidavit. Its surroundings are set outside (HTTPS_PROXY)."""

import json
import sys

from openai import OpenAI

task = sys.stdin.read()
client = OpenAI()
tools = [
    {
        "type": "function",
        "function": {
            "name": "run_sql",
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        },
    }
]
messages = [{"role": "system", "content": "You look after a customer database."}, {"role": "user", "content": task}]

while True:
    text, calls = "", {}
    for chunk in client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=tools, stream=True):
        for choice in chunk.choices:
            if choice.delta.content:
                text += choice.delta.content
                print(choice.delta.content, end="", flush=True)
            for delta in choice.delta.tool_calls or []:
                call = calls.setdefault(delta.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += delta.id or ""
                call["name"] += delta.function.name or ""
                call["arguments"] += delta.function.arguments or ""
    print(flush=True)
    if not calls:
        break
    asked = [
        {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
        for c in calls.values()
    ]
    messages.append({"role": "assistant", "content": text, "tool_calls": asked})
    for call in calls.values():
        print(f"[tool] {call['name']}: {json.loads(call['arguments'])['query']}", flush=True)
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": "1 row deleted"})
