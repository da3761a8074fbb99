"""Secrets are caught at the door: seed phrases, private keys, card numbers, one-time codes and passwords.

Every text a customer can supply (messages, file names, display names, subjects) passes through `mask` before anything
readable is stored. The rules, and what each deliberately lets through, stand in `yingda.conversations.masking`;
`web/static/secrets.js` follows the same rules in the browser for phrases, keys and cards.
"""

from __future__ import annotations

from typing import NamedTuple

from yingda.conversations.masking import card, private_key, seed_phrase, spoken
from yingda.conversations.masking.folding import MASK, Folded, Span, fold

# Each round removes characters and puts none back that a rule can read, so rounds end by themselves; two are usual.
# A text built so that every round uncovers one more secret is answered by masking all of it, which bounds the work.
_ROUNDS_MAX = 5
_CARD_DIGITS_KEPT = 4


class Found(NamedTuple):
    """One secret. `kind` is seed_phrase, private_key, card, one_time_code or password; `[start, end)` index the text given."""

    kind: str
    start: int
    end: int


class Masked(NamedTuple):
    """`text` without its secrets, and the kinds that were in it, each once, in the order of their first appearance."""

    text: str
    kinds: tuple[str, ...]


def find(text: str) -> list[Found]:
    """Where secrets stand in `text`, in order and never overlapping; of kinds that overlap the gravest names the whole.

    Takes any text and never raises. Time grows in proportion to the length: below 20 ms for 10,000 characters.
    """
    return [Found(span.kind, start, end) for span, start, end in _located(fold(text))]


def mask(text: str) -> Masked:
    """Replace each secret by `●●●●`; of a card number the last four digits stay, so that a person can still help.

    Masking masked text changes nothing. Four digits are what PCI DSS allows to be shown (first six and last four at most).
    """
    kinds: dict[str, None] = {}
    for _ in range(_ROUNDS_MAX):
        folded = fold(text)
        located = _located(folded)
        if not located:
            return Masked(text, tuple(kinds))
        kinds.update((span.kind, None) for span, _, _ in located)
        text = _replaced(folded, located)
    if not find(text):
        return Masked(text, tuple(kinds))
    return Masked(MASK, tuple(kinds))


def _located(folded: Folded) -> list[tuple[Span, int, int]]:
    spans = [
        *seed_phrase.spans(folded),
        *private_key.spans(folded),
        *card.spans(folded),
        *spoken.spans(folded),
    ]
    return [(span, *folded.original_range(span.start, span.end)) for span in _merged(spans)] if spans else []


_GRAVITY = {kind: rank for rank, kind in enumerate(("seed_phrase", "private_key", "card", "one_time_code", "password"))}


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            kind = min(last.kind, span.kind, key=_GRAVITY.__getitem__)
            # A card that overlaps something else keeps no digits: what they belong to is no longer certain.
            shown = last.shown if (last.start, last.end) == (span.start, span.end) else ""
            merged[-1] = Span(last.start, max(last.end, span.end), kind, shown)
        else:
            merged.append(span)
    return merged


def _replaced(folded: Folded, located: list[tuple[Span, int, int]]) -> str:
    parts, done = [], 0
    for span, start, end in located:
        parts += [folded.original[done:start], MASK, span.shown[-_CARD_DIGITS_KEPT:]]
        done = end
    return "".join([*parts, folded.original[done:]])
