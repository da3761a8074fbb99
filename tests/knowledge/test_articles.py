"""The articles that come along: all of them, in both languages, kept to what a frightened reader needs."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yingda.errors import Refused
from yingda.knowledge.articles import Article, packaged, parse, read_folder

SLUGS = [
    "payment-failed", "payment-pending", "payment-declined-by-bank", "duplicate-charge", "merchant-not-paid",
    "payment-code-expired", "transfer-not-arrived", "transfer-wrong-person", "transfer-cancel", "transfer-limits",
    "top-up-failed", "top-up-not-credited", "top-up-methods", "withdrawal-pending", "withdrawal-failed",
    "withdrawal-time", "card-link", "card-unlink", "card-declined", "card-lost", "card-delivery", "limits-raise", "fees",
    "exchange-rate", "identity-check-how", "identity-check-rejected", "account-open", "account-close", "account-locked",
    "account-stolen", "phone-lost", "phone-number-change", "password-forgotten", "pin-change", "two-factor-on",
    "two-factor-lost", "device-unknown", "suspicious-payment", "scam-report", "scam-recognise", "fake-support",
    "recovery-phrase-shown", "refund-status", "refund-request", "refund-time", "dispute-open", "compensation",
    "complaint-make", "complaint-escalate", "points-earned", "points-expired", "rebate-missing", "crypto-wrong-network",
    "crypto-wrong-address", "crypto-pending", "crypto-stuck-gas", "crypto-token-not-shown", "crypto-memo-missing",
    "crypto-failed-fee-charged", "app-not-working", "statement-download", "business-hours", "official-contact",
]  # fmt: skip
CRITICAL = {
    "account-stolen", "card-lost", "phone-lost", "recovery-phrase-shown", "suspicious-payment", "scam-report",
    "fake-support", "dispute-open", "account-locked",
}  # fmt: skip
URGENT = {"account-stolen", "recovery-phrase-shown", "suspicious-payment", "scam-report", "phone-lost", "card-lost"}
WAY_TO_A_PERSON = {"zh-CN": "真人", "en": "person"}
NEVER_SAID = ("系统繁忙", "稍安勿躁", "!", "！")
QUESTIONS_MIN = 12


def both() -> dict[str, dict[str, Article]]:
    found: dict[str, dict[str, Article]] = {}
    for article in packaged():
        found.setdefault(article.slug, {})[article.language] = article
    return found


def test_every_slug_is_there_in_both_languages_with_equal_flags() -> None:
    found = both()
    assert sorted(found) == sorted(SLUGS)
    for slug, pair in found.items():
        assert set(pair) == {"zh-CN", "en"}, slug
        zh, en = pair["zh-CN"], pair["en"]
        assert (zh.critical, zh.urgent, zh.topics, zh.audience) == (en.critical, en.urgent, en.topics, en.audience), slug
        assert not (slug in CRITICAL and not zh.critical) and not (slug in URGENT and not zh.urgent), slug


def test_each_article_has_six_sections_a_numbered_way_and_a_way_to_a_person() -> None:
    for article in packaged():
        name = f"{article.slug}.{article.language}"
        assert len(article.sections) == 6, name
        assert all(section.text for section in article.sections), name
        assert "1. " in article.sections[2].text, f"{name}: what to do now is a numbered list"
        assert WAY_TO_A_PERSON[article.language] in article.sections[-1].text, name
        assert article.reviewed <= date.today(), name
        assert not [word for word in NEVER_SAID if word in article.body + article.answer + article.title], name


def test_customers_own_words_are_many_and_belong_to_one_article() -> None:
    for language in ("zh-CN", "en"):
        owners: dict[str, set[str]] = {}
        for article in packaged():
            if article.language == language:
                assert len(article.questions) >= QUESTIONS_MIN, article.slug
                assert max(Counter(article.questions).values()) == 1, article.slug
                for question in article.questions:
                    owners.setdefault(question.casefold(), set()).add(article.slug)
        assert not {q: sorted(s) for q, s in owners.items() if len(s) > 1}


@pytest.mark.parametrize(("broken", "where"), [
    ("no front matter", "x.md, line 1"),
    ("---\nslug: [\n---\nbody", "x.md, line 3"),
    ("---\n- a\n---\nbody", "x.md, line 2"),
    ("---\nslug: a\nnonsense: b\n---\nbody", "x.md, nonsense"),
    ("---\nslug: a\n---\nbody", "x.md, language"),
])  # fmt: skip
def test_a_malformed_article_is_refused_with_its_place(broken: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(broken, "x.md")
    assert (refused.value.code, refused.value.where) == ("article_malformed", where)


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_an_article_or_refused(text: str, fenced: bool) -> None:
    try:
        found = parse(f"---\n{text}\n---\nbody" if fenced else text, "x.md")
    except Refused as error:
        found = None
        assert error.code == "article_malformed"
    assert found is None or found.slug


def test_a_folder_with_the_same_article_twice_is_refused(tmp_path) -> None:
    one = next(a for a in packaged() if a.slug == "fees")
    text = (
        f"---\nslug: {one.slug}\nlanguage: {one.language}\ntitle: t\ntopics: [fees]\naudience: customer\nreviewed: 2026-12-01\n"
        "critical: false\nurgent: false\nanswer: a\nquestions: [q]\n---\n## One\nText\n"
    )
    (tmp_path / "a.md").write_text(text, "utf-8")
    assert [a.sections[0].heading for a in read_folder(tmp_path)] == ["One"]
    (tmp_path / "b.md").write_text(text, "utf-8")
    with pytest.raises(Refused, match="article_twice"):
        read_folder(tmp_path)
