// Building pages from text, never from markup: whatever a customer or an agent wrote stays text.

const SVG = "http://www.w3.org/2000/svg";

// Lucide icons (ISC licence, see vendor/LICENSE-lucide.txt): the paths this widget uses.
const ICONS = {
  send: ["m5 12 7-7 7 7", "M12 19V5"],
  clip: ["m16 6-8.414 8.586a2 2 0 0 0 2.829 2.829l8.414-8.586a4 4 0 1 0-5.657-5.657l-8.379 8.551a6 6 0 1 0 8.485 8.485l8.379-8.551"],
  close: ["M18 6 6 18", "m6 6 12 12"],
  more: ["M12 12h.01", "M19 12h.01", "M5 12h.01"],
  check: ["M20 6 9 17l-5-5"],
  wait: ["M5 22h14", "M5 2h14", "M17 22v-4.172a2 2 0 0 0-.586-1.414L12 12l-4.414 4.414A2 2 0 0 0 7 17.828V22",
    "M7 2v4.172a2 2 0 0 0 .586 1.414L12 12l4.414-4.414A2 2 0 0 0 17 6.172V2"],
  shield: ["M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z",
    "M12 8v4", "M12 16h.01"],
  clock: ["M12 6v6l4 2", "M22 12a10 10 0 1 1-20 0 10 10 0 0 1 20 0z"],
  person: ["M3 11h3a2 2 0 0 1 2 2v3a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-5Zm0 0a9 9 0 1 1 18 0m0 0v5a2 2 0 0 1-2 2h-1a2 2 0 0 1-2-2v-3a2 2 0 0 1 2-2h3Z",
    "M21 16v2a4 4 0 0 1-4 4h-5"],
  save: ["M12 15V3", "M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4", "m7 10 5 5 5-5"],
  file: ["M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z",
    "M14 2v5a1 1 0 0 0 1 1h5"],
};

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** An element; functions among the attributes are listeners, strings among the children are text. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function icon(name, size = "") {
  const paths = ICONS[name].map((d) => fill(document.createElementNS(SVG, "path"), { d }, []));
  return fill(document.createElementNS(SVG, "svg"), { viewBox: "0 0 24 24", "aria-hidden": "true", class: size }, paths);
}

export function mark() {
  const rect = (attributes) => fill(document.createElementNS(SVG, "rect"), attributes, []);
  return fill(document.createElementNS(SVG, "svg"), { viewBox: "0 0 28 28", class: "mark", "aria-hidden": "true" }, [
    rect({ width: 28, height: 28, rx: 8 }), rect({ x: 7, y: 9, width: 7, height: 3.4, rx: 1.7 }),
    rect({ x: 9, y: 15.6, width: 12, height: 3.4, rx: 1.7 })]);
}

/** Somebody else's words: their direction is their own and cannot turn around what stands beside them. */
export function theirs(text, tag = "bdi") {
  return h(tag, { dir: "auto", class: "text" }, text);
}

/** At most `count` characters as a person counts them: a family emoji or a stack of marks is one. */
export function cut(text, count) {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= count) return line;
  const parts = Intl.Segmenter ? Array.from(new Intl.Segmenter().segment(line), (s) => s.segment) : Array.from(line);
  return parts.length <= count ? line : `${parts.slice(0, count).join("")}…`;
}

/** Hand a file to the person. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
