"""The plain help centre: the articles in the reader's language, by group, by search, and one by one. It needs no database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath
from markupsafe import Markup

from yingda import words
from yingda.conversations.secrets import mask
from yingda.errors import Refused, Temporary
from yingda.knowledge.articles import Article, packaged
from yingda.knowledge.markdown import html_of
from yingda.knowledge.pages import Page
from yingda.knowledge.search import Index
from yingda.web.answers import language_of
from yingda.web.pages import own_chat, show_refusal
from yingda.web.render import page

AnyRequest = Request[Any, Any, Any]

RESULTS_MAX = 10
RELATED_MAX = 4
QUERY_CHARACTERS_MAX = 500
# In the order in which the page shows them; an article stands in the group of its first topic.
GROUPS = {
    "payment": ("payment", "top-up"),
    "transfer": ("transfer",),
    "withdrawal": ("withdrawal", "card"),
    "security": ("security", "scam", "device"),
    "account": ("account", "identity", "limits"),
    "crypto": ("crypto",),
    "refund": ("refund", "dispute", "complaint", "compensation"),
    "more": (),
}


@dataclass(frozen=True, slots=True)
class Library:
    """The articles of one language, and the index over them."""

    articles: dict[str, Article]
    slugs: tuple[str, ...]
    index: Index

    def search(self, query: str) -> list[Article]:
        return [self.articles[self.slugs[hit.number]] for hit in self.index.search(query, RESULTS_MAX)]


@cache
def library(language: str) -> Library:
    """Made once, when first asked for: it takes a part of a second, so never in the event loop."""
    articles = {article.slug: article for article in packaged() if article.language == language}
    return Library(articles, tuple(articles), Index([_searched(article) for article in articles.values()]))


def _searched(article: Article) -> Page:
    front = {"questions": list(article.questions), "answer": article.answer}
    return Page(article.slug, f"{article.slug}.md", article.title, article.body, article.body, front)


def group_of(article: Article) -> str:
    first = article.topics[0] if article.topics else ""
    return next((group for group, topics in GROUPS.items() if first in topics), "more")


@get("/help")
async def show_help(request: AnyRequest) -> Response[str]:
    language = language_of(request)
    asked = mask(" ".join(request.query_params.get("q", "")[:QUERY_CHARACTERS_MAX].split()))
    own = await asyncio.to_thread(library, language)
    found = await asyncio.to_thread(own.search, asked.text) if asked.text else []
    return page(
        "help.html",
        language,
        **await _frame(request),
        query=asked.text,
        is_masked=bool(asked.kinds),
        found=found,
        urgent=[article for article in own.articles.values() if article.urgent],
        groups=_grouped(own.articles.values()),
    )


@get("/help/{slug:str}")
async def show_article(request: AnyRequest, slug: FromPath[str]) -> Response[str]:
    language = language_of(request)
    own = await asyncio.to_thread(library, language)
    article = own.articles.get(slug)
    if article is None:
        raise Refused("not_found", status=404)
    group = group_of(article)
    body = await asyncio.to_thread(html_of, article.body)
    alike = await asyncio.to_thread(own.search, article.title)
    return page(
        "help_article.html",
        language,
        **await _frame(request),
        article=article,
        group=group,
        # Markup: `html_of` has taken out all that could run; templates never switch escaping off.
        body=Markup(body),  # noqa: S704
        related=[other for other in alike if other.slug != slug][:RELATED_MAX],
    )


def _grouped(articles: Iterable[Article]) -> dict[str, list[Article]]:
    found: dict[str, list[Article]] = {group: [] for group in GROUPS}
    for article in articles:
        found[group_of(article)].append(article)
    return {group: members for group, members in found.items() if members}


async def _frame(request: AnyRequest) -> dict[str, Any]:
    """What stands around every page: whose desk it is, and `keep`, which carries a chosen language to the next page."""
    chosen = request.query_params.get("language") in words.LANGUAGES
    try:
        desk_name = (await own_chat(request)).desk_name
    except (Temporary, Refused):  # no database, or no chat yet: the articles are there all the same
        desk_name = ""
    return {"desk_name": desk_name, "path": request.url.path, "keep": f"?language={language_of(request)}" if chosen else ""}


router = Router(
    "/",
    route_handlers=[show_help, show_article],
    exception_handlers={Refused: show_refusal, Temporary: show_refusal},
    include_in_schema=False,
)
