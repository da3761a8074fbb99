// Card numbers, by the rules of yingda/conversations/masking/card.py.

const LONG = [16, 17, 18, 19];
const RANGES = [
  ["4", "4", [16, 19]], ["51", "55", [16]], ["2221", "2720", [16]], ["34", "34", [15]], ["37", "37", [15]], ["62", "62", LONG],
  ["81", "81", LONG], ["6011", "6011", LONG], ["644", "649", LONG], ["65", "65", LONG], ["3528", "3589", LONG],
  ["300", "305", [14, 16]], ["36", "36", [14, 16]], ["38", "39", [14, 16]], ["5018", "5018", LONG], ["5020", "5020", LONG],
  ["5038", "5038", LONG], ["5893", "5893", LONG], ["6304", "6304", LONG], ["6759", "6759", LONG], ["6761", "6763", LONG],
];
const CARD_LABEL =
  /(?:card(?: ?(?:number|no\.?|num|#))?|visa|master ?card|amex|\bpan|卡[号號]|[银銀]行卡|信用卡|借[记記]卡|[储儲]蓄卡)[^0-9a-z,，。;；●]{0,6}(?:is|was|是|为|為)?[^0-9a-z,，。;；●]{0,4}$/;
const REFERENCE_LABEL =
  /(?:order|ord|transaction|txn?|tx ?id|trade|reference|ref|invoice|inv|tracking|ticket|serial|[订訂][单單]|[单單][号號]|流水|交易|[编編][号號]|[参參]考|商[户戶]|[运運][单單]|工[单單])(?: ?(?:number|no\.?|num|id|#))?(?:[号號码碼])?[^0-9a-z,，。;；●]{0,6}(?:is|was|是|为|為)?[^0-9a-z,，。;；●]{0,4}$/;
const CODE_OF_CARD =
  /(?:\bcvv2?|\bcvc2?|\bcvn2?|\bcsc|安全[码碼]|[后後背]三位)(?: ?(?:code|number|no\.?|码|碼))?[^0-9a-z,，。;；●]{0,6}(?:is|was|是|为|為)?[^0-9a-z,，。;；●]{0,4}([0-9]{3,4})(?![0-9a-z]|\s?(?:位|digit))/g;

/** Spans of card numbers and their security codes in a folded text; `shown` are the digits of a number. */
export function spans({ lower }) {
  const found = [...lower.matchAll(CODE_OF_CARD)].map((match) => {
    const end = match.index + match[0].length;
    return { kind: "card", start: end - match[1].length, end };
  });
  if (!/[0-9](?:[^0-9]{0,3}[0-9]){12}/.test(lower)) return found;
  const numbers = cardNumbers(lower);
  const barred = numbers.length ? ibans(lower) : [];
  return [...found, ...numbers.filter((span) => !barred.some(([left, right]) => left < span.end && span.start < right))];
}

function cardNumbers(lower) {
  const groups = [...lower.matchAll(/[0-9]+/g)].slice(0, 1000).map(({ 0: text, index }) => ({ text, start: index, end: index + text.length }));
  const found = [];
  for (let first = 0; first < groups.length; first++) {
    const last = /[a-z+●]/.test(lower[groups[first].start - 1] ?? "") ? -1 : lastGroup(lower, groups, first);
    if (last < 0) continue;
    const shown = groups.slice(first, last + 1).map((group) => group.text).join("");
    found.push({ kind: "card", start: groups[first].start, end: groups[last].end, shown });
    first = last;
  }
  return found;
}

function lastGroup(lower, groups, first) {
  let found = -1;
  let digits = "";
  const sizes = [];
  for (let last = first; last < groups.length; last++) {
    const group = groups[last];
    digits += group.text;
    if (digits.length > 19) break;
    sizes.push(group.text.length);
    const attached = /[a-z]/.test(lower[group.end] ?? "");
    if (digits.length > 12 && !attached && isEven(sizes) && isCard(lower, groups[first].start, digits, sizes.length > 1)) found = last;
    const next = groups[last + 1];
    if (attached || !next || !/^[\s.\-_/·‐‑–—]{1,3}$/.test(lower.slice(group.end, next.start))) break;
  }
  return found;
}

function isEven(sizes) {
  const [first, second] = sizes;
  if (sizes.length < 3) return sizes.length < 2 || ([4, 6, 8].includes(first) && second >= first);
  if (first === 4 && second === 6) return sizes.length === 3;
  return sizes.slice(0, -1).every((size) => size === first) && sizes.at(-1) <= Math.max(first, 4) + 3;
}

function isCard(lower, start, digits, inGroups) {
  const range = RANGES.find(([low, high]) => low <= digits.slice(0, low.length) && digits.slice(0, low.length) <= high);
  const inRange = range !== undefined && range[2].includes(digits.length);
  const valid = luhn(digits);
  if (!(inRange || valid) || new Set(digits).size === 1 || digits.endsWith("0000000")) return false;
  const before = lower.slice(Math.max(0, start - 28), start);
  if (CARD_LABEL.test(before)) return true;
  if (!(inRange && valid) || isIdentity(digits)) return false;
  return inGroups || !REFERENCE_LABEL.test(before);
}

function luhn(digits) {
  const values = [...digits].reverse().map((digit, at) => (at % 2 ? digit * 2 - (digit > 4 ? 9 : 0) : Number(digit)));
  return values.reduce((sum, value) => sum + value, 0) % 10 === 0;
}

function isIdentity(digits) {
  if (digits.length !== 18) return false;
  const [year, month, day] = [digits.slice(6, 10), digits.slice(10, 12), digits.slice(12, 14)].map(Number);
  const born = new Date(Date.UTC(year, month - 1, day));
  return year >= 1900 && year < 2100 && born.getUTCMonth() === month - 1 && born.getUTCDate() === day;
}

function ibans(lower) {
  const places = [];
  for (const match of lower.matchAll(/[a-z]{2}[0-9]{2}(?: ?[a-z0-9]){11,30}/g)) {
    if (/[a-z0-9]/.test(lower[match.index - 1] ?? "")) continue;
    for (const space of `${match[0]} `.matchAll(/ /g)) {
      const text = match[0].slice(0, space.index).replaceAll(" ", "");
      const number = [...text.slice(4), ...text.slice(0, 4)].map((character) => parseInt(character, 36)).join("");
      const whole = text.length >= 15 && text.length <= 34;
      if (whole && BigInt(number) % 97n === 1n) places.push([match.index, match.index + space.index]);
    }
  }
  return places;
}
