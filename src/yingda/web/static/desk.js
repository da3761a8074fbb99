// The console's own script: news by one shared stream, countdowns that keep going, and drafts that nothing throws away.

import { watchEnter } from "./keys.js";

const SILENCE_MS_MAX = 35_000; // the server says "here" at least every 15 s
const REFUSED_WAIT_MS = 5000;
const WATCH_MS = 5000;
const RISK_MS = 600_000;
const SPOKEN_MS = [300_000, 60_000];
const NEAR_END_PIXELS = 60;
const { dataset: words } = document.body;
const byId = (id) => document.getElementById(id);

// --- news: one EventSource per browser, shared by its tabs ---

const channel = new BroadcastChannel("yingda-desk");
let heard = Date.now();
let source = null;
channel.onmessage = ({ data }) => data.kind === "beat" ? alive() : arrived(data);

function alive() {
  heard = Date.now();
  byId("link").hidden = true;
}

function share(message) {
  channel.postMessage(message);
}

/** Read the stream until this tab ends or another takes over. An EventSource reconnects by itself unless it was refused. */
function lead() {
  source = new EventSource("/desk/stream");
  source.onopen = () => { alive(); share({ kind: "beat" }); };
  source.onerror = () => { if (source?.readyState === EventSource.CLOSED) setTimeout(reopen, REFUSED_WAIT_MS); };
  source.addEventListener("here", () => { alive(); share({ kind: "beat" }); });
  for (const kind of ["queue", "conversation"]) {
    source.addEventListener(kind, ({ data }) => {
      alive();
      share({ kind: "beat" });
      share({ kind, id: data });
      arrived({ kind, id: data });
    });
  }
}

function reopen() {
  if (!source) return;
  source.close();
  lead();
}

function elect(steal = false) {
  if (!navigator.locks) {
    lead();
    return;
  }
  navigator.locks.request("yingda-desk", { steal }, () => { lead(); return new Promise(() => {}); }).catch(() => {
    source?.close(); // our timers slept and a visible tab took over: stand in line again
    source = null;
    elect();
  });
}

/** A stream that says nothing is dead, however open it looks. */
function watch() {
  if (Date.now() - heard < SILENCE_MS_MAX || document.visibilityState !== "visible") return;
  heard = Date.now();
  away();
  if (source) reopen();
  else elect(true);
  look();
}

function away() {
  byId("link").textContent = words.offline;
  byId("link").hidden = false;
}

function arrived({ kind, id }) {
  if (kind === "queue") refreshList();
  else if (id === "all" || id === byId("talk")?.dataset.conversation) refreshTalk();
}

function look() {
  refreshList();
  refreshTalk();
}

function tell(id) {
  const node = byId(id);
  if (node && window.htmx) window.htmx.trigger(node, "news");
}

function refreshTalk() {
  tell("talk");
}

/** Rows must not move under the pointer or the focus: say that there is news, and update when they leave. */
function refreshList() {
  const list = byId("list");
  if (!list) return;
  const touched = list.matches(":hover") || list.contains(document.activeElement);
  byId("fresh").hidden = !touched;
  if (!touched && document.visibilityState === "visible") tell("list");
}

function back() {
  if (document.visibilityState === "visible") look();
}

// --- countdowns ---

function span(ms) {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  const seconds = Math.floor((Math.abs(ms) % 60_000) / 1000);
  const values = { days: Math.floor(minutes / 1440), hours: Math.floor((minutes % 1440) / 60), minutes: minutes % 60, seconds: String(seconds).padStart(2, "0") };
  const form = values.days ? words.days : values.hours ? words.hours : minutes < 10 && ms > 0 ? words.seconds : words.minutes;
  const text = form.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return ms <= 0 ? words.late.replace("{span}", text) : text;
}

