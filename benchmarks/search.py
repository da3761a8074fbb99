"""How well a page's own title finds that page when the page no longer holds it, and how long a search takes.

Each page's title line is taken out of the page, and its file name replaced by a number, so that neither gives the answer
away; pages with hardly any text stay in the folder as distractors but are not asked for. Of our own articles customers'
questions are asked too, in pages without those questions; "across" asks in one language for pages in the other.
Run: python benchmarks/search.py [FOLDER_OF_MARKDOWN …] [--many N]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yingda.knowledge.articles import packaged
from yingda.knowledge.encoder import Encoder, packaged_encoder
from yingda.knowledge.pages import TITLE, Page, page_of, read_pages
from yingda.knowledge.search import Index

WORDS_MIN = 200  # characters of text under which a page is a stub
TOP = 3
QUESTIONS_STEP = 6
ROUNDS = 5
Asked = list[tuple[str, int]]
QUERIES = (
    "的",
    "提现",
    "a",
    "50%",
    "cancle transfr",
    "how do I cancel a transfer that is still processing",
    "转账没有到账，钱已经扣了，怎么办",
)


def without_title(folder: Path) -> tuple[list[Page], Asked]:
    """The pages below `folder` without their title lines, and (title, number of its page)."""
    pages: list[Page] = []
    asked: Asked = []
    for number, page in enumerate(read_pages(folder)):
        found = TITLE.search(page.body)
        body = page.body[: found.start()] + page.body[found.end() :] if found else page.body
        bare = page_of(f"{number}.md", body)
        if found and len(bare.plain) >= WORDS_MIN:
            asked.append((page.title, number))
        pages.append(bare)
    return pages, asked


def recall(index: Index, asked: Asked) -> float:
    return sum(number in [hit.number for hit in index.search(query, TOP)] for query, number in asked) / len(asked)


def print_recall(name: str, pages: Sequence[Page], asked: dict[str, Asked], encoder: Encoder) -> None:
    began = process_time()
    index, words = Index(pages, encoder), Index(pages)
    print(f"{name}: {len(pages)} pages, both indexes built in {process_time() - began:.1f} s of one core")
    for what, queries in asked.items():
        print(f"  {what:<24} n={len(queries):<4} R@{TOP} {recall(index, queries):.3f}   words alone {recall(words, queries):.3f}")


def own(encoder: Encoder) -> None:
    by_language = {language: [a for a in packaged() if a.language == language] for language in ("zh-CN", "en")}
    for language, articles in by_language.items():
        pages = [page_of(f"{number}.md", f"{a.answer}\n\n{a.body}") for number, a in enumerate(articles)]
        asked: dict[str, Asked] = {}
        for asking, theirs in by_language.items():
            how = "" if asking == language else ", across"
            asked[f"titles{how}"] = [(a.title, number) for number, a in enumerate(theirs)]
            asked[f"questions{how}"] = [(q, number) for number, a in enumerate(theirs) for q in a.questions[::QUESTIONS_STEP]]
        print_recall(f"our articles, {language}", pages, asked, encoder)


def many(count: int, encoder: Encoder) -> None:
    """Our articles again and again under new numbers, each cut differently: the time of a query in a large folder."""
    articles = packaged()
    pages = []
    for number in range(count):
        article = articles[number % len(articles)]
        cut = number * 97 % len(article.body)
        pages.append(page_of(f"{number}.md", f"# {article.title} {number}\n\n{article.body[cut:]}\n\n{article.body[:cut]}"))
    began = process_time()
    index = Index(pages, encoder)
    print(f"{count} pages, built in {process_time() - began:.0f} s of one core")
    for query in QUERIES:
        times = []
        for _ in range(ROUNDS):
            start = perf_counter()
            index.search(query)
            times.append((perf_counter() - start) * 1000)
        print(f"  {median(times):7.1f} ms  {query}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--many", type=int, default=0, metavar="N")
    args = parser.parse_args()
    encoder = packaged_encoder()
    for folder in args.folders:
        pages, asked = without_title(folder)
        print_recall(folder.name, pages, {"titles": asked}, encoder)
    own(encoder)
    if args.many:
        many(args.many, encoder)


if __name__ == "__main__":
    main()
