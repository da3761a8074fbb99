"""A folder of Markdown from elsewhere: its pages, the images and files they show, and what needs a person.

Nothing is silently lost: what cannot be kept as it was is a finding. Export writes the same folder again, front matter first.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from yingda.errors import Refused
from yingda.knowledge.links import FOREIGN, Target, marks_of, named_links, path_of, undefined
from yingda.knowledge.pages import FRONT, MARKDOWN, Page, page_files, page_of, read_page

PAGE_NAMES = ("", ".md", ".markdown", ".html", "/index.md", "/README.md")
TITLE_CHARACTERS_SHOWN_MAX = 100
SIGNS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person must look at. `where` is the page's file, `what` the address, title or sign in question.

    Codes: `unreadable`, `front_malformed`, `empty`, `title_missing`, `title_twice`, `not_markdown`, `html_inside`,
    `foreign_syntax`, `link_broken`, `link_undefined`, `image_missing`, `image_elsewhere`, `image_without_words`,
    `outside_folder`.
    """

    code: str
    where: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """`files`: path below the folder → where it lies now, of everything the pages show or link to that is no page."""

    pages: tuple[Page, ...]
    files: dict[str, Path]
    findings: tuple[Finding, ...]


def import_folder(folder: Path) -> Imported:
    """Read every page below `folder`. Refused file_unreadable when there is no such folder, too_many_pages."""
    findings: list[Finding] = []
    pages: list[Page] = []
    for path in page_files(folder):
        try:
            pages.append(read_page(path, folder))
        except Refused as error:
            findings.append(Finding("unreadable", path.relative_to(folder).as_posix(), error.code))
            continue
        findings += _front(path, pages[-1].file)
    pages = _with_named_links(pages)
    known = {page.file for page in pages}
    files: dict[str, Path] = {}
    for page in pages:
        findings += _of_text(page)
        if page.file.lower().endswith(MARKDOWN):
            for target in marks_of(page.body).targets:
                findings += _of_target(target, page, known, folder, files)
    titles = Counter(page.title for page in pages if page.title)
    findings += (Finding("title_twice", p.file, p.title[:TITLE_CHARACTERS_SHOWN_MAX]) for p in pages if titles[p.title] > 1)
    return Imported(tuple(pages), files, tuple(findings))


def export_folder(imported: Imported, target: Path) -> None:
    """Write pages and files under `target`, which must not be there yet or be empty. Either all of it is there afterwards, or
    nothing. Refused folder_not_empty, file_unwritable."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused("folder_not_empty", str(target))
    beside = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        for page in imported.pages:
            _write(beside / page.file, page_text(page).encode())
        for name, source in imported.files.items():
            _write(beside / name, source.read_bytes())
        if target.exists():
            target.rmdir()
        beside.rename(target)
    except OSError as error:
        raise Refused("file_unwritable", str(target), str(error)) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def page_text(page: Page) -> str:
    """The page as a file: its front matter, if any, and its body."""
    if not page.front:
        return page.body
    return f"---\n{yaml.safe_dump(page.front, allow_unicode=True, sort_keys=False)}---\n{page.body}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _with_named_links(pages: list[Page]) -> list[Page]:
    """`[words][name]` names a page by its file name alone: made a link when exactly one page has that name."""
    names = Counter(Path(page.file).stem for page in pages)
    files = {Path(page.file).stem: page.file for page in pages}

    def page_named(name: str) -> str | None:
        return files[name] if names.get(name) == 1 else None

    made = ((page, named_links(page.body, page.file, page_named)) for page in pages)
    return [page if body == page.body else page_of(page.file, page_text(replace(page, body=body))) for page, body in made]


def _front(path: Path, file: str) -> Iterator[Finding]:
    """Front matter that is no YAML mapping is not carried along."""
    fenced = FRONT.match(path.read_text("utf-8-sig").replace("\r\n", "\n"))
    if fenced is None or not fenced[1]:
        return
    try:
        is_mapping = isinstance(yaml.safe_load(fenced[1]), dict)
    except (yaml.YAMLError, ValueError):
        is_mapping = False
    if not is_mapping:
        yield Finding("front_malformed", file)


def _of_text(page: Page) -> Iterator[Finding]:
    if not page.plain.strip():
        yield Finding("empty", page.file)
    if not page.title:
        yield Finding("title_missing", page.file)
    if not page.file.lower().endswith(MARKDOWN):
        yield Finding("not_markdown", page.file)
        return
    if marks_of(page.body).has_html:
        yield Finding("html_inside", page.file)
    signs = list(dict.fromkeys(sign.strip() for sign in FOREIGN.findall(page.body)))
    if signs:
        yield Finding("foreign_syntax", page.file, " ".join(signs[:SIGNS_SHOWN_MAX]))
    yield from (Finding("link_undefined", page.file, name) for name in dict.fromkeys(undefined(page.body)))


def _of_target(target: Target, page: Page, known: set[str], folder: Path, files: dict[str, Path]) -> Iterator[Finding]:
    """Keep the file that a link or an image shows, or say why not."""
    if target.is_image and not target.words.strip():
        yield Finding("image_without_words", page.file, target.address)
    path = path_of(target.address, page.file)
    if path is None:
        if target.is_image:
            yield Finding("image_elsewhere", page.file, target.address)
        return
    if not target.is_image and any(path.rstrip("/") + ending in known for ending in PAGE_NAMES):
        return
    source = folder / path
    try:
        is_inside = not path.startswith("..") and source.resolve().is_relative_to(folder.resolve())
        is_there = source.is_file()
    except (OSError, ValueError):  # ValueError: U+0000 in an address
        is_inside, is_there = True, False
    if not is_inside:
        yield Finding("outside_folder", page.file, target.address)
    elif is_there:
        files[path] = source
    else:
        yield Finding("image_missing" if target.is_image else "link_broken", page.file, target.address)
