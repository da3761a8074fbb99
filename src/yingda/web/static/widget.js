// <yingda-chat desk="https://desk.example" widget-key="…" language="zh-CN"></yingda-chat>
//
// The customer's side of the desk, in a shadow tree. `element.token = async () => jws`, set before the panel opens, names a
// signed-in customer; without it the person is a guest. Attributes: `inline` fills its place instead of floating, `open` opens at once, `theme="light"`.

import { Api, Refused } from "./api.js";
import { Composer } from "./composer.js";
import { h, icon, mark, save } from "./dom.js";
import { Live } from "./live.js";
import { Sender } from "./outbox.js";
import { Thread } from "./thread.js";
import { Words } from "./words.js";

const SHOWN_WAIT_MS = 300;
const SHOWN_RETRY_MS = 10_000;
const CLOCK_MS = 15_000;
const HELLO_RETRY_MS_MAX = 60_000;

// Fetched once for all elements. A constructed sheet needs no permission for styles from the page around us.
const sheet = fetch(new URL("widget.css", import.meta.url), { credentials: "omit" }).then((answer) => answer.text()).then((text) => {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
});

class YingdaChat extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #source = null;
  #title = null;
  #unread = 0;
  #shown = 0; // acknowledged
  #rendered = { conversation: null, shownSeq: 0 };
  #promise; // undefined: not known yet; null: none is open
  #drawn = false;

  get token() { return this.#source; }

  set token(source) { this.#source = source; }

  async connectedCallback() {
    if (this.#drawn) return;
    this.#drawn = true;
    // Set before this script had made the element one of ours: then it hides our setter.
    const early = Object.getOwnPropertyDescriptor(this, "token");
    if (early) {
      delete this.token;
      this.#source = early.value;
    }
    this.words = new Words(this.getAttribute("language") || document.documentElement.lang || navigator.language);
    await this.#style();
    this.#draw();
    const back = () => {
      if (!this.live || !this.#visible) return;
      this.sender.wake();
      this.#acknowledge();
    };
    for (const name of ["online", "pageshow", "focus"]) addEventListener(name, back);
    document.addEventListener("visibilitychange", back);
    if (this.hasAttribute("inline") || this.hasAttribute("open")) this.open();
  }

  disconnectedCallback() {
    // Moving an element disconnects and connects it: only what stays away is closed.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.live?.close();
      this.sender?.close();
      clearInterval(this.clock);
      this.#badge(0);
    });
  }

  async #style() {
    try {
      this.#root.adoptedStyleSheets = [await sheet];
    } catch {
      // An older browser: a linked sheet, where the page around us permits it.
      this.#root.append(h("link", { rel: "stylesheet", href: new URL("widget.css", import.meta.url) }));
    }
  }

  #draw() {
    const { words } = this;
    const onFile = (file) => this.#download(`files/${encodeURIComponent(file.file)}`, file.name);
    this.thread = new Thread({ words, onFile, onEdit: (record) => this.#edit(record) });
    const composer = this.composer = new Composer({
      words, onCard: (card) => this.thread.card(card), onUpload: (file) => this.api.upload(file),
      onSend: (text, files) => { if (composer === this.composer) this.sender.write(text, files); },
    });
    this.name = h("h2", {}, words.say("open"));
    this.status = h("p", {});
    this.strip = h("p", { class: "strip", role: "status", hidden: true });
    this.human = h("button", { class: "human", type: "button", click: () => this.composer.focus() });
    this.menu = h("details", { class: "menu", hidden: true, keydown: (e) => { if (e.key === "Escape") this.#closeMenu(e); } });
    this.shut = h("button", { class: "icon", type: "button", hidden: this.hasAttribute("inline"), click: () => this.close() }, icon("close"));
    this.panel = h("section", { class: "w", hidden: true, lang: words.language, keydown: (e) => { if (e.key === "Escape") this.close(); } },
      h("header", { class: "top" }, mark(), h("div", { class: "grow" }, this.name, this.status), this.menu, this.shut),
      this.strip, this.thread.body, this.thread.hold, h("div", { class: "foot" }, this.human, this.composer.form));
    this.peek = h("span", { class: "peek", hidden: true });
    this.count = h("span", { class: "badge", hidden: true });
    this.launch = h("button", { class: "launch", type: "button", hidden: this.hasAttribute("inline"), "aria-expanded": "false", click: () => this.open() },
      mark(), h("span", {}, words.say("open")), this.peek, this.count);
    this.#root.append(this.launch, this.panel);
    this.#name();
  }

  #name() {
    const { words } = this;
    this.panel.lang = words.language;
    this.panel.setAttribute("aria-label", this.name.textContent);
    this.shut.setAttribute("aria-label", words.say("close"));
    this.thread.body.setAttribute("aria-label", words.say("thread"));
    this.thread.greet(words.say("hello_title"), words.say("hello_lead"));
    this.composer.name(this.#rendered.shownSeq > 0);
    this.menu.replaceChildren(h("summary", { class: "icon", "aria-label": words.say("menu") }, icon("more")),
      h("ul", {}, ["text", "html"].map((format) => h("li", {}, h("button", { type: "button", click: () => this.#transcript(format) },
        icon("save"), words.say(`save_${format}`))))));
    this.#drawPromise();
  }

  /** Open the panel; the first time, meet the desk. */
  open() {
    this.panel.hidden = false;
    this.launch.hidden = true;
    this.launch.setAttribute("aria-expanded", "true");
    if (!this.hasAttribute("inline")) this.composer.focus();
    this.thread.toEnd();
    this.started ??= this.#start();
    this.#acknowledge();
  }

  close() {
    if (this.hasAttribute("inline")) return;
    this.panel.hidden = true;
    this.launch.hidden = false;
    this.launch.setAttribute("aria-expanded", "false");
    this.launch.focus();
  }

  async #start() {
    const desk = (this.getAttribute("desk") || location.origin).replace(/\/$/, "");
    this.api = new Api({ desk, key: this.getAttribute("widget-key") ?? "", language: this.words.language, source: this.#source, onOther: () => this.#startAnew() });
    this.#hello();
    const { api } = this;
    const scope = `${api.key}:${await this.#scope(api)}`;
    if (api !== this.api) return; // another person came meanwhile, and has a start of their own
    this.sender = new Sender({
      api: this.api, scope, onState: (record, state, detail) => this.#sent(record, state, detail),
      envelope: () => ({ language: this.words.language, zone: Intl.DateTimeFormat().resolvedOptions().timeZone }),
    });
    this.live = new Live({
      api: this.api, scope, onLines: (lines, conversation) => this.#lines(lines, conversation),
      onState: (state) => this.#state(state), onLink: (up) => this.#link(up),
    });
    this.composer.ready = true;
    this.live.start();
    this.sender.start();
    this.clock = setInterval(() => this.#drawPromise(), CLOCK_MS);
  }

  /** Another person is signed in: forget everything of the one before, and begin as at the first opening. */
  #startAnew() {
    this.live?.close();
    this.sender?.close();
    clearInterval(this.clock);
    clearTimeout(this.waiting);
    this.#badge(0);
    this.#rendered = { conversation: null, shownSeq: 0 };
    this.#promise = undefined;
    this.ended = false;
    this.#shown = 0;
    this.#root.replaceChildren();
    const open = !this.panel.hidden;
    this.started = this.api = this.live = this.sender = null;
    this.#draw();
    if (open) this.open();
  }

  /** The wallet's page may not have a token yet: ask until it has. */
  async #scope(api) {
    for (let wait = 1000; api === this.api; wait = Math.min(wait * 2, HELLO_RETRY_MS_MAX)) {
      try {
        return await api.scope();
      } catch {
        this.#link(false);
        await new Promise((resolve) => { setTimeout(resolve, wait); });
      }
    }
    return "";
  }

  async #hello(wait = 2000) {
    if (!this.api) return;
    try {
      const said = await this.api.hello();
      this.words.learn(said);
      this.composer.limits = said.limits;
      this.name.textContent = said.desk;
      const until = said.opens_at && this.words.time(said.opens_at);
      const state = said.open ? "status_open" : until ? "status_opens" : "status_closed";
      this.status.replaceChildren(h("span", { class: said.open ? "dot" : "dot off" }), h("span", {}, this.words.say(state, { time: until })));
      this.#name();
    } catch (error) {
      if (!(error instanceof Refused)) setTimeout(() => this.#hello(Math.min(wait * 2, HELLO_RETRY_MS_MAX)), wait);
    }
  }

  // --- what comes ---

  get #visible() {
    return document.visibilityState === "visible" && !this.panel.hidden;
  }

  #lines(lines, conversation) {
    if (conversation !== this.#rendered.conversation) this.#shown = 0;
    this.thread.show(lines, conversation);
    this.#rendered = { conversation, shownSeq: lines.at(-1).shown_seq };
    this.menu.hidden = false;
    this.composer.name(true);
    const news = lines.filter((line) => line.author.kind === "person" || line.author.kind === "bot");
    if (!this.#visible && news.length) {
      this.#badge(this.#unread + news.length);
      this.peek.textContent = this.thread.preview(news.at(-1));
    }
    this.#acknowledge();
  }

  /** Tell the desk what a person can now see. This is the evidence of delivery, so never for a page nobody sees. */
  #acknowledge() {
    if (!this.#visible) return;
    this.#badge(0);
    const { conversation, shownSeq } = this.#rendered;
    if (!conversation || shownSeq <= this.#shown) return;
    clearTimeout(this.waiting);
    // The frame after this one has the lines painted; a hidden page gets no frames.
    this.waiting = setTimeout(() => requestAnimationFrame(() => this.#tellShown()), SHOWN_WAIT_MS);
  }

  async #tellShown() {
    const { conversation, shownSeq } = this.#rendered;
    if (!this.#visible || shownSeq <= this.#shown) return;
    try {
      const { latest_shown_seq: latest } = await this.api.shown(conversation, shownSeq);
      if (conversation === this.#rendered.conversation) this.#shown = Math.max(this.#shown, shownSeq);
      if (latest > this.live?.after && conversation === this.live.conversation) this.live.pull();
    } catch (error) {
      if (!(error instanceof Refused)) this.waiting = setTimeout(() => this.#tellShown(), Math.max(SHOWN_RETRY_MS, (error.seconds ?? 0) * 1000));
    }
  }

  #badge(count) {
    if (count === this.#unread) return;
    this.#unread = count;
    this.count.hidden = this.peek.hidden = !count;
    this.count.textContent = count;
    this.#title ??= document.title;
    document.title = count ? `(${count}) ${this.#title}` : this.#title;
    if (!count) this.#title = null;
  }

  #state({ promise, state }) {
    if (state) this.ended = state !== "open";
    if (promise !== undefined) this.#promise = promise;
    this.#drawPromise();
  }

  /** The human line: who answers, by when, how long that is. Silent for screen readers: the receipt has said it. */
  #drawPromise() {
    const { words } = this;
    const promise = this.ended ? null : this.#promise;
    const late = promise && (promise.late || Date.parse(promise.due) < Date.now());
    this.human.className = late ? "human late" : "human";
    let text = words.say("human");
    if (promise) {
      const params = { owner: promise.owner, due: words.time(promise.due), left: words.left(promise.due) };
      text = words.say(late ? "human_late" : "human_promise", params);
    }
    this.human.replaceChildren(icon(promise ? "clock" : "person"), h("span", {}, text));
  }

  #link(up) {
    this.strip.hidden = up;
    if (!up) this.strip.replaceChildren(icon("wait"), h("span", {}, this.words.say(navigator.onLine ? "strip_away" : "strip_offline")));
    else this.sender?.wake();
  }

  // --- what goes ---

  #sent(record, state, detail) {
    this.thread.own(record, state, detail);
    if (state === "waiting") this.live.pull(); // says whether it is the network or this one request
    if (state !== "received") return;
    const receipt = detail.lines.find((line) => line.code === "receipt");
    if (receipt) this.thread.keep(detail.receipt, receipt.shown_seq);
    this.live.answered(detail);
  }

  #edit(record) {
    this.sender.forget(record);
    this.composer.restore(record);
  }

  async #download(path, name) {
    try {
      save(await this.api.download(path), name);
    } catch {
      this.thread.card(h("p", { class: "callout late", role: "alert" }, icon("clock"), h("span", {}, this.words.say("download_failed"))));
    }
  }

  #closeMenu(event) {
    event?.stopPropagation();
    this.menu.open = false;
    this.menu.querySelector("summary").focus();
  }

  #transcript(format) {
    this.#closeMenu();
    const { conversation } = this.#rendered;
    const ending = format === "text" ? "txt" : "html";
    this.#download(`transcript?conversation=${encodeURIComponent(conversation)}&format=${format}`, `yingda-${conversation}.${ending}`);
  }
}

customElements.define("yingda-chat", YingdaChat);
