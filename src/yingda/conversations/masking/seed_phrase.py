"""Seed phrases: BIP-39 words of every list the `mnemonic` package ships, in any layout a person may write them.

Rules, and why:

* **Words** (all lists but the Chinese). Among 12 words in a row at least 10 of one list, of which at least 8 are not
  everyday words (`COMMON`), are a phrase. The checksum is *not* asked for: a phrase with two typing errors, one of
  Electrum and one of TON are as dangerous, and ordinary sentences do not come near. A run whose checksum is right is a
  phrase even if made of everyday words. After the mention of a recovery phrase, 5 uncommon list words in a row are enough.
* **Chinese characters standing alone** (separated by anything): the same count.
* **Chinese characters standing together**: one in sixteen twelve-character sentences would pass the checksum by chance, and
  the list holds 98 % of the characters of ordinary questions. So a stretch counts when it stands by itself (between
  borders: punctuation, spaces, ends of the text), has exactly a phrase's length, a right checksum, and looks drawn: no
  everyday word of two characters in it, and not the ranks of prose (the list is sorted by frequency; a phrase draws
  from it evenly, prose from its top). Right behind the mention of a recovery phrase it may run on into further words.

Not caught: one phrase spread over several messages, unspaced Japanese, words translated or described.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, islice
from typing import NamedTuple

from yingda.conversations.masking.folding import BARRIER, Folded, Span
from yingda.conversations.masking.word_lists import (
    ALPHABETIC,
    COMMON,
    ENGLISH,
    EVERY_WORD,
    EVERYDAY_HAN,
    HAN,
    PHRASE_LENGTHS,
    checksum_holds,
    contains_valid,
)

# Latin, Cyrillic, hiragana, and Hangul taken apart by NFKD.
_WORD = re.compile("[a-z]+|[\u0430-\u045f]+|[\u3041-\u309f]+|[\u1100-\u11ff]+")
_HAN = re.compile("[\u3400-\u9fff]+")
_LABELS = frozenset(("word", "words", "number", "no", "nr", "mot", "palabra", "parola", "wort"))
_NUMBERED = re.compile(r"[ .#_-]{0,3}[0-9]")
_ORDINALS = frozenset(("st", "nd", "rd", "th"))
_MENTION = re.compile(
    r"(?:seed|recover[yi]|backup|back-up|secret|restore|mnemonic|12|24|twelve|twenty.?four)[ _-]{0,2}"
    r"(?:recovery )?(?:phrase|word)s?|mnemonics?|seeds?(?![a-z])"
    "|助[记記][词詞]|[恢復复]{1,2}[词詞]|恢[复復]短?[语語]|[种種]子|[备備]份[词詞]|[註注][记記][词詞]"
)
_WRITTEN_ON = re.compile("[^\u3400-\u9fff●]{0,6}(?:就?是|为|為|如下|有)?[^\u3400-\u9fff●]{0,6}([\u3400-\u9fff]{12,})")
_HINTS = ("seed", "phrase", "word", "mnemonic", "词", "詞", "语", "語", "子", "份")
_MENTIONS_MAX, _TRIES_MAX = 30, 600  # bounds the work on a text of nothing but mentions or groups
_GAP_CHARACTERS_MAX, _GROUP_GAP_CHARACTERS_MAX = 24, 6
_WINDOW, _HITS_MIN, _UNCOMMON_MIN, _DISTINCT_MIN, _MENTIONED_MIN = 12, 10, 8, 7, 5
_CHATTER_WORDS_MAX = 4
_RANK_SUM_MIN = -6
_JOINED_LETTERS_MIN, _JOINED_WORDS_MIN = 33, 11
_WORD_LETTERS = range(3, 9)  # shortest and longest word of the English list


class _Word(NamedTuple):
    text: str
    start: int
    end: int


def spans(folded: Folded) -> Iterator[Span]:
    lower = folded.lower
    mentioned = []
    if any(hint in lower for hint in _HINTS):
        mentioned = [match.end() for match in islice(_MENTION.finditer(lower), _MENTIONS_MAX)]
    # Counting first: nearly every message ends here.
    texts = _WORD.findall(lower)
    if sum(map(EVERY_WORD.__contains__, texts)) >= (_MENTIONED_MIN if mentioned else _HITS_MIN):
        words = [_Word(match[0], match.start(), match.end()) for match in _WORD.finditer(lower)]
        for segment in _segments(lower, [word for word in words if not _is_label(lower, word)]):
            for indices in ALPHABETIC.values():
                yield from _windows(segment, indices, mentioned)
    if any(len(text) >= _JOINED_LETTERS_MIN for text in texts):
        yield from _joined(lower)
    if not lower.isascii():
        han = [_Word(match[0], match.start(), match.end()) for match in _HAN.finditer(lower)]
        yield from _han_spans(lower, han, mentioned)


def _han_spans(lower: str, groups: list[_Word], mentioned: list[int]) -> Iterator[Span]:
    for segment in _segments(lower, groups):
        if sum(len(group.text) == 1 for group in segment) >= _MENTIONED_MIN:
            for single, run in groupby(segment, key=lambda group: len(group.text) == 1):
                if single:
                    yield from _windows(list(run), HAN, mentioned)
        yield from _grouped(segment)
    for end in mentioned:
        yield from _after_mention(lower, end)


def _is_label(lower: str, word: _Word) -> bool:
    """`word 3: …`, `3rd …`: part of the numbering."""
    if word.text in _ORDINALS:
        return True
    return word.text in _LABELS and _NUMBERED.match(lower, word.end) is not None


def _segments(lower: str, words: list[_Word]) -> Iterator[list[_Word]]:
    segment: list[_Word] = []
    for word in words:
        if segment and (
            word.start - segment[-1].end > _GAP_CHARACTERS_MAX or lower.find(BARRIER, segment[-1].end, word.start) >= 0
        ):
            yield segment
            segment = []
        segment.append(word)
    if segment:
        yield segment


def _windows(words: list[_Word], indices: dict[str, int], mentioned: list[int]) -> Iterator[Span]:
    """Stretches dense with words of one list, from their first list word to their last."""
    places = [indices.get(word.text) for word in words]
    if len(places) - places.count(None) < _MENTIONED_MIN:
        return
    certain = [0] * len(words)
    for start, end in _runs(words, places, mentioned):
        certain[start:end] = [1] * (end - start)
        yield Span(words[start].start, words[end - 1].end, "seed_phrase")
    known = [place is not None for place in places]
    uncommon = [place is not None and word.text not in COMMON for word, place in zip(words, places, strict=True)]
    size = min(_WINDOW, len(words))
    hits, rare, sure = (_sums(marks, size) for marks in (known, uncommon, certain))
    for start in range(len(hits)):
        # A window that lies mostly on a certain phrase would only add the chatter beside it.
        if hits[start] >= _HITS_MIN and rare[start] >= _UNCOMMON_MIN and sure[start] < _UNCOMMON_MIN:
            inside = [
                word for word, is_known in zip(words[start : start + size], known[start : start + size], strict=True) if is_known
            ]
            if len({word.text for word in inside} - COMMON) >= _DISTINCT_MIN:
                yield Span(inside[0].start, inside[-1].end, "seed_phrase")


def _sums(marks: Sequence[int], size: int) -> list[int]:
    totals = [0, *accumulate(marks)]
    return [totals[start + size] - totals[start] for start in range(len(marks) - size + 1)]


def _runs(words: list[_Word], places: list[int | None], mentioned: list[int]) -> Iterator[tuple[int, int]]:
    """Unbroken runs of list words: with a right checksum, or a few uncommon ones where a phrase is spoken of."""
    start = 0
    for end in range(len(words) + 1):
        if end < len(words) and places[end] is not None:
            continue
        run = [place for place in places[start:end] if place is not None]
        spoken_of = bool(mentioned) and end > start and mentioned[0] <= words[end - 1].start
        if (len(run) >= PHRASE_LENGTHS[-1] and contains_valid(run)) or (
            spoken_of and sum(word.text not in COMMON for word in words[start:end]) >= _MENTIONED_MIN
        ):
            before, after = _chatter(words[start:end], run)
            yield start + before, end - after
        start = end + 1


def _chatter(words: list[_Word], run: list[int]) -> tuple[int, int]:
    """How many everyday words before and after are no part of the phrase: those without which the checksum is right."""
    for extra in range(_CHATTER_WORDS_MAX + 1):
        for before in range(extra + 1):
            inner = slice(before, len(run) - (extra - before))
            outer = words[: inner.start] + words[inner.stop :]
            everyday = all(word.text in COMMON for word in outer)
            if everyday and len(run[inner]) in PHRASE_LENGTHS and checksum_holds(run[inner]):
                return before, extra - before
    return 0, 0


def _joined(lower: str) -> Iterator[Span]:
    """`abandonabilityable…`: one long token that falls apart into English list words and nothing else."""
    for match in _WORD.finditer(lower):
        text = match[0]
        if len(text) < _JOINED_LETTERS_MIN:
            continue
        counts = [0] + [-1] * len(text)
        for at, count in enumerate(counts):
            for length in _WORD_LETTERS if count >= 0 else ():
                if at + length < len(counts) and text[at : at + length] in ENGLISH:
                    counts[at + length] = max(counts[at + length], count + 1)
        if counts[-1] >= _JOINED_WORDS_MIN:
            yield Span(match.start(), match.end(), "seed_phrase")


def _grouped(groups: list[_Word]) -> Iterator[Span]:
    """Chinese characters in one group, or in equal groups (of four, say, the last perhaps shorter), bordered on both sides."""
    listed = [all(map(HAN.__contains__, group.text)) for group in groups]
    tries = 0
    for first, group in enumerate(groups):
        size, text = len(group.text), ""
        if size < 2 or tries > _TRIES_MAX:
            continue
        for last in range(first, len(groups)):
            text += groups[last].text
            if len(text) > PHRASE_LENGTHS[0] or not listed[last]:
                break
            if len(text) in PHRASE_LENGTHS:
                tries += 1
                if _is_han_phrase(text):
                    yield Span(group.start, groups[last].end, "seed_phrase")
            if len(groups[last].text) != size or (groups[last + 1 : last + 2] and _is_apart(groups[last], groups[last + 1])):
                break


def _is_apart(left: _Word, right: _Word) -> bool:
    return right.start - left.end > _GROUP_GAP_CHARACTERS_MAX


def _after_mention(lower: str, end: int) -> Iterator[Span]:
    """`我的助记词是…`: a phrase written on without any border; the ranks tell it from a sentence."""
    match = _WRITTEN_ON.match(lower, end)
    if match is None:
        return
    for start in {match.start(1), end}:
        for length in PHRASE_LENGTHS:
            text = lower[start : start + length]
            if len(text) == length and _HAN.fullmatch(text) and _is_han_phrase(text):
                yield Span(start, start + length, "seed_phrase")


def _is_han_phrase(text: str) -> bool:
    places = [HAN[character] for character in text if character in HAN]
    return len(places) == len(text) and _looks_drawn(text, places) and checksum_holds(places)


def _looks_drawn(text: str, places: list[int]) -> bool:
    """Whether chance made `text`: no everyday word in it, and ranks not those of prose.

    A drawn phrase holds one of these words once in 3,000 times, a sentence nearly always. The weights are rounded
    log-likelihood ratios by rank; together they miss one drawn phrase in 1,000 and let one prose stretch in 14 through,
    of which the checksum then refuses 15 in 16.
    """
    if any(text[at : at + 2] in EVERYDAY_HAN for at in range(len(text) - 1)):
        return False
    return sum(-2 if place < 100 else -1 if place < 256 else 0 if place < 512 else 1 for place in places) > _RANK_SUM_MIN
