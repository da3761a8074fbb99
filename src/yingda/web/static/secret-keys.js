// Private keys, by the rules of yingda/conversations/masking/private_key.py.

const BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const XRP = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
const LENGTHS = [29, 31, 51, 52, 56, 58, 86, 87, 88, 111];
const HEX =
  /(?:0x)?(?:[0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{2,32}(?:[\s:-]{1,2}[0-9a-f]{2,32}){1,63})(?![0-9a-z])/g;
const MENTION =
  /(public[\s_-]{0,2}key|pubkey|\btx|txn|hash|transaction|transfer|order|block|address|contract|signature|交易|哈希|哈西|[订訂][单單]|[单單][号號]|[区區][块塊]|公[钥鑰]|地址|合[约約]|[签簽]名|[转轉][账賬帳])|((?:private|priv|secret|signing|wallet|master|spend)[\s_-]{0,2}key|privkey|keypair|secret|\bseed\b|\bpk\b|\bsk\b|\bkey\b|[私密秘金][钥鑰匙]|[种種]子)/g;
// PKCS #8 around the 32 bytes of an Ed25519 key (RFC 8410).
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/** Spans of private keys in a folded text. */
export async function spans({ plain, lower }) {
  const found = [...pemBlocks(lower), ...keyFiles(lower), ...hex(lower), ...numbers(lower)];
  for (const { index, 0: token } of plain.matchAll(/[0-9A-Za-z]+/g)) {
    if (LENGTHS.includes(token.length) && (await isKey(token))) found.push({ start: index, end: index + token.length });
  }
  found.push(...(await broken(plain)));
  return found.map((span) => ({ kind: "private_key", ...span }));
}

async function isKey(token) {
  const length = token.length;
  if (length === 29 || length === 31) {
    const seed = token[0] === "s" ? await base58check(token, XRP) : [];
    return (seed.length === 17 && seed[0] === 0x21) || (seed.length === 19 && seed[0] === 1 && seed[1] === 0xe1 && seed[2] === 0x4b);
  }
  if (length === 56) return isStellarSeed(token);
  if (length >= 86 && length <= 88) return isSolanaKey(base58(token, BITCOIN));
  const body = await base58check(token, BITCOIN);
  if (length === 111) return body.length === 78 && body[45] === 0;
  if (length === 58) return body.length === 39 && body[0] === 1 && (body[1] === 0x42 || body[1] === 0x43);
  return body.length === 33 || (body.length === 34 && body[33] === 1);
}

function base58(text, alphabet) {
  let number = 0n;
  for (const character of text) {
    const value = alphabet.indexOf(character);
    if (value < 0) return [];
    number = number * 58n + BigInt(value);
  }
  const digits = number ? number.toString(16) : "";
  const bytes = (digits.length % 2 ? `0${digits}` : digits).match(/../g) ?? [];
  const zeros = [...text].findIndex((character) => character !== alphabet[0]);
  return [...Array(zeros < 0 ? text.length : zeros).fill(0), ...bytes.map((byte) => parseInt(byte, 16))];
}

async function base58check(text, alphabet) {
  const data = base58(text, alphabet);
  const body = data.slice(0, -4);
  if (!body.length) return [];
  const once = await crypto.subtle.digest("SHA-256", Uint8Array.from(body));
  const twice = new Uint8Array(await crypto.subtle.digest("SHA-256", once));
  return data.slice(-4).every((byte, at) => byte === twice[at]) ? body : [];
}

function isStellarSeed(text) {
  if (!/^S[A-Z2-7]{55}$/.test(text)) return false;
  const bits = [...text].map((character) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(character).toString(2).padStart(5, "0")).join("");
  const data = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  let crc = 0;
  for (const byte of data.slice(0, -2)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return data[0] === 0x90 && data.at(-2) === (crc & 255) && data.at(-1) === crc >> 8;
}

/** Where the browser has no Ed25519 the server decides. */
async function isSolanaKey(data) {
  if (data.length !== 64) return false;
  try {
    const form = Uint8Array.from([...PKCS8, ...data.slice(0, 32)]);
    const key = await crypto.subtle.importKey("pkcs8", form, "Ed25519", true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", key);
    const base64 = btoa(String.fromCharCode(...data.slice(32)));
    return x === base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  } catch {
    return false;
  }
}

async function broken(plain) {
  const found = [];
  const pieces = [...plain.matchAll(/[0-9A-Za-z]{3,112}/g)].map((match) => ({ text: match[0], start: match.index, end: match.index + match[0].length }));
  let tries = 0;
  for (let first = 0; first < pieces.length && tries <= 400; first++) {
    let { text } = pieces[first];
    if (!/^[5KLc9xyztTs6S]/.test(text) || /^[a-z]+$/.test(text)) continue;
    for (let last = first + 1; last < pieces.length && text.length < 111; last++) {
      if (!/^[\s\-/|]{1,3}$/.test(plain.slice(pieces[last - 1].end, pieces[last].start))) break;
      text += pieces[last].text;
      if (!LENGTHS.includes(text.length)) continue;
      tries++;
      if (await isKey(text)) found.push({ start: pieces[first].start, end: pieces[last].end });
    }
  }
  return found;
}

function pemBlocks(lower) {
  const found = [];
  const begin = /-----begin [a-z0-9 ]{0,40}private key(?: block)?-----/g;
  for (let match = begin.exec(lower); match; match = begin.exec(lower)) {
    const end = /-----end [a-z0-9 ]{0,40}-----/g;
    end.lastIndex = begin.lastIndex;
    begin.lastIndex = end.exec(lower) ? end.lastIndex : lower.length;
    found.push({ start: match.index, end: begin.lastIndex });
  }
  return found;
}

function keyFiles(lower) {
  const found = [];
  let depth = 0;
  let start = 0;
  const close = (end) => {
    const text = lower.slice(start, end);
    if (text.includes("ciphertext") && text.includes("kdf")) found.push({ start, end });
  };
  for (const { index, 0: brace } of lower.matchAll(/[{}]/g)) {
    if (brace === "{" && depth++ === 0) start = index;
    if (brace === "}" && depth && --depth === 0) close(index + 1);
  }
  if (depth) close(lower.length);
  return found;
}

function hex(lower) {
  return [...lower.matchAll(HEX)]
    .map((match) => ({ start: match.index, end: match.index + match[0].length, digits: match[0].replace(/^0x/, "").replace(/[^0-9a-f]/g, "") }))
    .filter(({ start, end, digits }) => {
      const borders = !/[0-9a-z]/.test(lower[start - 1] ?? "");
      return borders && (digits.length === 64 || digits.length === 128) && speaksOfKey(lower, start, end);
    })
    .map(({ start, end }) => ({ start, end }));
}

function numbers(lower) {
  return [...lower.matchAll(/\[\s{0,4}[0-9]{1,3}(?:\s{0,4},\s{0,4}[0-9]{1,3}){31,63}\s{0,4}\]/g)]
    .map((match) => ({ start: match.index, end: match.index + match[0].length, values: match[0].match(/[0-9]+/g).map(Number) }))
    .filter(({ start, end, values }) => {
      const whole = values.length === 64 || (values.length === 32 && speaksOfKey(lower, start, end));
      return whole && Math.max(...values) < 256;
    })
    .map(({ start, end }) => ({ start, end }));
}

function speaksOfKey(lower, start, end) {
  const from = Math.max(0, start - 80);
  for (const match of [...lower.slice(from, start).matchAll(MENTION)].reverse()) {
    if (match[2]) return true;
    if (start - (from + match.index + match[0].length) <= 40) return false;
  }
  const behind = lower.slice(end, end + 24).split(/[.,;!?\n。，；！？]/, 1)[0];
  return Boolean([...behind.matchAll(MENTION)][0]?.[2]);
}
