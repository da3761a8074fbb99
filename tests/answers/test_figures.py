"""The figures that the bot must keep, on questions written for this purpose in their own words, and on 20,000 naughty messages.

They take a minute of training and more of asking, so they belong to `make prove`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.answers.test_bot import assert_sound

from yingda.answers.bot import PERSON, Bot

pytestmark = pytest.mark.slow


def rows(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("tongue", ["en", "zh-CN"])
def test_half_is_answered_and_nearly_all_of_it_right(whole_bot: Bot, tongue: str) -> None:
    asked = [(row["right"].split(";"), whole_bot.understand(row["text"])) for row in rows(f"questions.{tongue}.csv")]
    answered = [(right, understood) for right, understood in asked if understood.decision == "answer"]
    assert len(answered) >= 0.5 * len(asked)
    assert sum(understood.article in right for right, understood in answered) >= 0.92 * len(answered)
    assert sum(understood.urgent for _, understood in asked) <= 0.02 * len(asked)


def test_what_no_article_covers_is_rarely_answered(whole_bot: Bot) -> None:
    answered = [row["text"] for row in rows("out_of_scope.csv") if whole_bot.understand(row["text"]).decision == "answer"]
    assert len(answered) <= 2


def test_money_at_risk_is_recognised(whole_bot: Bot) -> None:
    understood = [whole_bot.understand(row["text"]) for row in rows("urgent.csv")]
    assert sum(one.urgent and one.answer is not None for one in understood) >= 38


def test_calm_messages_about_danger_are_no_emergency(whole_bot: Bot) -> None:
    assert sum(whole_bot.understand(row["text"]).urgent for row in rows("calm.csv")) <= 2


def test_wishes_for_a_person_are_granted(whole_bot: Bot) -> None:
    understood = [whole_bot.understand(row["text"]) for row in rows("person.csv")]
    assert sum(one.topic == PERSON and one.decision == "hand_over" for one in understood) >= 18


NAUGHTY = st.one_of(
    st.text(max_size=400),
    st.text(st.characters(codec=None), max_size=60),
    st.text("账户被盗提现退款我要真人 money card refund stolen 。,!?\n\u202e\u0301\ud800\x00", max_size=200),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=8), st.integers(1, 2000)),
)


@given(NAUGHTY)
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_twenty_thousand_naughty_messages_raise_nothing_and_invent_nothing(whole_bot: Bot, text: str) -> None:
    assert_sound(whole_bot.understand(text))
