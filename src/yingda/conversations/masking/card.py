"""Payment card numbers: 13 to 19 digits, a known issuer range of the right length, Luhn.

Digits may stand together or in even groups (4-4-4-4, 4-6-5, 6-13, single digits …). A number survives when it is labelled
as an order or transaction, has letters attached (hashes, references), belongs to a valid IBAN or a Chinese identity
number, starts with `+` (telephones), or ends in seven zeros (amounts in a token's smallest unit). Where the text says
"card number" or 卡号 right before it, Luhn alone, or range and length alone (a typing error), is enough.
Ranges: ISO/IEC 7812 prefixes as the networks publish them; unlabelled 13-digit numbers are left, they are mostly telephones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import islice, pairwise

from yingda.conversations.masking.checksums import iban, luhn
from yingda.conversations.masking.folding import Folded, Span

_LONG = (16, 17, 18, 19)
# (first prefix, last prefix, lengths)
_RANGES = (
    ("4", "4", (16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("62", "62", _LONG),  # UnionPay
    ("81", "81", _LONG),
    ("6011", "6011", _LONG),  # Discover
    ("644", "649", _LONG),
    ("65", "65", _LONG),
    ("3528", "3589", _LONG),  # JCB
    ("300", "305", (14, 16)),  # Diners
    ("36", "36", (14, 16)),
    ("38", "39", (14, 16)),
    ("5018", "5018", _LONG),  # Maestro
    ("5020", "5020", _LONG),
    ("5038", "5038", _LONG),
    ("5893", "5893", _LONG),
    ("6304", "6304", _LONG),
    ("6759", "6759", _LONG),
    ("6761", "6763", _LONG),
)
_BY_FIRST_DIGIT = {digit: [row for row in _RANGES if row[0][0] == digit] for digit in "0123456789"}
_LENGTHS = range(13, 20)
_DIGITS = re.compile(r"[0-9]+")
_MANY_DIGITS = re.compile(r"[0-9](?:[^0-9]{0,3}[0-9]){12}")
_GAP = re.compile(r"[\s.\-_/·‐‑–—]{1,3}")
# Between a label and its number: a few signs and a verb, but no new clause.
_LINK = r"[^0-9a-z,，。;；●]{0,6}(?:is|was|是|为|為)?[^0-9a-z,，。;；●]{0,4}"
_CARD_LABEL = re.compile(
    r"(?:card(?: ?(?:number|no\.?|num|#))?|visa|master ?card|amex|\bpan"
    rf"|卡[号號]|[银銀]行卡|信用卡|借[记記]卡|[储儲]蓄卡){_LINK}$",
    re.ASCII,
)
_REFERENCE_LABEL = re.compile(
    r"(?:order|ord|transaction|txn?|tx ?id|trade|reference|ref|invoice|inv|tracking|ticket|serial"
    r"|[订訂][单單]|[单單][号號]|流水|交易|[编編][号號]|[参參]考|商[户戶]|[运運][单單]|工[单單])"
    rf"(?: ?(?:number|no\.?|num|id|#))?(?:[号號码碼])?{_LINK}$",
    re.ASCII,
)
_LABEL_CHARACTERS_MAX = 28
_CARD_HINTS = ("card", "卡", "visa", "amex", "pan")
_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}[0-9]{2}(?: ?[a-z0-9]){11,30}")
_STARTS_MAX = 1000  # numbers after which a text of nothing but digits is no longer searched
_CODE_OF_CARD = re.compile(
    r"(?:\bcvv2?|\bcvc2?|\bcvn2?|\bcsc|安全[码碼]|[后後背]三位)(?: ?(?:code|number|no\.?|码|碼))?"
    rf"{_LINK}([0-9]{{3,4}})(?![0-9a-z]|\s?(?:位|digit))",
    re.ASCII,
)


def spans(folded: Folded) -> Iterator[Span]:
    lower = folded.lower
    if "cv" in lower or "csc" in lower or "安全" in lower or "三位" in lower:
        yield from (Span(match.start(1), match.end(1), "card") for match in _CODE_OF_CARD.finditer(lower))
    if _MANY_DIGITS.search(lower) is None:
        return
    found = list(_numbers(lower))
    barred = _ibans(lower) if found else []
    yield from (span for span in found if not any(left < span.end and span.start < right for left, right in barred))


def _numbers(lower: str) -> Iterator[Span]:
    groups = list(islice(_DIGITS.finditer(lower), _STARTS_MAX))
    labelled = any(hint in lower for hint in _CARD_HINTS)
    joined = [_GAP.fullmatch(lower, left.end(), right.start()) is not None for left, right in pairwise(groups)] + [False]
    first = 0
    while first < len(groups):
        start, last = groups[first].start(), None
        free = start == 0 or not (lower[start - 1] in "+●" or _is_letter(lower[start - 1]))
        if free and (labelled or _BY_FIRST_DIGIT[groups[first][0][0]]):
            last = _last_group(lower, groups, joined, first)
        if last is not None:
            digits = "".join(group[0] for group in groups[first : last + 1])
            yield Span(start, groups[last].end(), "card", digits)
        first = first + 1 if last is None else last + 1


def _last_group(lower: str, groups: list[re.Match[str]], joined: list[bool], first: int) -> int | None:
    """The index of the group that ends the longest card number beginning with group `first`."""
    found, digits, sizes = None, "", list[int]()
    for last in range(first, len(groups)):
        group = groups[last]
        digits += group[0]
        if len(digits) >= _LENGTHS.stop:
            break
        sizes.append(len(group[0]))
        attached = _is_letter(lower[group.end() : group.end() + 1])
        whole = len(digits) in _LENGTHS and not attached and _is_even(sizes)
        if whole and _is_card(lower, groups[first].start(), digits, len(sizes) > 1):
            found = last
        if attached or not joined[last]:
            break
    return found


def _ibans(lower: str) -> list[tuple[int, int]]:
    """Where valid IBANs stand; each match is tried up to every end of a group, for words may follow."""
    places = []
    for match in _IBAN.finditer(lower):
        text = f"{match[0]} "
        for end in (at for at, character in enumerate(text) if character == " "):
            if iban(text[:end].replace(" ", "").upper()):
                places.append((match.start(), match.start() + end))
    return places


def _is_letter(character: str) -> bool:
    return "a" <= character <= "z"  # of nothing, too: past the end there is no letter


def _is_even(sizes: list[int]) -> bool:
    """Whether groups are sized as people and cards write them: all alike but a last shorter or longer one, 4-6-…, 6-…"""
    if len(sizes) < 3:
        return len(sizes) < 2 or (sizes[0] in (4, 6, 8) and sizes[1] >= sizes[0])
    if sizes[:2] == [4, 6]:
        return len(sizes) == 3
    return sizes.count(sizes[0]) >= len(sizes) - 1 and sizes[0] == sizes[-2] and sizes[-1] <= max(sizes[0], 4) + 3


def _is_card(lower: str, start: int, digits: str, grouped: bool) -> bool:
    in_range, valid = len(digits) in _lengths(digits), luhn(digits)
    if not (in_range or valid) or len(set(digits)) == 1 or digits.endswith("0000000"):
        return False
    before = lower[max(0, start - _LABEL_CHARACTERS_MAX) : start]
    if _CARD_LABEL.search(before):
        return True
    if not (in_range and valid) or _is_identity(digits):
        return False
    return grouped or _REFERENCE_LABEL.search(before) is None


def _lengths(digits: str) -> tuple[int, ...]:
    """The lengths that cards beginning like `digits` may have; empty when no issuer begins so."""
    for first, last, lengths in _BY_FIRST_DIGIT[digits[0]]:
        if first <= digits[: len(first)] <= last:
            return lengths
    return ()


def _is_identity(digits: str) -> bool:
    """A Chinese identity number: 18 digits with the date of birth in the middle."""
    if len(digits) != 18:
        return False
    try:
        return 1900 <= date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14])).year < 2100
    except ValueError:
        return False
