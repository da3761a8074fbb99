"""Secrets that only the words around them betray: one-time codes and passwords.

A code is 4 to 8 digits right behind (or right before) words that name a one-time code; a password is what stands right behind
the word and a sign or verb of equality. Complaints about them ("password is wrong", 验证码错误 1001, 密码忘记了) have no value in
that place and survive, as do order numbers, amounts and telephones, which no such word introduces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from yingda.conversations.masking.folding import Folded, Span
from yingda.conversations.masking.word_lists import REMARKS

# ASCII throughout: between a Chinese character and a Latin letter there is a word's border.
_CODE_WORD = (
    r"(?:\botp(?: ?code)?|\b(?:one|1)[ -]?time[ -]?(?:code|passcode|password|pin)"
    r"|\b(?:verification|verify|security|auth(?:entication|orization|enticator)?|confirmation|login|log-in|sign-?in"
    r"|sms|2fa|mfa|two-factor|text|access)[ -]?(?:code|passcode|pin)|\bpasscode"
    r"|[验驗][证證][码碼]|校[验驗][码碼]|[动動][态態](?:[码碼]|密[码碼]|口令)|短信[码碼]|[认認][证證][码碼]"
    r"|[确確][认認][码碼]|登[录錄][码碼]|一次性密[码碼]|谷歌[码碼])"
)
_QUOTE = r"\s\"'“”‘’「」『』《》()\[\]{}【】"
_EQUALS = rf"(?:[{_QUOTE}:=>\-*`#是为為]|\bis\b|\bwas\b){{0,8}}"
_DIGITS = (
    r"((?:[a-z]-)?(?:[0-9]{4,8}|[0-9]{3}[ -][0-9]{3}|[0-9]{2} [0-9]{2} [0-9]{2}"
    r"|[0-9]{4} [0-9]{4}|[0-9](?: [0-9]){3,7}))"
)
# A longer number, a decimal, a date, or a count of something.
_NO_MORE = (
    r"(?![0-9a-z●]|[.,:/-][0-9]|\s?(?:位|[个個]|分[钟鐘]|小[时時]|年|次|秒|天|元|[块塊]"
    r"|(?:digit|minute|hour|time)s?\b|usdt?\b))"
)
_CODE_AFTER = re.compile(_CODE_WORD + _EQUALS + _DIGITS + _NO_MORE, re.ASCII)
_CODE_BEFORE = re.compile(
    r"(?<![0-9a-z●.#:/-])" + _DIGITS + rf"[{_QUOTE},]{{0,3}}"
    r"(?:(?:is|was|as)\s(?:my|the|your|our)?\s{0,2}|(?:是|为|為)(?:[我你您]的)?|[(\[【「『])" + _CODE_WORD,
    re.ASCII,
)
_PLAIN_CODE = re.compile(
    r"\b(?:my|the|this|that|received|got) code(?: is|:| :|=| =)\s{0,3}([0-9]{3}[ -]?[0-9]{3})" + _NO_MORE, re.ASCII
)
_NAMED = r"(?:\b(?:password|passwd|passphrase|passcode|pass ?word|pwd)|密[码碼]|口令)"
_TOLD = re.compile(
    _NAMED + r"[\"'”’」』)]{0,2}\s{0,3}(?:(?P<sign>[:=]|->)|\b(?:is|was)\b|是|为|為)"
    r"[\s:]{0,3}[\"'“‘「『(【]{0,2}([!-~]{4,64})",
    re.ASCII,
)
_BESIDE = re.compile(_NAMED + r"\s{0,2}([!-~]{6,64})", re.ASCII)
_PIN = re.compile(r"\bpin(?: ?(?:code|number|码|碼))?" + _EQUALS + r"([0-9]{4,8})" + _NO_MORE, re.ASCII)
_NOT_A_SECRET = re.compile(r"https?:|www\.|\*|0x[0-9a-f]{40}|[0-9]{1,2}[-~][0-9]{1,2}$")
_ENDING = ".,;!?)]}\"'"


def spans(folded: Folded) -> Iterator[Span]:
    lower = folded.lower
    if not any(word in lower for word in _HINTS):
        return
    for pattern in (_CODE_AFTER, _CODE_BEFORE, _PLAIN_CODE):
        yield from (Span(match.start(1), match.end(1), "one_time_code") for match in pattern.finditer(lower))
    yield from (Span(match.start(1), match.end(1), "password") for match in _PIN.finditer(lower))
    for match in _TOLD.finditer(lower):
        value = match[2].rstrip(_ENDING)
        if _is_told(value, followed=lower[match.end() :], signed=match["sign"] is not None):
            yield Span(match.start(2), match.start(2) + len(value), "password")
    for match in _BESIDE.finditer(lower):
        value = match[1].rstrip(_ENDING)
        if any(character.isdigit() for character in value) and not _NOT_A_SECRET.match(value) and _is_beside(lower, match, value):
            yield Span(match.start(1), match.start(1) + len(value), "password")


_HINTS = ("pass", "pwd", "pin", "otp", "code", "码", "碼", "口令")


def _is_told(value: str, followed: str, signed: bool) -> bool:
    if len(value) < 4 or value in REMARKS or _NOT_A_SECRET.match(value):
        return False
    if not value.isalpha():
        return not value.replace("-", "").replace("'", "").replace("/", "").isalpha() or signed
    # Only letters: a word. After a sign it is the value; after "is" only where the sentence ends with it.
    return signed or not (followed.lstrip(" ")[:1].isalnum() or value.endswith(("ed", "ing")))


def _is_beside(lower: str, match: re.Match[str], value: str) -> bool:
    """No sign between: Chinese needs none, English needs a value that mixes letters and digits."""
    chinese = not lower[match.start() : match.start() + 1].isascii()
    if chinese:
        return value[0].isalnum() or value[0] in "@#$%"
    return lower[match.start(1) - 1].isspace() and any(character.isalpha() for character in value) and value.isalnum()
