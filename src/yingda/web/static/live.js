// One event stream per browser. Tabs elect a leader with Web Locks; it reads the stream and shares each line by BroadcastChannel.
// A connection that looks open proves nothing: silence, a return to the page, or a number ahead of ours makes us pull.

import { Refused } from "./api.js";

const SILENCE_MS_MAX = 35_000; // the server speaks at least every 15 s
const BEAT_MS = 10_000;
const POLL_MS_MIN = 5_000;
const POLL_MS_MAX = 60_000;
const STREAM_AGAIN_MS = 60_000; // while polling, how long until the stream is tried again
const FAILED_STREAMS_MAX = 2;

const later = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

/** Parse `text/event-stream` bytes; `onEvent(name, data)` for each event. Returns a function that takes decoded text. */
function eventParser(onEvent) {
  let rest = "";
  return (text) => {
    const blocks = (rest + text.replace(/\r\n?/g, "\n")).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      let name = "message";
      const data = [];
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      }
      if (data.length) onEvent(name, JSON.parse(data.join("\n")));
    }
  };
}

/**
 * What the desk shows one customer, kept without a gap.
 * `onLines(lines)`: new lines in order, each once. `onState(state)`: promise and state. `onLink(up)`: the desk can(not) be reached.
 */
export class Live {
  conversation = null;
  after = 0; // the highest shown_seq up to which we hold everything
  #leader = false;
  #stop = new AbortController();
  #wake = new AbortController();
  #heard = 0; // when the stream last gave a byte
  #leaderHeard = Date.now();
  #pulling = null;
  #pullAgain = false;
  #up = null;
  #retryMs = 0; // the desk asked to come back no sooner

  constructor({ api, scope, onLines, onState, onLink }) {
    Object.assign(this, { api, onLines, onState, onLink });
    this.name = `yingda-${scope}`;
    this.channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(this.name) : null;
    if (this.channel) this.channel.onmessage = ({ data }) => this.#told(data);
  }

