"""Pages from templates. Everything is escaped; words come from the catalogue of the reader's language."""

from __future__ import annotations

from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar import Response
from litestar.enums import MediaType

from yingda import words
from yingda.web import assets

environment = Environment(
    loader=PackageLoader("yingda.web", "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals["asset"] = assets.address


def fragment(template: str, language: str, **values: Any) -> str:
    """Part of a page. `t(key, …)` gives a sentence."""
    say = partial(words.sentence, language)
    return environment.get_template(template).render(t=say, language=language, languages=words.LANGUAGES, **values)


def page(
    template: str, language: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> Response[str]:
    """A whole page or a fragment as an answer."""
    body = fragment(template, language, **values)
    own = {"Content-Language": language, "Vary": "Accept-Language, Cookie", **(headers or {})}
    return Response(body, media_type=MediaType.HTML, status_code=status, headers=own)
