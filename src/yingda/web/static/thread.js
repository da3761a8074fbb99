// The conversation as the customer sees it: lines from the desk, and messages of this device that are still on their way.

import { cut, h, icon, save, theirs } from "./dom.js";

const NEAR_END_PIXELS = 80;

export class Thread {
  #own = new Map(); // message_id → row of a message this device is sending
  #receipts = new Map(); // "conversation/shown_seq" of the receipt's line → the signed receipt
  #conversation = null;
  #followed = true;

  constructor({ words, onEdit, onFile }) {
    Object.assign(this, { words, onEdit, onFile });
    this.lines = h("div", { class: "lines", role: "log", "aria-live": "polite" });
    this.hello = h("div", { class: "hello" });
    this.body = h("div", { class: "body", tabindex: "0" }, h("div", { class: "column" }, this.hello, this.lines));
    this.newer = h("button", { class: "newer", type: "button", hidden: true, click: () => this.toEnd() });
    this.hold = h("div", { class: "hold" }, this.newer);
    this.body.addEventListener("scroll", () => this.#nearEnd() && this.#seen(), { passive: true });
    // The keyboard of a phone and a growing composer shrink the body: stay with the last line.
    new ResizeObserver(() => this.#followed && this.toEnd()).observe(this.body);
  }

  greet(title, lead) {
    this.hello.replaceChildren(h("h3", {}, title), lead ? h("p", {}, lead) : "");
  }

  #nearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.body;
    this.#followed = scrollHeight - scrollTop - clientHeight < NEAR_END_PIXELS;
    return this.#followed;
  }

  toEnd() {
    this.body.scrollTop = this.body.scrollHeight;
    this.#seen();
  }

  #seen() {
    this.newer.hidden = true;
    this.newer.count = 0;
  }

  /** Put `row` at the end (before messages still on their way); what a person is reading does not move. */
  #add(row, { own = false } = {}) {
    const follow = own || this.#nearEnd();
    this.hello.hidden = true;
    const pending = own ? null : this.lines.querySelector(".row[data-pending]");
    this.lines.insertBefore(row, pending);
    if (follow) this.toEnd();
    else {
      this.newer.count = (this.newer.count ?? 0) + 1;
      this.newer.textContent = this.words.say("new_below", { count: this.newer.count });
      this.newer.hidden = false;
    }
  }

  /** Lines the desk gave, in order. */
  show(lines, conversation) {
    if (this.#conversation && conversation !== this.#conversation) {
      this.#add(h("p", { class: "rule" }, this.words.say("conversation_new", { number: conversation })));
    }
    this.#conversation = conversation;
    for (const line of lines) this.#showLine(line);
  }

  #showLine(line) {
    const waiting = line.message_id && this.#own.get(line.message_id);
    if (waiting) {
      waiting.remove();
      this.#own.delete(line.message_id);
    }
    this.#add(this.#rowOf(line));
  }

  #rowOf(line) {
    if (line.kind === "system") return this.#system(line);
    const time = h("time", { datetime: line.at }, this.words.time(line.at));
    if (line.author.kind === "customer") {
      return h("div", { class: "row me" }, this.#bubble(line.text, line.files),
        h("small", {}, icon("check", "i-14"), h("span", {}, this.words.say("state_received"), " "), time));
    }
    const bot = line.author.kind === "bot";
    const label = bot ? h("span", {}, ` · ${this.words.say("bot")}`) : "";
    return h("div", { class: bot ? "row them bot" : "row them" },
      h("span", { class: "who" }, theirs(line.author.name), label), this.#bubble(line.text, line.files), h("small", {}, time));
  }

  #bubble(text, files = []) {
    return h("div", { class: "bubble" }, text ? theirs(text, "span") : "", files.map((file) => h("button",
      { class: "file", type: "button", click: () => this.onFile(file) },
      icon("file"), theirs(file.name), h("span", {}, this.words.size(file.size)))));
  }

  #system(line) {
    if (line.code === "receipt") return this.#receipt(line);
    if (line.code === "secret_masked") return h("div", { class: "callout" }, icon("shield"), theirs(line.text, "span"));
    if (line.code === "promise_moved") return h("div", { class: "callout late" }, icon("clock"), theirs(line.text, "span"));
    return h("p", { class: "event" }, theirs(line.text));
  }

  #receipt(line) {
    for (const older of this.lines.querySelectorAll(".receipt[open]")) older.open = false;
    const { number, owner, due } = line.params;
    const facts = [["number", number], ["owner", this.words.has(`owner_${owner}`) && this.words.say(`owner_${owner}`)],
      ["due", due && this.words.time(due)]];
    const keep = h("button", { class: "quiet", type: "button", hidden: true }, icon("save", "i-14"), this.words.say("receipt_save"));
    const slip = h("details", { class: "receipt", open: true, "data-at": `${this.#conversation}/${line.shown_seq}` },
      h("summary", {}, h("span", { class: "tick" }, icon("file", "i-14")),
        h("b", {}, this.words.say("receipt_title")), h("time", { datetime: line.at }, this.words.time(line.at))),
      h("div", { class: "tear" }, h("i")),
      h("div", { class: "slip" }, h("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => [
        h("dt", {}, this.words.say(`receipt_${name}`)), h("dd", {}, h("b", { class: "num" }, String(value)))])),
      h("p", { class: "told" }, theirs(line.text)), keep));
    const signed = this.#receipts.get(slip.dataset.at);
    if (signed) this.#offer(slip, signed);
    return slip;
  }

  /** A signed receipt and the `shown_seq` of its line: the customer may keep it as a file. */
  keep(receipt, shownSeq) {
    const at = `${receipt.conversation}/${shownSeq}`;
    this.#receipts.set(at, receipt);
    const slip = this.lines.querySelector(`.receipt[data-at="${at}"]`);
    if (slip) this.#offer(slip, receipt);
  }

  #offer(slip, receipt) {
    const button = slip.querySelector(".quiet");
    button.hidden = false;
    button.onclick = () => save(new Blob([`${JSON.stringify(receipt, null, 2)}\n`], { type: "application/json" }),
      `receipt-${receipt.number}-${receipt.seq}.json`);
  }

  /** A message of this device: "sending", "waiting" or "refused" (with the reason). */
  own(record, state, detail) {
    if (state === "received") return;
    const row = this.#own.get(record.message_id) ?? h("div", { class: "row me", "data-pending": true }, this.#bubble(record.text, record.files), h("small"));
    row.className = `row me ${state}`;
    const edit = () => {
      row.remove();
      this.#own.delete(record.message_id);
      this.onEdit(record);
    };
    row.querySelector("small").replaceChildren(...(state === "refused"
      ? [icon("shield", "i-14"), h("span", {}, this.words.say("state_refused", { reason: detail })), h("button", { type: "button", click: edit }, this.words.say("edit"))]
      : [icon("wait", "i-14"), h("span", {}, this.words.say(`state_${state}`))]));
    if (this.#own.has(record.message_id)) return;
    this.#own.set(record.message_id, row);
    this.#add(row, { own: true });
  }

  /** A card at the end of the thread, for instance the warning before something secret is sent. */
  card(node) {
    this.hello.hidden = true;
    this.lines.append(node);
    this.toEnd();
    node.querySelector("button")?.focus();
  }

  preview(line) {
    return cut(`${line.author.name ? `${line.author.name}: ` : ""}${line.text}`, 24);
  }
}
