// The only door to the desk's chat API. The token lives in this object's memory and travels in a header, never in a URL.

const CALL_SECONDS_MAX = 20;
const UPLOAD_SECONDS_MAX = 300;
const TOKEN_SPARE_MS = 30_000;
const LOCK_SECONDS_MAX = 25;

/** The desk said no: the same again will not help. `message` is in the customer's language. */
export class Refused extends Error {
  constructor(status, code, message) {
    super(message || code);
    Object.assign(this, { status, code });
  }
}

/** Nobody answered, or the desk asked to come back: try again, not before `seconds`. */
export class Away extends Error {
  constructor(seconds, said = "") {
    super(said || "away");
    this.seconds = seconds;
  }
}

/** One tab at a time, as far as the browser can say so. A frozen tab may hold the lock for ever: then go on without. */
export async function exclusively(name, work) {
  if (!navigator.locks) return work();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LOCK_SECONDS_MAX * 1000);
  const held = () => {
    clearTimeout(timer);
    return work();
  };
  return navigator.locks.request(name, { signal: stop.signal }, held).catch((error) => {
    if (stop.signal.aborted) return work();
    throw error;
  });
}

/** The claims of a JWS, unverified: good for knowing when to ask for a new one and whose page this is, for nothing else. */
function claims(token) {
  try {
    const body = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(decodeURIComponent(escape(atob(body)))) ?? {};
  } catch {
    return {};
  }
}

export class Api {
  #token = null;
  #until = 0;
  #asking = null;

  #person; // `sub` of the token this object began with

  /** `source` gives a JWS; `onOther` is told when it begins to give another person's. */
  constructor({ desk, key, language, source, onOther }) {
    this.base = `${desk}/chat/${encodeURIComponent(key)}`;
    this.own = new URL(desk, location.href).origin === location.origin;
    Object.assign(this, { key, language, source, onOther });
  }

  /** Whose page this is, as far as tabs of one browser must agree; a guest on a foreign page is alone. */
  async scope() {
    if (this.source) return `c:${claims(await this.token()).sub ?? ""}`;
    return this.own ? "guest" : `page-${Math.random().toString(36).slice(2)}`;
  }

  async token() {
    if (this.#token && Date.now() < this.#until - TOKEN_SPARE_MS) return this.#token;
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #ask() {
    if (this.source) {
      const token = await this.source().catch(() => { throw new Away(); });
      const { exp, sub } = claims(token);
      this.#person ??= sub;
      if (sub !== this.#person) {
        // Somebody else signed in on this page: nothing of the one before may be sent or shown in their name.
        const tell = this.onOther;
        this.onOther = () => {}; // once, whatever requests are still under way
        tell();
        throw new Away();
      }
      this.#token = token;
      this.#until = exp ? exp * 1000 : Date.now() + 5 * 60_000;
    } else {
      // Two tabs opened at once would become two guests: the first one sets the cookie, the second one finds it.
      const guest = () => this.#json("guest", { method: "POST", open: true });
      const found = await (this.own ? exclusively("yingda-guest", guest) : guest());
      this.#token = found.token;
      this.#until = Date.parse(found.expires_at);
    }
    return this.#token;
  }

  hello() {
    return this.#json(`hello?language=${encodeURIComponent(this.language)}`, { open: true });
  }

  lines(after, conversation) {
    return this.#json(`lines?after=${after}${conversation ? `&conversation=${encodeURIComponent(conversation)}` : ""}`);
  }

  write(message) {
    return this.#json("messages", { method: "POST", body: message });
  }

  shown(conversation, shownSeq) {
    return this.#json("shown", { method: "POST", body: { conversation, shown_seq: shownSeq } });
  }

  upload(file) {
    return this.#json("files", {
      method: "POST", raw: file, seconds: UPLOAD_SECONDS_MAX,
      headers: { "Content-Type": "application/octet-stream", "X-File-Name": encodeURIComponent(file.name.toWellFormed?.() ?? file.name) },
    });
  }

  async download(path) {
    return (await this.#call(path, { seconds: UPLOAD_SECONDS_MAX })).blob();
  }

  /** The open response of the event stream; `signal` ends it. */
  stream(conversation, after, signal) {
    return this.#call(`stream?conversation=${encodeURIComponent(conversation)}&after=${after}`, { signal, seconds: 0 });
  }

  async #json(path, options) {
    return (await this.#call(path, options)).json();
  }

  async #call(path, { method = "GET", body, raw, headers = {}, signal, open = false, seconds = CALL_SECONDS_MAX, again = true } = {}) {
    const sent = { "Accept-Language": this.language, ...headers };
    if (!open) sent.Authorization = `Bearer ${await this.token()}`;
    if (body) sent["Content-Type"] = "application/json";
    const answer = await this.#fetch(path, { method, headers: sent, body: raw ?? (body && JSON.stringify(body)) }, signal, seconds);
    if (answer.ok) return answer;
    if (answer.status === 401 && !open) {
      this.#token = null;
      if (again) return this.#call(path, { method, body, raw, headers, signal, seconds, again: false });
      throw new Away(5); // the wallet may hand out a good token a moment later
    }
    const said = (await answer.json().catch(() => ({}))).error ?? {};
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) {
      throw new Away(Number(answer.headers.get("Retry-After")) || undefined, said.message);
    }
    throw new Refused(answer.status, said.code ?? "refused", said.message);
  }

  /** A call that hangs is a call that failed: half-open connections never report by themselves. */
  async #fetch(path, init, signal, seconds) {
    const stop = new AbortController();
    if (signal?.aborted) stop.abort();
    signal?.addEventListener("abort", () => stop.abort(), { once: true });
    const timer = seconds ? setTimeout(() => stop.abort(), seconds * 1000) : 0;
    try {
      // Cookies go to our own pages only; elsewhere the guest lives as long as the page.
      const answer = await fetch(`${this.base}/${path}`, { ...init, credentials: "same-origin", cache: "no-store", signal: stop.signal });
      if (seconds) await answer.clone().arrayBuffer();
      return answer;
    } catch {
      throw new Away();
    } finally {
      clearTimeout(timer);
    }
  }
}
