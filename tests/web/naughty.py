"""Texts of the kinds that break pages: made here, one or more for each kind of trouble."""

from __future__ import annotations

RIGHT_TO_LEFT = [
    "\u202eexe.fdp",
    "\u2067مرحبا\u2069 abc",
    "שלום, מה קורה?",
    "ﷺ",
    "abc \u202e ABC \u202c def",
    "\u061cرقم 123",
    "العربية 123 English 中文",
]
JOINED = ["👨‍👩‍👧‍👦" * 5, "👩🏽‍🚀🏳️‍🌈👍🏿", "🇨🇳🇬🇧🇺🇳", "e\u0301 \u1e9b\u0323", "가각힣", "क्षत्रिय", "ก็้้้้้้้้้้", "🫱🏻‍🫲🏿", "1️⃣2️⃣"]
STACKED = ["Z\u0334\u031ba\u0335l\u0336g\u0337o\u0338" + "\u0300\u0301\u0302\u0303" * 8, "T\u0336\u0321\u032c" * 12]
INVISIBLE = [
    "\u200b\u200b",
    "\ufeffabc",
    "a\u00adb\u2060c",
    "\u3000全角空格\u3000",
    "\u115f\u1160\u3164",
    "x\u2028y\u2029z",
    "\u180e",
    "tab\there",
]
WIDTHS = ["Ａ１２３", "ﾊﾝｶｸ カナ", "𝒯𝓊𝓇𝓃 𝟙𝟚𝟛", "🅰️🅱️", "ⅷ ㊿ ㍿", "林 伟", "𠮷野家 𡃁", "㐀㐁㐂"]
WORDS_OF_MACHINES = [
    "null",
    "undefined",
    "NaN",
    "-1/0",
    "true",
    "[object Object]",
    "__proto__",
    "constructor",
    "0x7f",
    "1e1000",
    "None",
]
MARKUP = [
    "<script>document.title='pwned'</script>",
    "<img src=x onerror=document.title='pwned'>",
    "</textarea><svg onload=document.title='pwned'>",
    '"><b>bold</b>',
    "&lt;b&gt; &amp;amp; &#x1f4a3;",
    "<!--",
    "]]>",
    "<a href=javascript:document.title='pwned'>x</a>",
    "{{ 7 * 7 }} {% raw %}",
    "${7*7} #{7*7}",
]
COMMANDS = [
    "'; DROP TABLE lines; --",
    "' OR 1=1 --",
    "%s %d %n {0} {name}",
    "$(touch /tmp/pwned) `id`",
    "../../../../etc/passwd",
    "=1+1",
    "@SUM(A1)",
    "\\u0000 \\x00",
]
LONG = ["没有空格的很长很长的一句话" * 12, "Donaudampfschifffahrtsgesellschaft" * 6, "https://wallet.example/" + "a" * 200]

ALL = [*RIGHT_TO_LEFT, *JOINED, *STACKED, *INVISIBLE, *WIDTHS, *WORDS_OF_MACHINES, *MARKUP, *COMMANDS, *LONG]
