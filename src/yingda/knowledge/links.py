"""The links and images of a Markdown page, as CommonMark reads them, and references that only the old help centre knew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from posixpath import dirname, normpath, relpath
from urllib.parse import quote, unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
REFERENCE = re.compile(r"\[([^\[\]\n]+)\]\[([^\[\]\n]+)\]")
DEFINITION = re.compile(r"^ {0,3}\[([^\]\n]+)\]:", re.MULTILINE)
# Of other systems, and shown here as plain signs: boxes and tabs of MkDocs, of Docusaurus, and template code.
FOREIGN = re.compile(
    r"^[ \t]*(?:!!! |\?\?\?\+? |=== \"|:::|\{%|\{\{)|:(?:octicons|material|fontawesome|desktop|mobile)-[a-z0-9-]+:", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link or an image points, as written; `words` is what an image says to who cannot see it."""

    address: str
    is_image: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """What an import looks at in one page."""

    targets: tuple[Target, ...]
    has_html: bool


def marks_of(markdown: str) -> Marks:
    tokens = list(_all(_MARKDOWN.parse(markdown)))
    links = (Target(str(t.attrGet("href")), is_image=False) for t in tokens if t.type == "link_open")
    images = (Target(str(t.attrGet("src")), is_image=True, words=t.content) for t in tokens if t.type == "image")
    return Marks((*links, *images), any(t.type in ("html_block", "html_inline") for t in tokens))


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


def path_of(address: str, file: str) -> str | None:
    """The path below the folder to which an address in `file` points; None when it leads to the web, or within the page.
    A path that begins with `..` leaves the folder."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = unquote(parts.path)
    return normpath(path.lstrip("/") if path.startswith("/") else f"{dirname(file) or '.'}/{path}")


def named_links(markdown: str, file: str, page_named: Callable[[str], str | None]) -> str:
    """`[words][name]` as a link, where the page defines no such reference and `page_named` knows a file of this name."""
    defined = {name.casefold() for name in DEFINITION.findall(markdown)}

    def linked(match: re.Match[str]) -> str:
        target = None if match[2].casefold() in defined else page_named(match[2])
        return match[0] if target is None else f"[{match[1]}]({quote(relpath(target, dirname(file) or '.'))})"

    return REFERENCE.sub(linked, markdown)


def undefined(markdown: str) -> list[str]:
    """The references that stand in a page and lead nowhere."""
    defined = {name.casefold() for name in DEFINITION.findall(markdown)}
    return [match[2] for match in REFERENCE.finditer(markdown) if match[2].casefold() not in defined]
