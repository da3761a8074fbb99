"""The transcript: who, when, what, promised. The customer can save it at any moment, as text or as HTML."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape

from yingda import words
from yingda.conversations.history import LINES_MAX, lines
from yingda.conversations.line import LineView
from yingda.db.desk import Desk
from yingda.people.viewer import CustomerViewer

# Whatever a reader's program may take for the end of a line: no words may stand where a new entry begins.
_LINE_ENDS = re.compile("[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
ISOLATE, END_ISOLATE = "\u2068", "\u2069"  # a name or a text cannot reorder what stands around it


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands on top: the desk, the conversation's number, the reader's language and zone."""

    desk_name: str
    number: int
    language: str
    zone: str


def author_of(line: LineView, language: str) -> str:
    if line.author_kind == "person":
        return line.author_name
    return words.sentence(language, f"author.{line.author_kind}")


def text_of(heading: Heading, shown: list[LineView]) -> str:
    """Lines as plain text, LF line ends, one block each: time, author, words, files with their SHA-256."""
    blocks = []
    for line in shown:
        when = words.moment(heading.language, heading.zone, line.at)
        head = f"[{when}] {ISOLATE}{author_of(line, heading.language)}{END_ISOLATE}"
        files = [f"  {ISOLATE}{f.name}{END_ISOLATE} ({f.type}, {f.size} B, SHA-256 {f.sha256})" for f in line.files]
        blocks.append("\n".join([head, *("  " + part for part in _LINE_ENDS.split(line.text)), *files]))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def html_of(heading: Heading, shown: list[LineView]) -> str:
    blocks = []
    for line in shown:
        when = escape(words.moment(heading.language, heading.zone, line.at))
        files = "".join(
            f"<li><bdi>{escape(f.name)}</bdi> ({escape(f.type)}, {f.size} B, SHA-256 {f.sha256})</li>" for f in line.files
        )
        attached = f"<ul>{files}</ul>" if files else ""
        blocks.append(
            f'<article class="{escape(line.author_kind)}"><header><time datetime="{line.at.isoformat()}">{when}</time> '
            f"<bdi>{escape(author_of(line, heading.language))}</bdi></header>"
            f'<pre dir="auto" lang="{escape(line.language)}">{escape(line.text)}</pre>{attached}</article>\n'
        )
    return "".join(blocks)


def title_of(heading: Heading) -> str:
    return words.sentence(heading.language, "transcript.title", desk=heading.desk_name, number=heading.number)


async def transcript(desk: Desk, viewer: CustomerViewer, heading: Heading, form: str) -> AsyncIterator[str]:
    """The whole conversation piece by piece, `form` text or html. Each piece is a page of lines: memory does not grow."""
    title = title_of(heading)
    zone = words.sentence(heading.language, "transcript.zone", zone=heading.zone)
    if form == "html":
        yield (
            f'<!doctype html><html lang="{heading.language}"><meta charset="utf-8"><title>{escape(title)}</title>'
            f'<meta name="viewport" content="width=device-width"><h1>{escape(title)}</h1><p>{escape(zone)}</p>\n'
        )
    else:
        yield f"{title}\n{zone}\n\n"
    after = 0
    while True:
        page = await desk.read(lambda tx, a=after: lines(tx, viewer, heading.number, after=a))  # type: ignore[misc]
        if page:
            yield html_of(heading, page) if form == "html" else text_of(heading, page) + "\n"
            after = page[-1].shown_seq or after
        if len(page) < LINES_MAX:
            break
    if form == "html":
        yield "</html>\n"
