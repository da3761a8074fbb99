// Seed phrases, by the rules of yingda/conversations/masking/seed_phrase.py, for the English and the Chinese lists.

const PHRASE_LENGTHS = [24, 21, 18, 15, 12];
const MENTION =
  /(?:seed|recover[yi]|backup|back-up|secret|restore|mnemonic|12|24|twelve|twenty.?four)[ _-]{0,2}(?:recovery )?(?:phrase|word)s?|mnemonics?|seeds?(?![a-z])|助[记記][词詞]|[恢復复]{1,2}[词詞]|恢[复復]短?[语語]|[种種]子|[备備]份[词詞]|[註注][记記][词詞]/g;
const WRITTEN_ON = /[^\u3400-\u9fff●]{0,6}(?:就?是|为|為|如下|有)?[^\u3400-\u9fff●]{0,6}([\u3400-\u9fff]{12,})/y;
const LABEL = /^(?:words?|number|no|nr|mot|palabra|parola|wort)$/;
const HAN = /[\u3400-\u9fff]+/g;
const UNITS = new Set("年月日时時分秒点點到元个個第号號天次至");

const loaded = {};
let englishList;

function lines(file) {
  loaded[file] ??= fetch(new URL(file, import.meta.url))
    .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(`${file}: ${answer.status}`))))
    .then((text) => text.trim().split("\n"))
    .catch((error) => {
      delete loaded[file];
      throw error;
    });
  return loaded[file];
}

/** The list is front-coded: each word as the count of letters it shares with the one before, and the rest. */
async function english() {
  if (englishList) return englishList;
  const [coded, common] = await lines("words-bip39-en.txt");
  const places = new Map();
  let word = "";
  let place = 0;
  for (const [, shared, rest] of coded.matchAll(/(\d)([a-z]+)/g)) {
    word = word.slice(0, shared) + rest;
    places.set(word, place);
    if (!places.has(word.slice(0, 4))) places.set(word.slice(0, 4), place);
    place++;
  }
  englishList = { places, common: new Set(common.split(" ")) };
  return englishList;
}

async function chinese(text) {
  const [simplified, everyday] = await lines("words-bip39-zh.txt");
  const places = new Map([...simplified].map((character, place) => [character, place]));
  if (text.some((group) => [...group].some((character) => !places.has(character)))) {
    const [traditional] = await lines("words-bip39-zh-hant.txt");
    [...traditional].forEach((character, place) => character !== "." && places.set(character, place));
  }
  return { places, common: UNITS, everyday: new Set(everyday.split(" ")) };
}

/** Spans of seed phrases in a folded text. The lists are fetched when enough words could be of them. */
export async function spans({ lower }) {
  const mentioned = [...lower.matchAll(MENTION)].slice(0, 30).map((match) => match.index + match[0].length);
  const found = [];
  const words = wordsIn(lower, /[a-z]+/g).filter((word) => !isLabel(lower, word));
  const isLong = words.some((word) => word.text.length >= 33);
  if (isLong || mayBeEnglish(words, mentioned.length > 0)) {
    const list = await english();
    for (const segment of segments(lower, words)) found.push(...(await windows(segment, list, mentioned)));
    found.push(...words.filter((word) => isJoined(word.text, list.places)));
  }
  const groups = wordsIn(lower, HAN);
  const letters = groups.reduce((sum, group) => sum + group.text.length, 0);
  if (letters >= (mentioned.length ? 5 : 10)) {
    const list = await chinese(groups.map((group) => group.text));
    for (const segment of segments(lower, groups)) {
      for (const run of runsOf(segment, (group) => group.text.length === 1)) found.push(...(await windows(run, list, mentioned)));
      found.push(...(await grouped(segment, list)));
    }
    for (const end of mentioned) found.push(...(await afterMention(lower, end, list)));
  }
  return found.map(({ start, end }) => ({ kind: "seed_phrase", start, end }));
}

function wordsIn(lower, pattern) {
  return [...lower.matchAll(pattern)].map((match) => ({ text: match[0], start: match.index, end: match.index + match[0].length }));
}

/** List words have 3 to 8 letters; sentences hold too many shorter ones to be worth a list. */
function mayBeEnglish(words, isMentioned) {
  const [least, size] = isMentioned ? [5, 5] : [10, 12];
  const fit = words.map(({ text }) => text.length > 2 && text.length < 9);
  return fit.some((_, start) => fit.slice(start, start + size).filter(Boolean).length >= least);
}

