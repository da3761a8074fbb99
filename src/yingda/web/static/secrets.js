// Finds seed phrases, private keys and card numbers before they are sent. Loaded on need by the chat widget.
// The rules are those of yingda/conversations/masking, which explains them and has the last word on the server: there
// one-time codes, passwords and the lists of other languages follow. A test holds both sides to the same findings.
// What a message cannot hold is not loaded: a phrase takes twelve words of 3 to 8 letters, a card number thirteen digits …
const MASK = "●●●●";
const GRAVITY = ["seed_phrase", "private_key", "card"];
const ROUNDS_MAX = 5;

const RULES = [
  [mayHoldPhrase, () => import("./secret-phrases.js")],
  [mayHoldKey, () => import("./secret-keys.js")],
  [mayHoldCard, () => import("./secret-cards.js")],
];

const KEY_HINT = /private key|ciphertext|\[|[0-9a-z]{29}|[0-9a-f]{2}[\s:-]{1,2}[0-9a-f]{2}/;

function mayHoldPhrase({ lower }) {
  const words = (lower.match(/[a-z]+/g) ?? []).filter((word) => word.length > 2);
  return words.length > 4 || words.some((word) => word.length > 32) || (lower.match(/[\u3400-\u9fff]/g) ?? []).length > 4;
}

function mayHoldKey({ plain, lower }) {
  const mixed = (plain.match(/[0-9A-Za-z]{3,}/g) ?? []).filter((token) => /[0-9]/.test(token) && /[A-Za-z]/.test(token));
  return mixed.length > 2 || mixed.some((token) => token.length > 7) || KEY_HINT.test(lower);
}

function mayHoldCard({ lower }) {
  return /[0-9](?:[^0-9]{0,3}[0-9]){12}|cv[vcn]|csc|安全|三位/.test(lower);
}

/** Where secrets stand: [{kind, start, end}] in order, positions as JavaScript counts.
 * Rejects only when a rule or a word list cannot be loaded. */
export async function findSecrets(text) {
  return (await located(text)).map(({ kind, start, end }) => ({ kind, start, end }));
}

/** {text, kinds}: every secret replaced by ●●●●, of a card the last four digits kept. */
export async function maskSecrets(text) {
  const kinds = new Set();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const found = await located(text);
    if (!found.length) return { text, kinds: [...kinds] };
    let done = 0;
    let masked = "";
    for (const { kind, start, end, shown } of found) {
      kinds.add(kind);
      masked += text.slice(done, start) + MASK + shown.slice(-4);
      done = end;
    }
    text = masked + text.slice(done);
  }
  return { text: (await located(text)).length ? MASK : text, kinds: [...kinds] };
}

async function located(text) {
  const folded = fold(text);
  const rules = await Promise.all(RULES.filter(([needed]) => needed(folded)).map(([, load]) => load()));
  const spans = (await Promise.all(rules.map((rule) => rule.spans(folded)))).flat();
  spans.sort((a, b) => a.start - b.start || a.end - b.end);
  const merged = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (!last || span.start >= last.end) {
      merged.push({ shown: "", ...span });
      continue;
    }
    if (last.start !== span.start || last.end !== span.end) last.shown = "";
    last.end = Math.max(last.end, span.end);
    if (GRAVITY.indexOf(span.kind) < GRAVITY.indexOf(last.kind)) last.kind = span.kind;
  }
  return merged.map((span) => ({ ...span, start: folded.starts[span.start], end: folded.ends[span.end - 1] }));
}

/** One reading of the text: NFKD, without accents and invisible characters, every digit 0-9. */
function fold(text) {
  let plain = "";
  let lower = "";
  const starts = [];
  const ends = [];
  let at = 0;
  for (const character of text) {
    const piece = foldCharacter(character);
    for (let unit = 0; unit < piece.length; unit++) {
      starts.push(at);
      ends.push(at + character.length);
    }
    plain += piece;
    const small = piece.toLowerCase();
    lower += small.length === piece.length ? small : piece;
    at += character.length;
  }
  return { plain, lower, starts, ends };
}

function foldCharacter(character) {
  if (character <= "~") return character;
  if (/\p{Nd}/u.test(character)) {
    const code = character.codePointAt(0);
    const plain = character.normalize("NFKD");
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
    return /^[0-9]$/.test(plain) ? plain : String(code - zero);
  }
  if (character === "ı") return "i";
  const kept = character.normalize("NFKD").replace(/[\p{Cf}\p{Mn}\p{Me}]/gu, "");
  return [...kept].length <= 4 ? kept : character;
}
