"""A bot on a few of the articles that come along, trained once; all of them are for the long tests."""

from __future__ import annotations

import pytest

from yingda.answers.bot import Bot
from yingda.answers.first_model import first_model
from yingda.knowledge.articles import Article, packaged

SLUGS = {
    "payment-failed", "duplicate-charge", "transfer-wrong-person", "top-up-not-credited", "refund-time", "fees", "pin-change",
    "password-forgotten", "card-delivery", "account-close", "dispute-open", "account-locked", "account-stolen", "card-lost",
    "phone-lost", "recovery-phrase-shown", "scam-report", "suspicious-payment", "device-unknown", "fake-support",
}  # fmt: skip


@pytest.fixture(scope="session")
def some_articles() -> tuple[Article, ...]:
    return tuple(article for article in packaged() if article.slug in SLUGS)


@pytest.fixture(scope="session")
def bot(some_articles: tuple[Article, ...], tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return Bot(some_articles, first_model(some_articles, tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def whole_bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return Bot(packaged(), first_model(packaged(), tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def said_by_articles(some_articles: tuple[Article, ...]) -> set[str]:
    return {article.answer for article in some_articles}
