// Live updates and keys; every page works without it. Reads from our own pages only, and writes text, never HTML of others.
"use strict";

const live = document.querySelector("[data-live]");
const said = document.getElementById("said");
const bare = document.title.replace(/^\(\d+\) /, "");

// -- times: what is left, counted down -----------------------------------------------------------------------------------
function span(seconds) {
  for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"]]) if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  return `${Math.max(0, Math.floor(seconds))} s`;
}
function tick() {
  for (const time of document.querySelectorAll("time[data-until]")) {
    const left = (Date.parse(time.dateTime) - Date.now()) / 1000;
    time.textContent = span(left);
    time.classList.toggle("soon", left < 60);
  }
}
setInterval(tick, 1000);

// -- live: the page asks for itself again and takes over the parts that may change ----------------------------------------
let reading = false, again = false;
async function refresh() {
  if (reading) { again = true; return; }
  reading = true;
  try {
    const answer = await fetch(location.href, { headers: { "X-Affidavit-Live": "1" }, redirect: "error" });
    if (answer.status === 401) return signedOut();
    if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } finally {
    reading = false;
    if (again) { again = false; setTimeout(refresh, 200); }
  }
}
function take(page) {
  const focused = document.activeElement?.closest("li")?.id;
  const known = new Set([...document.querySelectorAll("[data-rows] > li")].map((row) => row.id));
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh) part.replaceWith(document.adoptNode(fresh));
  }
  for (const row of document.querySelectorAll("[data-rows] > li")) if (!known.has(row.id)) row.classList.add("new");
  for (const count of page.querySelectorAll(".tabs .count")) {
    const place = [...document.querySelectorAll(".tabs a")].find((link) => link.getAttribute("href") === count.parentElement.getAttribute("href"));
    if (place) place.querySelector(".count").textContent = count.textContent;
  }
  if (focused) document.getElementById(focused)?.querySelector("[data-row]")?.focus();
  tick();
}
function counted({ mine, waiting }) {
  for (const count of document.querySelectorAll("[data-count=waiting]")) count.textContent = waiting;
  document.title = mine ? `(${mine}) ${bare}` : bare;
  const icon = document.getElementById("icon");
  icon.href = mine ? icon.dataset.waiting : icon.dataset.calm;
}
function signedOut() {
  source?.close();
  state("signed out", false);
  said.textContent = "You are signed out.";
  if (location.pathname === "/") location.assign("/login");
}
function state(text, on) {
  const place = document.querySelector("[data-live-state]");
  if (!place) return;
  place.hidden = false;
  place.textContent = text;
  place.classList.toggle("off", !on);
}

let source = null;
if ("signedIn" in document.body.dataset && document.querySelector(".count")) {
  source = new EventSource("/live");
  let first = true;
  source.addEventListener("open", () => state("live", true));
  source.addEventListener("error", () => state(source.readyState === EventSource.CLOSED ? "not live; reload the page" : "connecting again", false));
  source.addEventListener("ended", signedOut);
  source.addEventListener("waiting", (event) => {
    const now = JSON.parse(event.data);
    counted(now);
    if (now.new) {
      said.textContent = `New: ${now.new.rule}, ${now.new.requester}`;
      notify(now.new);
    }
    if (!first && live) refresh();
    first = false;
  });
  addEventListener("pagehide", () => source.close());
}

// -- a decided page says so while somebody reads it ------------------------------------------------------------------------
new MutationObserver(() => {
  const form = document.querySelector("[data-decide]");
  const now = document.querySelector("[data-live=state]")?.dataset.state;
  if (form && now && now !== "pending" && !form.dataset.over) {
    form.dataset.over = "1";
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    said.textContent = `This is ${now} now.`;
    if (!form.querySelector("textarea").value) location.reload();
  }
}).observe(document.getElementById("main"), { childList: true, subtree: true });

// -- notifications of the browser, asked for by a click ---------------------------------------------------------------------
const ask = document.querySelector("[data-notify]");
if (ask && "Notification" in window && Notification.permission === "default") {
  ask.hidden = false;
  ask.addEventListener("click", async () => { await Notification.requestPermission(); ask.hidden = true; });
}
function notify(one) {
  if (!("Notification" in window) || Notification.permission !== "granted" || document.visibilityState === "visible") return;
  const shown = new Notification(`Approval: ${one.rule}`, { body: one.requester, tag: one.id });
  shown.addEventListener("click", () => { window.focus(); location.assign(`/approvals/${one.id}`); });
}

// -- on a telephone: the bar that leads to the decision goes when the decision is there -------------------------------------------
const jump = document.querySelector(".jump"), form = document.getElementById("decide");
if (jump && form) new IntersectionObserver(([seen]) => { jump.hidden = seen.isIntersecting; }).observe(form);

// -- forms: sent once ---------------------------------------------------------------------------------------------------------
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// -- keys: one letter, never while writing, and they can be turned off (WCAG 2.1.4) ---------------------------------------------
const box = document.querySelector("[data-keys]");
const keysOn = () => localStorage.getItem("affidavit-keys") !== "off";
if (box) {
  box.checked = keysOn();
  box.addEventListener("change", () => localStorage.setItem("affidavit-keys", box.checked ? "on" : "off"));
}
function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)].focus();
}
function decide(key) {
  const form = document.querySelector("[data-decide]");
  const button = form?.querySelector(`[data-key="${key}"]`);
  if (!button) return;
  form.dataset.chosen = key;
  form.querySelector("textarea").focus();
  said.textContent = `${button.textContent}: write the reason, then Ctrl and Enter.`;
}
const KEYS = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  a: () => decide("a"), d: () => decide("d"),
  u: () => { if (document.querySelector("[data-back]")) location.assign("/"); },
};
addEventListener("keydown", (event) => {
  const writing = event.target.matches?.("input, textarea, select");
  if (writing && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest("[data-decide]");
    const button = form?.querySelector(`[data-key="${form.dataset.chosen || ""}"]`);
    if (button) { event.preventDefault(); form.requestSubmit(button); }
    return;
  }
  if (writing && event.key === "Escape") { event.target.blur(); return; }
  if (writing || event.ctrlKey || event.metaKey || event.altKey || !keysOn()) return;
  const rows = document.querySelector("[data-row]");
  if (event.key.startsWith("Arrow") && !rows) return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});