function tick() {
  for (const node of document.querySelectorAll("[data-due]")) {
    const due = Date.parse(node.dataset.due);
    const left = due - Date.now();
    const look = left <= 0 ? "broken" : left <= RISK_MS ? "risk" : "wait";
    const part = Math.max(0, Math.min(100, Math.round((100 * left) / Math.max(1000, due - Date.parse(node.dataset.since)))));
    node.querySelector("[data-ring]").setAttribute("stroke-dasharray", `${part} 100`);
    const words = node.querySelector("[data-left]");
    if (words.textContent !== span(left)) words.textContent = span(left);
    for (const other of ["wait", "risk", "broken"]) node.classList.toggle(`${node.dataset.look}--${other}`, other === look);
    if ("speak" in node.dataset) speak(node, left);
  }
}

/** Countdowns are silent but for three moments. */
function speak(node, left) {
  const step = SPOKEN_MS.filter((ms) => left <= ms).length + (left <= 0 ? 1 : 0);
  const before = Number(node.dataset.step ?? step);
  node.dataset.step = step;
  if (step > before) byId("spoken").textContent = left <= 0 ? span(left) : words.spoken.replace("{span}", span(left));
}

// --- the conversation ---

function nearEnd() {
  const { scrollHeight, scrollTop, clientHeight } = byId("scroll");
  return scrollHeight - scrollTop - clientHeight < NEAR_END_PIXELS;
}

/** `seen_through` says what its author had on screen: only what a visible page shows at its end counts. */
function seen() {
  if (!byId("scroll") || document.visibilityState !== "visible" || !nearEnd()) return;
  byId("newer").hidden = true;
  for (const field of document.querySelectorAll('[name="seen_through"]')) field.value = byId("after").value;
}

function toEnd() {
  const scroll = byId("scroll");
  if (scroll) scroll.scrollTop = scroll.scrollHeight;
  seen();
}

function prepareComposer() {
  const form = document.querySelector("form[data-composer]:not([data-ready])");
  if (!form) return;
  form.dataset.ready = "";
  watchEnter(form.elements.text, () => form.requestSubmit(), { modifier: true });
}

let atEnd = true;
let added = false;
let focused = false;

document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const { target, fragment } = detail;
  // A menu that somebody is choosing from stays as it is; the door it leads to checks what is true by then.
  if (target.querySelector("details[open]")) detail.shouldSwap = target.id !== "actions";
  // An answer to our own reply and the news of it cross: whichever comes second brings lines that are here.
  if (target.id === "thread") for (const line of fragment.querySelectorAll('[id^="line-"]')) if (byId(line.id)) line.remove();
  if (byId("scroll")) atEnd = nearEnd();
  focused = document.activeElement?.id === "reply";
});
document.addEventListener("htmx:oobAfterSwap", (event) => {
  prepareComposer();
  added ||= event.detail.target?.id === "thread";
  if (focused && event.detail.target?.id === "composer") byId("reply")?.focus();
});
document.addEventListener("htmx:afterRequest", (event) => {
  tick();
  if (event.detail.successful) alive();
  if (!byId("scroll")) return;
  if (added && atEnd) toEnd();
  else if (added) byId("newer").hidden = false;
  else seen();
  added = false;
});
document.addEventListener("htmx:sendError", away);
// A menu closes when its choice was made, on Escape, and by a click elsewhere.
function closeMenus(but) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(but)) menu.open = false;
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenus(); });
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("htmx:beforeSwap", (event) => { if (event.target.closest("details.menu")) closeMenus(); });
byId("fresh")?.addEventListener("click", () => { byId("fresh").hidden = true; tell("list"); });
byId("list")?.addEventListener("pointerleave", () => { if (!byId("fresh").hidden) { byId("fresh").hidden = true; tell("list"); } });
byId("newer")?.addEventListener("click", toEnd);
byId("scroll")?.addEventListener("scroll", seen, { passive: true });
document.addEventListener("visibilitychange", () => { back(); seen(); });
for (const name of ["pageshow", "online"]) addEventListener(name, back);
// Half a reply must not be lost to a slip of the finger.
addEventListener("beforeunload", (event) => {
  if (byId("reply")?.value && !byId("reply").readOnly && !leaving) event.preventDefault();
});
let leaving = false;
document.addEventListener("submit", () => { leaving = true; setTimeout(() => { leaving = false; }, 0); });

prepareComposer();
toEnd();
tick();
setInterval(tick, 1000);
setInterval(watch, WATCH_MS);
elect();
