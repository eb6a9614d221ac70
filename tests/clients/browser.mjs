// Headless Chromium, driven line by line: {"do": NAME, "page": NAME, ...} in, {"done": VALUE} or {"error": TEXT} out.
//   node browser.mjs /usr/bin/chromium PROFILE_FOLDER
import readline from "node:readline";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [executablePath, profile] = process.argv.slice(2);
const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", `--disk-cache-dir=${profile}`];
const browser = await chromium.launch({ executablePath, args, env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile } });
const pages = new Map();

const DO = {
  // Of one person: cookies and storage of its own. `more`: another tab of the same.
  async open({ page, more, options = {} }) {
    const context = more ? pages.get(more).context() : await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    const made = await context.newPage();
    made.setDefaultTimeout(20_000);
    made.faults = [];
    made.on("pageerror", (error) => made.faults.push(`${made.url()} ${error.message}`));
    made.on("console", (message) => { if (message.type() === "error") made.faults.push(`${made.url()} ${message.text()}`); });
    pages.set(page, made);
  },
  async close_all() { for (const context of browser.contexts()) await context.close(); pages.clear(); },
  goto: ({ at, url }) => at.goto(url).then((answer) => answer.status()),
  click: ({ at, what }) => at.click(what),
  fill: ({ at, what, text }) => at.fill(what, text),
  press: ({ at, keys }) => at.keyboard.press(keys),
  type: ({ at, text }) => at.keyboard.type(text),
  wait: ({ at, what }) => at.waitForSelector(what).then((found) => found.innerText()),
  // Asked from outside: inside, the page's own policy forbids to evaluate text.
  async until({ at, script }) {
    for (const end = Date.now() + 20_000; Date.now() < end;) {
      if (await at.evaluate(script).catch(() => false)) return true;
      await new Promise((go) => setTimeout(go, 50));
    }
    throw new Error(`never true: ${script}`);
  },
  arrived: ({ at, url }) => at.waitForURL(url).then(() => at.url()),
  text: ({ at, what = "body" }) => at.innerText(what),
  title: ({ at }) => at.title(),
  url: ({ at }) => at.url(),
  ask: ({ at, script }) => at.evaluate(script),
  faults: ({ at }) => at.faults,
  picture: ({ at, path }) => at.screenshot({ path, fullPage: true }).then(() => path),
  // Serious and critical ones; axe comes in past the page's own policy for scripts.
  async axe({ at }) {
    const session = await at.context().newCDPSession(at);
    await session.send("Runtime.evaluate", { expression: AXE });
    const { result } = await session.send("Runtime.evaluate", {
      expression: "axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations))",
      awaitPromise: true, returnByValue: true,
    });
    await session.detach();
    return JSON.parse(result.value).filter((one) => ["serious", "critical"].includes(one.impact))
      .map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.any.map((a) => a.message)}`).join("; ")}`);
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let told;
  try { told = { done: (await DO[asked.do]({ ...asked, at: pages.get(asked.page) })) ?? null }; } catch (error) { told = { error: error.message }; }
  process.stdout.write(JSON.stringify(told) + "\n");
}
await browser.close();
