// The same jobs as worker.py, for Node's SDKs. Node ignores the proxy variables, so it comes in by the base_url door.
import readline from "node:readline";
import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";

const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

class Heard {
  constructor() { Object.assign(this, { text: "", reasoning: "", model: "", finish: "", tools: new Map(), events: 0 }); }
  event(what) { this.events += 1; say({ event: what }); }
  tool(index, name, args) {
    const known = this.tools.get(index) ?? { name: "", arguments: "" };
    this.tools.set(index, { name: known.name + name, arguments: known.arguments + args });
  }
  openaiDelta(delta) {
    this.text += delta.content ?? "";
    this.reasoning += delta.reasoning_content ?? "";
    (delta.tool_calls ?? []).forEach((t, i) => this.tool(t.index ?? i, t.function.name ?? "", t.function.arguments ?? ""));
    const tool = (delta.tool_calls ?? []).map((t) => t.function.arguments ?? "").join("");
    this.event({ text: delta.content ?? "", reasoning: delta.reasoning_content ?? "", tool });
  }
  openaiChunk(chunk) {
    this.model = chunk.model || this.model;
    for (const choice of chunk.choices) { this.finish = choice.finish_reason ?? this.finish; this.openaiDelta(choice.delta); }
  }
  openaiWhole(completion) {
    this.model = completion.model; this.finish = completion.choices[0].finish_reason;
    this.openaiDelta(completion.choices[0].message);
  }
  anthropicEvent(event) {
    if (event.type === "message_start") this.model = event.message.model;
    if (event.type === "content_block_start" && event.content_block.type === "tool_use") this.tool(event.index, event.content_block.name, "");
    if (event.type === "message_delta") this.finish = event.delta.stop_reason ?? "";
    if (event.type !== "content_block_delta") return;
    const { text = "", thinking = "", partial_json = "" } = event.delta;
    this.text += text; this.reasoning += thinking;
    if (partial_json) this.tool(event.index, "", partial_json);
    this.event({ text, reasoning: thinking, tool: partial_json });
  }
  anthropicWhole(message) {
    this.model = message.model; this.finish = message.stop_reason;
    message.content.forEach((block, i) => {
      this.text += block.text ?? ""; this.reasoning += block.thinking ?? "";
      if (block.type === "tool_use") this.tool(i, block.name, JSON.stringify(block.input));
    });
  }
}

async function run(job, heard) {
  const openai = job.sdk === "openai";
  const { api_key: apiKey, base_url: baseURL, max_retries: maxRetries, timeout } = job.client;
  const options = Object.fromEntries(Object.entries({ apiKey, baseURL, maxRetries, timeout: timeout && timeout * 1000 }).filter(([, v]) => v !== undefined));
  const client = openai ? new OpenAI(options) : new Anthropic(options);
  const endpoint = openai ? client.chat.completions : client.messages;
  const { extra_headers: headers = {}, ...request } = job.request;
  if (job.mode === "create") {
    const whole = await endpoint.create(request, { headers });
    return openai ? heard.openaiWhole(whole) : heard.anthropicWhole(whole);
  }
  const stream = await endpoint.create({ ...request, stream: true }, { headers });
  for await (const event of stream) {
    if (openai) heard.openaiChunk(event); else heard.anthropicEvent(event);
    if (job.leave_after && heard.events >= job.leave_after) return undefined;
  }
  return undefined;
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const job = JSON.parse(line), heard = new Heard(), began = performance.now();
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, job.environment);
  let error = null, cause = "", status = null;
  try { await run(job, heard); } catch (raised) {
    error = `${raised.constructor.name}: ${raised.message}`; cause = String(raised.cause); status = raised.status ?? null;
  }
  const { text, reasoning, model, finish, events } = heard;
  const tools = [...heard.tools.entries()].sort(([a], [b]) => a - b).map(([, tool]) => tool);
  say({ done: { text, reasoning, tools, model, finish, error, cause, status, events, seconds: (performance.now() - began) / 1000 } });
}