  start() {
    this.#watchReturns();
    this.pull();
    this.#elect();
    this.beat = setInterval(() => this.#beat(), BEAT_MS);
  }

  close() {
    this.onLines = this.onState = this.onLink = () => {}; // a request under way must not show its answer to the next person
    this.#stop.abort();
    this.#wake.abort();
    clearInterval(this.beat);
    this.channel?.close();
  }

  /** An answer to something we sent: which conversation it stands in, what it added, and how far the desk is. */
  answered({ conversation, lines = [], latest_shown_seq: latest = 0, promise }) {
    this.#follow(conversation);
    this.#share({ kind: "lines", conversation, lines });
    this.#take(lines);
    if (promise !== undefined) this.#state({ conversation, promise, state: "open" });
    if (latest > this.after) this.pull();
  }

  /** Get everything after what we hold. One pull at a time; one asked for meanwhile follows. */
  pull() {
    if (this.#pulling) {
      this.#pullAgain = true;
      return this.#pulling;
    }
    this.#pulling = this.#pullAll().finally(() => {
      this.#pulling = null;
      if (this.#pullAgain) {
        this.#pullAgain = false;
        this.pull();
      }
    });
    return this.#pulling;
  }

  async #pullAll() {
    try {
      for (let more = true; more && !this.#stop.signal.aborted;) more = await this.#pullSome();
      this.#retryMs = 0;
      this.#link(true);
    } catch (error) {
      this.#retryMs = (error.seconds ?? 0) * 1000;
      this.#link(error instanceof Refused);
    }
  }

  /** One page of the newest conversation. True if there is more to get. */
  async #pullSome() {
    const { after, conversation } = this;
    const found = await this.api.lines(after);
    // An answer to something we sent may have moved us to a new conversation while this request was under way.
    if (conversation !== this.conversation) return true;
    if (!found.conversation) return false;
    this.#follow(found.conversation);
    if (conversation !== this.conversation && after > 0) return true; // `after` counted in another conversation
    this.#take(found.lines, { pulled: true });
    this.#state(found);
    return found.more && found.lines.length > 0;
  }

  #follow(conversation) {
    if (!conversation || conversation === this.conversation) return;
    this.conversation = conversation;
    this.after = 0;
    this.#wakeUp();
  }

  /** Take lines that continue what we hold; a number that skips one means loss, so pull. What a pull gives is all there is. */
  #take(lines, { pulled = false } = {}) {
    const fresh = [];
    for (const line of lines) {
      if (line.shown_seq <= this.after) continue;
      if (line.shown_seq !== this.after + 1 && !pulled) {
        this.pull();
        break;
      }
      this.after = line.shown_seq;
      fresh.push(line);
    }
    if (fresh.length) this.onLines(fresh, this.conversation);
  }

  #state(state) {
    this.onState(state);
    if (state.latest_shown_seq > this.after) this.pull();
  }

  #share(message) {
    this.channel?.postMessage(message);
  }

  #told(message) {
    if (message.kind === "beat") this.#leaderHeard = Date.now();
    else if (message.conversation !== this.conversation) this.pull(); // only the desk knows which is the newest
    else if (message.kind === "lines") this.#take(message.lines);
    else if (message.kind === "state") this.#state(message.state);
  }

  #link(up) {
    if (up !== this.#up) this.onLink(this.#up = up);
  }

  // --- who reads the stream ---

  #elect({ steal = false } = {}) {
    if (!navigator.locks) {
      this.#lead();
      return;
    }
    const options = steal ? { steal } : { signal: this.#stop.signal };
    navigator.locks.request(this.name, options, () => this.#lead()).catch(() => {
      // Closed, or a visible tab stole the lock because our timers slept: stand in line again.
      this.#leader = false;
      this.#wakeUp();
      if (!this.#stop.signal.aborted) this.#elect();
    });
  }

  #beat() {
    if (this.#leader) this.#share({ kind: "beat" });
    else if (document.visibilityState === "visible" && Date.now() - this.#leaderHeard > SILENCE_MS_MAX) {
      this.#leaderHeard = Date.now();
      this.#elect({ steal: true });
    }
  }

  async #lead() {
    this.#leader = true;
    let failed = 0;
    while (this.#leader && !this.#stop.signal.aborted) {
      if (!this.conversation) {
        await this.#poll(POLL_MS_MAX, Infinity); // nothing to stream before the first message; another device may write it
        continue;
      }
      failed = (await this.#stream(failed > 0)) ? 0 : failed + 1;
      if (!this.#leader || this.#stop.signal.aborted) return;
      if (failed >= FAILED_STREAMS_MAX) await this.#poll(POLL_MS_MIN, Date.now() + STREAM_AGAIN_MS);
      else await this.pull();
    }
  }

  /** Read one stream to its end. True if it ever gave a byte: it was alive, so try it again at once. In `doubt` poll beside it. */
  async #stream(doubt) {
    const stop = new AbortController();
    const conversation = this.conversation;
    this.#wake = stop;
    let alive = false;
    let timer = setTimeout(() => stop.abort(), SILENCE_MS_MAX);
    const beside = doubt ? setInterval(() => alive || this.#pullAndShare(), POLL_MS_MIN) : 0;
    try {
      const answer = await this.api.stream(conversation, this.after, stop.signal);
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      const parse = eventParser((name, data) => this.#streamed(name, data, conversation));
      // Some browsers do not end a pending read when the fetch is aborted.
      stop.signal.addEventListener("abort", () => reader.cancel().catch(() => {}), { once: true });
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        clearTimeout(timer);
        timer = setTimeout(() => stop.abort(), SILENCE_MS_MAX);
        alive = true;
        this.#heard = Date.now();
        this.#link(true);
        this.#share({ kind: "beat" });
        parse(decoder.decode(part.value, { stream: true }));
      }
    } catch {
      // Whatever ended it, the caller pulls, and then tries again or polls.
    } finally {
      clearTimeout(timer);
      clearInterval(beside);
      stop.abort();
    }
    if (alive) await later(250 + Math.random() * 750, this.#stop.signal); // many browsers must not come back in one instant
    return alive || conversation !== this.conversation;
  }

  #streamed(name, data, conversation) {
    if (conversation !== this.conversation) return;
    if (name === "line") {
      this.#share({ kind: "lines", conversation, lines: [data] });
      this.#take([data]);
    } else if (name === "state") {
      this.#share({ kind: "state", conversation, state: data });
      this.#state(data);
    }
  }

  /** Plain requests instead of a stream, slower while nothing comes, until `until` or until something wakes us. */
  async #poll(firstMs, until) {
    let wait = firstMs;
    const { conversation } = this;
    while (this.#leader && !this.#stop.signal.aborted && Date.now() < until && conversation === this.conversation) {
      const news = await this.#pullAndShare();
      this.#wake = new AbortController();
      if (conversation === this.conversation) await later(Math.max(wait, this.#retryMs), this.#wake.signal);
      wait = news ? POLL_MS_MIN : Math.min(wait * 1.5, POLL_MS_MAX);
    }
  }

  /** Pull; followers hear that there is more and pull it themselves. True if there was more. */
  async #pullAndShare() {
    const { after, conversation } = this;
    await this.pull();
    const news = this.after > after && conversation === this.conversation;
    if (news) this.#share({ kind: "state", conversation, state: { latest_shown_seq: this.after } });
    return news;
  }

  #wakeUp() {
    this.#wake.abort();
  }

  // --- coming back ---

  #watchReturns() {
    const back = () => this.#back();
    const { signal } = this.#stop;
    document.addEventListener("visibilitychange", back, { signal });
    for (const name of ["pageshow", "online", "focus"]) addEventListener(name, back, { signal });
    addEventListener("offline", () => this.#link(false), { signal });
  }

  #back() {
    if (document.visibilityState !== "visible") return;
    this.pull();
    // A stream that missed one comment may be half open: do not wait out its silence.
    if (this.#leader && Date.now() - this.#heard > SILENCE_MS_MAX / 2) this.#wakeUp();
  }
}
