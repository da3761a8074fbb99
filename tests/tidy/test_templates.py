"""The pages live under a strict Content-Security-Policy: no inline script, no inline style, no HTML put together in scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.tidy.source import WEB, below, none_of, own_scripts, place, read

TEMPLATES = (".html", ".jinja", ".j2", ".svg")
COMMENT = re.compile(r"\{#.*?#\}|<!--.*?-->", re.DOTALL)
EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
INLINE = {
    "inline script": re.compile(r"<script(?![^>]*\bsrc\s*=)[^>]*>", re.IGNORECASE),
    "inline style element": re.compile(r"<style\b", re.IGNORECASE),
    "style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "script address": re.compile(r"javascript:", re.IGNORECASE),
    "htmx event attribute": re.compile(r"<[^>]*\shx-on\b", re.IGNORECASE),
}
# `|safe` switches escaping off for whatever a customer wrote.
UNESCAPED = re.compile(r"\{\{[^}]*\|\s*safe\b|\{%-?\s*autoescape\s+false")
SCRIPTED = {
    "HTML from text": re.compile(r"\.(?:innerHTML|outerHTML)\s*\+?=(?!=)|\.insertAdjacentHTML\s*\(|document\.write\s*\("),
    "code from text": re.compile(r"\beval\s*\(|\bnew\s+Function\s*\("),
    "a token left behind": re.compile(r"\b(?:localStorage|sessionStorage)\b[^\n]*token", re.IGNORECASE),
}


def found(patterns: dict[str, re.Pattern[str]], where: str, text: str) -> Iterator[str]:
    for what, pattern in patterns.items():
        yield from (f"{where}:{text.count(chr(10), 0, match.start()) + 1} {what}" for match in pattern.finditer(text))


def in_template(where: str, text: str) -> Iterator[str]:
    def keep_lines(match: re.Match[str]) -> str:
        return "\n" * match.group().count("\n")

    text = COMMENT.sub(keep_lines, text)
    yield from found({"escaping switched off": UNESCAPED}, where, text)
    yield from found(INLINE, where, EXPRESSION.sub(keep_lines, text))


def test_templates_hold_no_script_and_no_style() -> None:
    none_of(
        (
            finding
            for path in below(WEB, *TEMPLATES)
            if "vendor" not in path.parts
            for finding in in_template(place(path), read(path))
        ),
        "Move script and style into a file under web/static, bind events with addEventListener, and let Jinja escape",
    )


def test_scripts_build_nodes_and_keep_no_tokens() -> None:
    none_of(
        (finding for path in own_scripts() for finding in found(SCRIPTED, place(path), read(path))),
        "Build nodes with createElement, textContent or a cloned <template>; keep tokens in memory or an HttpOnly cookie",
    )


def test_the_rule_sees_what_the_policy_would_block() -> None:
    for text in (
        "<script>x()</script>",
        "<style>p {}</style>",
        '<p class="a" style="color: red">',
        '<a href="#" onclick="x()">',
        '<a href="javascript:x()">',
        "{{ words | safe }}",
    ):
        assert list(in_template("x.html", text)), text
    assert not list(in_template("x.html", '<script src="/a.js" defer></script>{# <style> #}<p data-one="{{ a > b }}">on=1</p>'))
    assert list(found(SCRIPTED, "x.js", "node.innerHTML = words"))
    assert not list(found(SCRIPTED, "x.js", "node.textContent = words; if (a.innerHTML === b) {}"))
