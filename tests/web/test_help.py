"""The help centre, as a customer's browser asks for it."""

from __future__ import annotations

import html
import re

import httpx
import pytest
from tests.web.api import Api

from yingda.knowledge.articles import packaged
from yingda.knowledge.markdown import html_of
from yingda.web.help import GROUPS, group_of, library

SEED = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
LINK = re.compile(r'href="(/help/[^"]+)"')


def read(api: Api, address: str, **headers: str) -> httpx.Response:
    return api.ask("GET", address, headers=headers)


def body_of(answer: httpx.Response) -> str:
    return html.unescape(answer.text)


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "帮助中心"), ("en", "Help centre")])
def test_every_article_is_listed_once_in_its_group_and_opens(api: Api, language: str, word: str):
    shown = read(api, "/help", **{"Accept-Language": language})
    assert shown.status_code == 200
    assert shown.headers["content-language"] == language
    assert word in shown.text
    groups = shown.text.partition('class="groups"')[2]
    links = LINK.findall(groups)
    assert sorted(links) == sorted(f"/help/{article.slug}" for article in packaged() if article.language == language)
    for link in links:
        assert read(api, link, **{"Accept-Language": language}).status_code == 200, link


def test_every_group_has_articles_and_urgent_ones_come_first(api: Api):
    assert {group_of(article) for article in packaged()} == set(GROUPS)
    urgent = read(api, "/help").text.partition('class="urgent"')[2].partition("</section>")[0]
    assert set(LINK.findall(urgent)) == {f"/help/{article.slug}" for article in packaged() if article.urgent}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_an_article_shows_its_answer_its_date_its_sections_and_a_way_to_a_person(api: Api, language: str):
    article = library(language).articles["phone-lost"]
    shown = body_of(read(api, f"/help/phone-lost?language={language}"))
    for expected in (
        article.title,
        article.answer,
        article.reviewed.isoformat(),
        *(section.heading for section in article.sections),
    ):
        assert expected in shown
    assert f'href="/chat?language={language}"' in shown
    assert "<ol>" in shown


def test_a_chosen_language_stays_chosen_and_the_other_is_one_tap_away(api: Api):
    shown = read(api, "/help/fees?language=en", **{"Accept-Language": "zh-CN"}).text
    assert '<html lang="en">' in shown
    assert 'href="/help/fees?language=zh-CN"' in shown
    assert 'href="/help?language=en"' in shown
    assert 'href="/help?language' not in read(api, "/help/fees", **{"Accept-Language": "en"}).text.partition("<main")[2]


@pytest.mark.parametrize(
    ("language", "query", "slug"),
    [
        ("zh-CN", "转错人了", "transfer-wrong-person"),
        ("zh-CN", "轉錯人", "transfer-wrong-person"),
        ("zh-CN", "手机丢了怎么办", "phone-lost"),
        ("en", "i lost my phone", "phone-lost"),
        ("en", "sent to the wrong persn", "transfer-wrong-person"),
    ],
)
def test_search_puts_the_right_article_near_the_top(api: Api, language: str, query: str, slug: str):
    shown = api.run(api.client.get("/help", params={"q": query, "language": language})).text
    assert f"/help/{slug}?language={language}" in LINK.findall(shown.partition("<main")[2])[:3]


@pytest.mark.parametrize("query", ["现到", "'\"><script>alert(1)</script>", "%", "\x00", "🙂", "zzzzqqqq"])
def test_any_query_gets_a_page_and_is_shown_as_text(api: Api, query: str):
    answer = api.run(api.client.get("/help", params={"q": query, "language": "zh-CN"}))
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert 'href="/chat' in answer.text


def test_nothing_found_is_said_and_never_looks_like_an_error(api: Api):
    assert "没有找到和“魑魅”有关的文章" in body_of(api.run(api.client.get("/help", params={"q": "魑魅", "language": "zh-CN"})))


def test_a_secret_in_the_search_box_is_masked_and_the_customer_warned(api: Api):
    answer = api.run(api.client.get("/help", params={"q": SEED, "language": "en"}))
    assert "abandon" not in answer.text
    assert "Support never asks for it" in answer.text


@pytest.mark.parametrize("slug", ["no-such-article", "%2e%2e%2fetc", "PHONE-LOST"])
def test_what_is_not_there_is_a_page_that_says_so(api: Api, slug: str):
    answer = read(api, f"/help/{slug}", **{"Accept-Language": "en"})
    assert answer.status_code == 404


def test_pages_keep_the_strict_policy_and_hold_no_script(api: Api):
    for address in ("/help", "/help/fees", "/help?q=fees"):
        answer = read(api, address)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text
        assert " style=" not in answer.text


def test_the_landing_page_leads_to_it(api: Api):
    assert 'href="/help"' in read(api, "/").text
    assert 'href="/help"' in read(api, "/chat").text


def test_markdown_becomes_html_without_anything_that_runs():
    made = html_of(
        "## A\n\n1. **b** [c](https://x.example/) ![d](e.png)\n\n| f |\n|---|\n| g |\n\n"
        "[h](javascript:alert(1)) <script>i</script> [j](data:text/html,k)"
    )
    assert "<h2>A</h2>" in made
    assert "<strong>b</strong>" in made
    assert '<a href="https://x.example/" rel="noopener noreferrer">c</a>' in made
    assert '<img src="e.png" alt="d">' in made
    assert "<td>g</td>" in made
    assert re.findall(r'(?:href|src)="([^"]*)"', made) == ["https://x.example/", "e.png"]
    assert "<script" not in made
