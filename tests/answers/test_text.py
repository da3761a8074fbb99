"""What the engine makes of odd writing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yingda.answers.ngrams import count
from yingda.answers.text import CHARACTERS_MAX, clean, fold, language


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＨＥＬＰ！", "help!"),
        ("轉帳失敗了", "转账失败了"),
        ("sooooo slooow", "soo sloow"),
        ("急急急急急", "急急"),
        ("pay\u200bment\x00 failed\ud800", "payment failed"),
        ("see https://evil.example/a?b now", "see http now"),
        ("order 2026123459876", "order 00000"),
        ("👍🏽", "👍"),
        ("don’t", "don't"),
    ],
)
def test_writing_is_folded_to_one_form(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("我的钱没到", "zh-CN"),
        ("轉帳失敗", "zh-CN"),
        ("我的 USDT 用 TRC20 转错了", "zh-CN"),
        ("account 被 hack 了，里面的币全没了", "zh-CN"),
        ("my money is not there", "en"),
        ("what does 余额 mean in the app", "en"),
        ("", "en"),
        ("12345", "en"),
    ],
)
def test_the_language_is_that_of_the_sentence_around_foreign_words(text: str, tag: str) -> None:
    assert language(text) == tag


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_folded_and_counted_and_folding_twice_changes_no_language(text: str) -> None:
    count(text)
    assert "\x00" not in clean(text)
    assert language(text) in ("zh-CN", "en")


def test_a_very_long_message_is_understood_by_its_beginning() -> None:
    assert len(clean("充" * 1_000_000)) == CHARACTERS_MAX
