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

from yingda.conversations.masking.checksums import iban, luhn
from yingda.conversations.masking.folding import Folded, Span

# (first prefix, last prefix, lengths)
_RANGES = (
    ("4", "4", (16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("81", "81", (16, 17, 18, 19)),
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("644", "649", (16, 17, 18, 19)),
    ("65", "65", (16, 17, 18, 19)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("300", "305", (14, 16)),  # Diners
    ("36", "36", (14, 16)),
    ("38", "39", (14, 16)),
    ("5018", "5018", (16, 17, 18, 19)),  # Maestro
    ("5020", "5020", (16, 17, 18, 19)),
    ("5038", "5038", (16, 17, 18, 19)),
    ("5893", "5893", (16, 17, 18, 19)),
    ("6304", "6304", (16, 17, 18, 19)),
    ("6759", "6759", (16, 17, 18, 19)),
    ("6761", "6763", (16, 17, 18, 19)),
)
_LENGTHS = range(13, 20)
_DIGITS = re.compile(r"[0-9]+")
_MANY_DIGITS = re.compile(r"[0-9](?:[^0-9]{0,3}[0-9]){12}")
_GAP = re.compile(r"[\s.\-_/·‐‑–—]{1,3}")
# Between a label and its number: a few signs and a verb, but no new clause.
_LINK = r"[^0-9a-z,，。;；●]{0,6}(?:is|was|是|为|為)?[^0-9a-z,，。;；●]{0,4}"
_CARD_LABEL = re.compile(
    r"(?:card(?: ?(?:number|no\.?|num|#))?|visa|master ?card|amex|\bpan"
    rf"|卡[号號]|[银銀]行卡|信用卡|借[记記]卡|[储儲]蓄卡){_LINK}$"
)
_REFERENCE_LABEL = re.compile(
    r"(?:order|ord|transaction|txn?|tx ?id|trade|reference|ref|invoice|inv|tracking|ticket|serial"
    r"|[订訂][单單]|[单單][号號]|流水|交易|[编編][号號]|[参參]考|商[户戶]|[运運][单單]|工[单單])"
    rf"(?: ?(?:number|no\.?|num|id|#))?(?:[号號码碼])?{_LINK}$"
)
_LABEL_CHARACTERS_MAX = 28
_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}[0-9]{2}(?: ?[a-z0-9]{1,4}){3,8}(?![a-z0-9])")
_CODE_OF_CARD = re.compile(
    r"(?:\bcvv2?|\bcvc2?|\bcvn2?|\bcsc|安全[码碼]|[后後背]三位)(?: ?(?:code|number|no\.?|码|碼))?"
    rf"{_LINK}([0-9]{{3,4}})(?![0-9a-z]|\s?(?:位|digit))"
)


def spans(folded: Folded) -> Iterator[Span]:
    lower = folded.lower
    if "cv" in lower or "csc" in lower or "安全" in lower or "三位" in lower:
        yield from (Span(match.start(1), match.end(1), "card") for match in _CODE_OF_CARD.finditer(lower))
    if _MANY_DIGITS.search(lower) is None:
        return
    groups = list(_DIGITS.finditer(lower))
    barred = [(match.start(), match.end()) for match in _IBAN.finditer(lower) if iban(match[0].replace(" ", "").upper())]
    first = 0
    while first < len(groups):
        last = _card_from(lower, groups, first)
        start, end = groups[first].start(), groups[last].end() if last is not None else 0
        if last is None or any(left < end and start < right for left, right in barred):
            first += 1
            continue
        yield Span(start, end, "card", "".join(group[0] for group in groups[first : last + 1]))
        first = last + 1


def _card_from(lower: str, groups: list[re.Match[str]], first: int) -> int | None:
    """The index of the group that ends the longest card number beginning with group `first`."""
    start, found, digits, last = groups[first].start(), None, groups[first][0], first
    if start and (lower[start - 1] in "+●" or _is_letter(lower[start - 1])):
        return None
    sizes = [len(digits)]
    while len(digits) < _LENGTHS.stop:
        attached = groups[last].end() < len(lower) and _is_letter(lower[groups[last].end()])
        if len(digits) in _LENGTHS and not attached and _is_even(sizes) and _is_card(lower, start, digits, len(sizes) > 1):
            found = last
        last += 1
        if attached or last == len(groups) or not _GAP.fullmatch(lower, groups[last - 1].end(), groups[last].start()):
            break
        digits += groups[last][0]
        sizes.append(len(groups[last][0]))
    return found


def _is_letter(character: str) -> bool:
    return "a" <= character <= "z"


def _is_even(sizes: list[int]) -> bool:
    """Whether groups are sized as people and cards write them: all alike but a last shorter or longer one, 4-6-…, 6-…"""
    if sizes[:2] == [4, 6] and len(sizes) == 3:
        return True
    if len(sizes) == 2:
        return sizes[0] in (4, 6, 8) and sizes[1] >= sizes[0]
    return len(set(sizes[:-1])) <= 1 and (len(sizes) < 2 or sizes[-1] <= max(sizes[0], 4) + 3)


def _is_card(lower: str, start: int, digits: str, grouped: bool) -> bool:
    before = lower[max(0, start - _LABEL_CHARACTERS_MAX) : start]
    in_range, valid = _in_range(digits), luhn(digits)
    if digits.count(digits[0]) == len(digits) or digits.endswith("0000000"):
        return False
    if _CARD_LABEL.search(before):
        return in_range or valid
    if not (in_range and valid) or _is_identity(digits):
        return False
    return grouped or _REFERENCE_LABEL.search(before) is None


def _in_range(digits: str) -> bool:
    return any(first <= digits[: len(first)] <= last and len(digits) in lengths for first, last, lengths in _RANGES)


def _is_identity(digits: str) -> bool:
    """A Chinese identity number: 18 digits with the date of birth in the middle."""
    if len(digits) != 18:
        return False
    try:
        return 1900 <= date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14])).year < 2100
    except ValueError:
        return False
