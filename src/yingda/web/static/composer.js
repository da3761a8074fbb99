// Where the customer writes: text, files, and the check that nothing secret leaves the device.

import { h, icon, theirs } from "./dom.js";
import { watchEnter } from "./keys.js";

const FIELD_PIXELS_MAX = 160;

/** `text` without its secrets and their kinds. A browser that cannot load the check sends without it: the desk masks at its door too. */
async function withoutSecrets(text) {
  try {
    const { maskSecrets } = await import("./secrets.js");
    return await maskSecrets(text);
  } catch {
    return { text, kinds: [] };
  }
}

export class Composer {
  limits = { text_characters_max: 10_000, file_bytes_max: 10_000_000, files_max: 10 };
  ready = false; // until it is known whose words these are, they stay in the field
  #files = []; // {file, name, size, type} once uploaded; {name, state, source} before
  #card = null;
  #checked = Promise.resolve(); // messages leave in the order they were written

  /** `onSend(text, files)`, `onUpload(file)` → what the desk says of it, `onCard(node)` shows a card in the thread. */
  constructor({ words, onSend, onUpload, onCard }) {
    Object.assign(this, { words, onSend, onUpload, onCard });
    const pick = h("input", { type: "file", multiple: true, change: () => this.#pick(pick) });
    this.say = h("p", { class: "say", role: "alert", hidden: true });
    this.picked = h("ul", { class: "picked", hidden: true });
    this.field = h("textarea", { rows: 1, dir: "auto", enterkeyhint: "send", input: () => this.#changed() });
    this.button = h("button", { class: "send", type: "submit", "aria-disabled": "true" }, icon("send"));
    this.attach = h("label", { class: "icon" }, icon("clip"), pick);
    this.form = h("form", { submit: (event) => { event.preventDefault(); this.send(); } }, this.say, this.picked,
      h("div", { class: "in" }, this.attach, this.field, this.button));
    watchEnter(this.field, () => this.send());
    this.field.addEventListener("paste", (event) => this.#add(event.clipboardData.files));
    this.pickField = pick;
    this.name();
  }

  /** Take the names of things from the words, again when the desk has sent its own. */
  name(more = false) {
    this.field.placeholder = this.words.say(more ? "placeholder_more" : "placeholder");
    this.field.setAttribute("aria-label", this.field.placeholder);
    this.button.setAttribute("aria-label", this.words.say("send"));
    this.pickField.setAttribute("aria-label", this.words.say("attach"));
    this.attach.title = this.words.say("attach");
  }

  focus() {
    this.field.focus();
  }

  /** Put a refused message back for editing, before whatever is being written. */
  restore({ text, files }) {
    this.field.value = [text, this.field.value].filter(Boolean).join("\n");
    this.#files = [...files, ...this.#files];
    this.#changed();
    this.focus();
  }

  /** Take what is written out of the field at once, so that nothing typed while it is being checked can be lost or sent twice. */
  send() {
    const text = this.field.value.replace(/^[ \t\n]+|[ \t\n]+$/g, ""); // nothing else: what looks empty may be somebody's words
    const uploaded = this.#files.every((f) => f.file);
    if (!this.ready || !uploaded || !(text || this.#files.length)) return;
    const count = Array.from(text).length;
    if (count > this.limits.text_characters_max) {
      this.#tell("too_long", { max: this.limits.text_characters_max, count });
      return;
    }
    const files = this.#files.map(({ file, name, type, size }) => ({ file, name, type, size }));
    this.#clear();
    this.#checked = this.#checked.then(() => this.#check(text, files));
  }

  async #check(text, files) {
    const { text: clean, kinds } = await withoutSecrets(text);
    if (!kinds.length) {
      this.onSend(text, files);
      return;
    }
    const since = this.field.value; // typed while the check was under way
    this.restore({ text, files });
    this.#guard(kinds[0], () => {
      this.#clear(since);
      this.onSend(clean, files);
    }, clean);
  }

  #clear(rest = "") {
    this.#files = [];
    this.field.value = rest;
    this.#changed();
    this.focus();
  }

  #guard(kind, sendClean, clean) {
    this.#unguard();
    const remove = h("button", { class: "plain ink", type: "button", click: sendClean }, this.words.say("guard_remove"));
    const edit = h("button", { class: "plain", type: "button", click: () => { this.#unguard(); this.focus(); } }, this.words.say("guard_edit"));
    this.#card = h("div", { class: "guard", role: "alertdialog", "aria-label": this.words.say("guard_title") },
      h("h3", {}, icon("shield"), this.words.say(this.words.has(`guard_${kind}`) ? `guard_${kind}` : "guard_title")),
      h("p", {}, this.words.say("guard_lead")),
      h("p", { class: "masked" }, theirs(clean)), remove, edit);
    this.onCard(this.#card);
  }

  #unguard() {
    this.#card?.remove();
    this.#card = null;
  }

  #tell(key, params) {
    this.say.hidden = !key;
    this.say.textContent = key ? this.words.say(key, params) : "";
  }

  #changed() {
    this.#tell(null);
    this.#unguard();
    const { style } = this.field; // CSSOM, which a Content-Security-Policy allows
    style.height = "auto";
    style.height = `${Math.min(this.field.scrollHeight, FIELD_PIXELS_MAX)}px`;
    const nothing = !/[^ \t\n]/.test(this.field.value) && !this.#files.length;
    this.button.setAttribute("aria-disabled", String(nothing || this.#files.some((f) => !f.file)));
    this.#drawFiles();
  }

  // --- files ---

  #pick(field) {
    this.#add(field.files);
    field.value = "";
  }

  #add(files) {
    for (const source of files) {
      if (this.#files.length >= this.limits.files_max) this.#tell("too_many", { max: this.limits.files_max });
      else if (source.size > this.limits.file_bytes_max) this.#tell("too_big", { name: source.name, size: this.words.size(this.limits.file_bytes_max) });
      else this.#upload({ name: source.name, size: source.size, source });
    }
  }

  async #upload(entry) {
    Object.assign(entry, { state: "uploading", reason: "" });
    if (!this.#files.includes(entry)) this.#files.push(entry);
    this.#changed();
    try {
      Object.assign(entry, await this.onUpload(entry.source), { state: "ready" });
    } catch (error) {
      Object.assign(entry, { state: "failed", reason: error.message === "away" ? "" : error.message });
    }
    if (this.#files.includes(entry)) this.#changed();
  }

  #drawFiles() {
    this.picked.hidden = !this.#files.length;
    this.picked.replaceChildren(...this.#files.map((entry) => {
      const drop = () => {
        this.#files = this.#files.filter((f) => f !== entry);
        this.#changed();
        this.focus();
      };
      const state = entry.file ? this.words.size(entry.size) : entry.reason || this.words.say(`file_${entry.state}`);
      return h("li", { class: entry.state === "failed" ? "bad" : "" }, h("span", { class: "name" }, theirs(entry.name)),
        h("span", { role: "status" }, state),
        entry.state === "failed" && h("button", { class: "quiet", type: "button", click: () => this.#upload(entry) }, this.words.say("retry")),
        h("button", { class: "icon", type: "button", "aria-label": this.words.say("file_remove", { name: entry.name }), click: drop }, icon("close")));
    }));
  }
}
