// Messages that have not been acknowledged. They survive a reload, are sent in order, and each is stored once by its message_id.

import { Away, Refused, exclusively } from "./api.js";

const BACKOFF_SECONDS_MAX = 60;

function request(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** The unsent words of one browser, in IndexedDB; what a browser does not let us store there stays in memory. */
class Shelf {
  #memory = new Map();
  #opening = null;

  #open() {
    this.#opening ??= (async () => {
      const asked = indexedDB.open("yingda", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("unsent", { keyPath: "message_id" });
      return request(asked);
    })().catch(() => null);
    return this.#opening;
  }

  async #store(mode, work) {
    const database = await this.#open();
    if (!database) return undefined;
    try {
      const transaction = database.transaction("unsent", mode, { durability: "strict" });
      const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      const [result] = await Promise.all([request(work(transaction.objectStore("unsent"))), done]);
      return result;
    } catch {
      return undefined; // quota, or the database was closed under us: memory keeps it
    }
  }

  async put(record) {
    this.#memory.set(record.message_id, record);
    const stored = await this.#store("readwrite", (store) => store.put(record));
    if (stored !== undefined) this.#memory.delete(record.message_id);
  }

  async remove(id) {
    this.#memory.delete(id);
    await this.#store("readwrite", (store) => store.delete(id));
  }

  /** All records of `scope`, oldest first. */
  async all(scope) {
    const stored = (await this.#store("readonly", (store) => store.getAll())) ?? [];
    const records = [...stored, ...this.#memory.values()];
    return records.filter((r) => r.scope === scope).sort((a, b) => a.order - b.order);
  }

  /** What a guest's page on a foreign site left behind: that page is gone, so its unsent words move to this one. */
  async adopt(scope, key) {
    const held = new Set(((await navigator.locks?.query())?.held ?? []).map((lock) => lock.name));
    for (const record of (await this.#store("readonly", (store) => store.getAll())) ?? []) {
      if (!record.scope.startsWith(`${key}:page-`) || held.has(`yingda-${record.scope}`)) continue;
      await this.put({ ...record, scope });
    }
  }
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/**
 * Sends what is on the shelf. `onState(record, state, detail)` tells: "sending", "waiting" (no network or desk away),
 * "received" (detail is the desk's answer), "refused" (detail is the reason in the customer's language).
 */
export class Sender {
  #shelf = new Shelf();
  #busy = false;
  #again = false;
  #failures = 0;
  #notBefore = 0;
  #timer = 0;
  #order = 0;
  #closed = false;

  constructor({ api, scope, onState, envelope }) {
    Object.assign(this, { api, scope, onState, envelope });
  }

  async start() {
    if (this.scope.includes(":page-")) await this.#shelf.adopt(this.scope, this.api.key);
    const records = await this.#shelf.all(this.scope);
    for (const record of records) this.onState(record, record.refused ? "refused" : "waiting", record.refused);
    this.wake();
  }

  /** Keep the words first, then send. Resolves when they are kept. */
  async write(text, files) {
    this.#order = Math.max(Date.now(), this.#order + 1);
    const record = { message_id: newId(), scope: this.scope, order: this.#order, text, files };
    this.onState(record, navigator.onLine ? "sending" : "waiting");
    await this.#shelf.put(record);
    this.flush();
  }

  async forget(record) {
    await this.#shelf.remove(record.message_id);
  }

  wake() {
    if (Date.now() >= this.#notBefore) this.flush();
  }

  /** What is unsent stays on the shelf for whoever it belongs to. */
  close() {
    this.#closed = true;
    this.onState = () => {}; // a request under way must not tell the next person of it
    clearTimeout(this.#timer);
  }

  async flush() {
    if (this.#closed) return;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    clearTimeout(this.#timer);
    try {
      do {
        this.#again = false;
        // Two tabs of one customer keep the order between them; each message is stored once in any case, by its message_id.
        await exclusively(`yingda-send-${this.scope}`, () => this.#sendAll());
      } while (this.#again);
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof Away)) console.error(error); // a fault of ours must not end the retries
      this.#retryAfter(error.seconds);
    } finally {
      this.#busy = false;
    }
  }

  async #sendAll() {
    for (const record of await this.#shelf.all(this.scope)) {
      if (!record.refused && !this.#closed) await this.#sendOne(record);
    }
  }

  async #sendOne(record) {
    const { message_id, text, files } = record;
    this.onState(record, "sending");
    try {
      const answer = await this.api.write({ message_id, text, files: files.map((f) => f.file), ...this.envelope() });
      await this.#shelf.remove(message_id);
      this.#failures = 0;
      this.onState(record, "received", answer);
    } catch (error) {
      if (error instanceof Refused) {
        await this.#shelf.put({ ...record, refused: error.message });
        this.onState(record, "refused", error.message);
        return; // the next message must not wait behind one that will never be taken
      }
      for (const waiting of await this.#shelf.all(this.scope)) if (!waiting.refused) this.onState(waiting, "waiting");
      throw error;
    }
  }

  #retryAfter(seconds) {
    if (this.#closed) return;
    this.#failures += 1;
    const backoff = Math.min(BACKOFF_SECONDS_MAX, 2 ** Math.min(this.#failures - 1, 6)) * (0.75 + Math.random() / 4);
    const wait = Math.max(backoff, seconds ?? 0) * 1000;
    this.#notBefore = seconds ? Date.now() + seconds * 1000 : 0;
    this.#timer = setTimeout(() => this.flush(), wait);
  }
}
