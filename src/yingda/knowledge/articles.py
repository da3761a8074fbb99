"""Articles: what the desk knows, in Markdown with front matter, one file for each slug and language.

The front matter's `questions` are customers' own words, and the first examples of the engine; `answer` is what the bot says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from yingda.errors import Refused

FILE_BYTES_MAX = 256 * 1024
QUESTIONS_MAX = 200
QUESTION_CHARACTERS_MAX = 1000
KEYS = {
    "slug": str, "language": str, "title": str, "topics": list, "audience": str, "reviewed": date, "critical": bool,
    "urgent": bool, "answer": str, "questions": list,
}  # fmt: skip
FENCE = re.compile(r"\A---\n(.*?\n)---\n(.*)\Z", re.DOTALL)
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    slug: str
    language: str
    title: str
    topics: tuple[str, ...]
    audience: str
    reviewed: date
    critical: bool  # a wrong answer costs dearly
    urgent: bool  # money is at risk now
    answer: str
    questions: tuple[str, ...]
    body: str

    @property
    def sections(self) -> tuple[Section, ...]:
        """The parts under each second-level heading, in order."""
        parts = HEADING.split(self.body)
        return tuple(Section(h, t.strip()) for h, t in zip(parts[1::2], parts[2::2], strict=True))


def parse(text: str, where: str) -> Article:
    """One file. Refused `article_malformed` with the file and the line or key at fault."""
    fenced = FENCE.match(text.replace("\r\n", "\n").removeprefix("\ufeff"))
    if fenced is None:
        raise Refused("article_malformed", f"{where}, line 1")
    try:
        front = yaml.safe_load(fenced[1])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Refused("article_malformed", f"{where}, line {mark.line + 2 if mark else 2}") from error
    if not isinstance(front, dict):
        raise Refused("article_malformed", f"{where}, line 2")
    return Article(**_fields(front, where), body=fenced[2].strip() + "\n")


def _fields(front: dict[Any, Any], where: str) -> dict[str, Any]:
    for key in front:
        if key not in KEYS:
            raise Refused("article_malformed", f"{where}, {key}")
    for key, kind in KEYS.items():
        if key not in front or type(front[key]) is not kind:
            raise Refused("article_malformed", f"{where}, {key}")
    if not SLUG.fullmatch(front["slug"]) or not front["title"].strip() or not front["answer"].strip():
        raise Refused("article_malformed", f"{where}, slug, title, answer")
    for key in ("topics", "questions"):
        if not all(isinstance(item, str) and 0 < len(item) <= QUESTION_CHARACTERS_MAX for item in front[key]):
            raise Refused("article_malformed", f"{where}, {key}")
    if len(front["questions"]) > QUESTIONS_MAX:
        raise Refused("article_malformed", f"{where}, questions")
    return {**front, "topics": tuple(front["topics"]), "questions": tuple(front["questions"]), "answer": front["answer"].strip()}


@cache
def packaged() -> tuple[Article, ...]:
    """The articles that come with Yingda, by slug and language."""
    folder = resources.files("yingda.knowledge") / "articles"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".md")), key=lambda f: f.name)
    return tuple(_read(file, file.name) for file in files)


def read_folder(folder: Path) -> tuple[Article, ...]:
    """Every `*.md` with front matter below `folder`. Refused file_unreadable, article_malformed, article_twice."""
    if not folder.is_dir():
        raise Refused("file_unreadable", str(folder))
    found: dict[tuple[str, str], Article] = {}
    for path in sorted(folder.rglob("*.md")):
        article = _read(path, str(path))
        if (article.slug, article.language) in found:
            raise Refused("article_twice", str(path))
        found[article.slug, article.language] = article
    return tuple(found.values())


def _read(file: Traversable | Path, where: str) -> Article:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Refused("file_unreadable", where) from error
    if len(data) > FILE_BYTES_MAX:
        raise Refused("article_malformed", where)
    try:
        return parse(data.decode("utf-8"), where)
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", where) from error
