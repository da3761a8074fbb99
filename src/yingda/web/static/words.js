// The widget's words come from the desk's catalogue (`hello`). These few stand in until the desk has answered once.

const FIRST = {
  en: {
    open: "Support", close: "Close", send: "Send", attach: "Attach a file", placeholder: "Tell us what happened",
    hello_title: "Tell us what happened", human: "Talk to a person: write below", state_sending: "Sending",
    state_waiting: "Waiting for network, not sent", strip_offline: "No network. Your message is kept on this device and sent once when it is back.",
    strip_away: "We cannot be reached right now. Your message is kept on this device and sent once, by itself.",
  },
  zh: {
    open: "找客服", close: "关闭", send: "发送", attach: "添加文件", placeholder: "说说发生了什么",
    hello_title: "说说发生了什么", human: "找真人：写在下面", state_sending: "正在发送",
    state_waiting: "等网络，还没发出", strip_offline: "现在没有网络。消息已存在这台设备上，联网后自动发一次。",
    strip_away: "现在连不上客服。消息已存在这台设备上，恢复后自动发一次。",
  },
};

export class Words {
  #words;

  constructor(language) {
    this.language = language;
    this.#words = { ...FIRST[/^zh/i.test(language) ? "zh" : "en"] };
  }

  learn({ language, words }) {
    this.language = language;
    this.#words = { ...this.#words, ...words };
  }

  has(key) {
    return key in this.#words;
  }

  say(key, params = {}) {
    return (this.#words[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => params[name] ?? "");
  }

  time(at) {
    const when = new Date(at);
    const today = when.toDateString() === new Date().toDateString();
    const form = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(today ? {} : { month: "short", day: "numeric" }) };
    return new Intl.DateTimeFormat(this.language, form).format(when);
  }

  /** How long until `at`, in whole minutes, never below zero. */
  left(at) {
    const minutes = Math.max(0, Math.ceil((Date.parse(at) - Date.now()) / 60_000));
    const parts = { days: Math.floor(minutes / 1440), hours: Math.floor((minutes % 1440) / 60), minutes: minutes % 60 };
    if (parts.days) return this.say("left_days", parts);
    return this.say(parts.hours ? "left_hours" : "left_minutes", parts);
  }

  size(bytes) {
    return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
  }
}
