"""Pages: a folder of help texts as somebody keeps it, in Markdown, plain text or HTML, with front matter or without."""

from __future__ import annotations

import html
import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from yingda.conversations.text import clean
from yingda.errors import Refused

ENDINGS = (".md", ".markdown", ".txt", ".html", ".htm")
MARKDOWN = (".md", ".markdown")
PAGES_MAX = 100_000
FILE_BYTES_MAX = 2_000_000
FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)??---[ \t]*\n", re.DOTALL)
TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
HTML_TITLE = re.compile(r"<(h1|title)\b[^>]*>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
HTML_SILENT = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
HTML_BLOCK = re.compile(r"</?(?:p|div|h[1-6]|li|ul|ol|tr|table|br|section|article)\b[^>]*>", re.IGNORECASE)
TAG = re.compile(r"</?[a-zA-Z][^>]{0,2000}>")
IMAGE = re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)")
LINK = re.compile(r"\[([^\]\n]+)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
ICON = re.compile(r"(?<!\w):[a-z][a-z0-9_-]+:(?!\w)")
MARKS = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+|\d+[.)][ \t]+|[|:\- ]+$)|\*\*|__|`+", re.MULTILINE)
WORDED_NAME = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Page:
    """`id` is the path below the folder without its ending, with forward slashes. `body` is as it was written, less its front
    matter; `plain` is the same for a reader of words, without the title. `front` is the front matter, if any."""

    id: str
    file: str
    title: str
    body: str
    plain: str
    front: dict[str, Any] = field(default_factory=dict)

    @property
    def keywords(self) -> str:
        """What else the page is found by: the questions and descriptions of its front matter, and a name made of words."""
        parts: list[str] = []
        for key in ("questions", "keywords", "tags", "topics", "aliases", "description", "summary", "answer"):
            value = self.front.get(key)
            parts += [str(item) for item in value] if isinstance(value, list) else [str(value)] if value else []
        name = self.id.rsplit("/", 1)[-1]
        if WORDED_NAME.search(name):
            parts.append(re.sub(r"[-_.]+", " ", name))
        return "\n".join(parts)


def page_files(folder: Path) -> list[Path]:
    """Every page below `folder`, in order of its path; hidden files and folders are left out. Refused file_unreadable,
    too_many_pages."""
    if not folder.is_dir():
        raise Refused("file_unreadable", str(folder))
    found: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += (Path(where) / name for name in names if name.lower().endswith(ENDINGS) and not name.startswith("."))
        if len(found) > PAGES_MAX:
            raise Refused("too_many_pages", str(folder))
    return sorted(found)


def read_pages(folder: Path) -> list[Page]:
    """Every page below `folder`. Refused file_unreadable, page_too_large, not_utf8, too_many_pages."""
    return [read_page(path, folder) for path in page_files(folder)]


def read_page(path: Path, folder: Path) -> Page:
    """One file below `folder`. Front matter that is no YAML mapping is left out of the page; import tells of it."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Refused("page_too_large", str(path))
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Refused("file_unreadable", str(path)) from error
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", str(path)) from error
    file = path.relative_to(folder).as_posix()
    return page_of(file, text)


def page_of(file: str, text: str) -> Page:
    """The page that the file named `file` holds."""
    front, body = split_front(clean(text))
    path = PurePosixPath(file)
    ending = path.suffix.lower()
    if ending in (".html", ".htm"):
        found = HTML_TITLE.search(body)
        title, rest = (plain_html(found[2]), body[: found.start()] + body[found.end() :]) if found else ("", body)
        plain = plain_html(rest)
    else:
        found = TITLE.search(body)
        title, rest = (plain_markdown(found[1]), body[: found.start()] + body[found.end() :]) if found else ("", body)
        plain = plain_markdown(rest) if ending in MARKDOWN else body
    stated = front.get("title")
    if isinstance(stated, str) and stated.strip():
        if title and title != stated.strip():
            plain = f"{title}\n{plain}"
        title = stated.strip()
    return Page(str(path.with_suffix("")), file, title or _first_line(plain), body, plain, front)


def split_front(text: str) -> tuple[dict[str, Any], str]:
    """The front matter as a mapping, empty if there is none, and what stands under it."""
    fenced = FRONT.match(text)
    if fenced is None:
        return {}, text
    try:
        front = yaml.safe_load(fenced[1] or "")
    except (yaml.YAMLError, ValueError):  # ValueError: a date that is none
        front = None
    return ({str(key): value for key, value in front.items()} if isinstance(front, dict) else {}), text[fenced.end() :]


def plain_markdown(text: str) -> str:
    """The words of Markdown, paragraphs apart; of links and images their words."""
    text = LINK.sub(r"\1", IMAGE.sub(r"\1", text))
    return html.unescape(MARKS.sub("", ICON.sub(" ", TAG.sub(" ", text)))).strip()


def plain_html(text: str) -> str:
    """The words of HTML, blocks apart."""
    text = HTML_BLOCK.sub("\n\n", HTML_SILENT.sub(" ", text))
    return html.unescape(TAG.sub(" ", text)).strip()


def _first_line(plain: str) -> str:
    return next((line.strip()[:200] for line in plain.splitlines() if line.strip()), "")