function isLabel(lower, { text, end }) {
  return /^(?:st|nd|rd|th)$/.test(text) || (LABEL.test(text) && /^[ .#_-]{0,3}[0-9]/.test(lower.slice(end, end + 4)));
}

function segments(lower, words) {
  const all = [];
  words.forEach((word, at) => {
    const gap = at ? lower.slice(words[at - 1].end, word.start) : "●";
    if (gap.length > 24 || gap.includes("●")) all.push([]);
    all.at(-1).push(word);
  });
  return all;
}

function runsOf(items, belongs) {
  const runs = [[]];
  for (const item of items) {
    if (belongs(item)) runs.at(-1).push(item);
    else if (runs.at(-1).length) runs.push([]);
  }
  return runs.filter((run) => run.length);
}

async function windows(words, { places, common }, mentioned) {
  const known = words.map((word) => places.has(word.text));
  const rare = words.map((word, at) => known[at] && !common.has(word.text));
  if (known.filter(Boolean).length < 5) return [];
  const found = [];
  const sure = words.map(() => false);
  for (const run of runsOf([...words.keys()], (at) => known[at])) {
    const indices = run.map((at) => places.get(words[at].text));
    const spokenOf = mentioned.length > 0 && mentioned[0] <= words[run.at(-1)].start;
    if (!(await containsValid(indices)) && !(spokenOf && run.filter((at) => rare[at]).length >= 5)) continue;
    const [before, after] = await chatter(run, indices, (at) => common.has(words[at].text));
    const phrase = run.slice(before, run.length - after);
    for (const at of phrase) sure[at] = true;
    found.push({ start: words[phrase[0]].start, end: words[phrase.at(-1)].end });
  }
  const size = Math.min(12, words.length);
  const count = (marks, start) => marks.slice(start, start + size).filter(Boolean).length;
  for (let start = 0; start + size <= words.length; start++) {
    if (count(known, start) < 10 || count(rare, start) < 8 || count(sure, start) >= 8) continue;
    const inside = words.slice(start, start + size).filter((word) => places.has(word.text));
    const distinct = new Set(inside.map((word) => word.text).filter((text) => !common.has(text)));
    if (distinct.size >= 7) found.push({ start: inside[0].start, end: inside.at(-1).end });
  }
  return found;
}

async function chatter(run, indices, isCommon) {
  for (let extra = 0; extra <= 4; extra++) {
    for (let before = 0; before <= extra; before++) {
      const stop = run.length - (extra - before);
      const everyday = [...run.slice(0, before), ...run.slice(Math.max(stop, 0))].every(isCommon);
      const inner = indices.slice(before, Math.max(stop, 0));
      if (everyday && PHRASE_LENGTHS.includes(inner.length) && (await checksumHolds(inner))) return [before, extra - before];
    }
  }
  return [0, 0];
}

async function containsValid(indices) {
  if (indices.length > 48) return true;
  for (const length of PHRASE_LENGTHS) {
    for (let start = 0; start + length <= indices.length; start++) {
      if (await checksumHolds(indices.slice(start, start + length))) return true;
    }
  }
  return false;
}

async function checksumHolds(indices) {
  const bits = indices.map((index) => index.toString(2).padStart(11, "0")).join("");
  const split = (bits.length * 32) / 33;
  const entropy = Uint8Array.from(bits.slice(0, split).match(/.{8}/g), (byte) => parseInt(byte, 2));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", entropy));
  return digest[0].toString(2).padStart(8, "0").startsWith(bits.slice(split));
}

function isJoined(text, places) {
  if (text.length < 33) return false;
  const counts = [0, ...Array(text.length).fill(-1)];
  counts.forEach((_, at) => {
    for (let length = 3; counts[at] >= 0 && length < 9; length++) {
      if (at + length < counts.length && places.has(text.slice(at, at + length))) {
        counts[at + length] = Math.max(counts[at + length], counts[at] + 1);
      }
    }
  });
  return counts.at(-1) >= 11;
}

async function grouped(groups, list) {
  const found = [];
  let tries = 0;
  for (let first = 0; first < groups.length && tries <= 600; first++) {
    const size = groups[first].text.length;
    let text = "";
    for (let last = first; size > 1 && last < groups.length; last++) {
      text += groups[last].text;
      if (text.length > 24 || [...groups[last].text].some((character) => !list.places.has(character))) break;
      if (PHRASE_LENGTHS.includes(text.length)) {
        tries++;
        if (await isHanPhrase(text, list)) found.push({ start: groups[first].start, end: groups[last].end });
      }
      const next = groups[last + 1];
      if (groups[last].text.length !== size || (next && next.start - groups[last].end > 6)) break;
    }
  }
  return found;
}

async function afterMention(lower, end, list) {
  WRITTEN_ON.lastIndex = end;
  const match = WRITTEN_ON.exec(lower);
  const found = [];
  for (const start of match ? new Set([WRITTEN_ON.lastIndex - match[1].length, end]) : []) {
    for (const length of PHRASE_LENGTHS) {
      const text = lower.slice(start, start + length);
      if (text.length === length && /^[\u3400-\u9fff]+$/.test(text) && (await isHanPhrase(text, list))) {
        found.push({ start, end: start + length });
      }
    }
  }
  return found;
}

async function isHanPhrase(text, { places, everyday }) {
  const ranks = [...text].map((character) => places.get(character));
  if (ranks.includes(undefined) || [...text].some((_, at) => everyday.has(text.slice(at, at + 2)))) return false;
  const sum = ranks.reduce((total, rank) => total + (rank < 100 ? -2 : rank < 256 ? -1 : rank < 512 ? 0 : 1), 0);
  return sum > -6 && checksumHolds(ranks);
}
