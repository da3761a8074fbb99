"""Masking runs on the event loop for every message, so no text may hold it up."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import pytest

from yingda.conversations.secrets import find, mask

# Aims on a quiet machine: 0.1 ms for a message, 20 ms for the longest; shared test machines get five times that.
MESSAGE_SECONDS_MAX, LONGEST_SECONDS_MAX = 0.0005, 0.1
LONGEST = 10_000
MESSAGES = (
    "Hello, I sent 250 USDT to my other wallet yesterday evening and it still has not arrived, can you look",
    "您好，我昨天晚上从钱包转了二百五十个USDT到另一个地址，到现在还没有到账，请问怎么回事？已经等了很久，请帮我查一下这笔交易好吗？谢谢！",
    "tx 0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060 has been pending for six hours",
    "I forgot my password and the verification code does not arrive on my phone, what should I do now please",
)
HOSTILE = (
    *MESSAGES,
    *("4111 ", "4 1 ", "4", "41-", "[1, ", "[1,", "{", "ciphertext kdf {}", '"', "\t ", "a\u200b", "\ufdfa", "ﷺ1", "１"),
    *("password is ", "密码", "pwd:", "otp ", "验证码：", "otp: - = ", "card number is ", "key ab:", "ab ", "private key tx "),
    *(
        "abandon ",
        "abandonability",
        "zoo 的 ",
        "的 一 ",
        "的一是在 ",
        "的一是在不了有和人这中大",
        "助记词是",
        "seed phrase: 的一是在不了有和",
    ),
    *(
        "K1aB ",
        "5Kb8kLf9zgWQnogidDA76MzPL6TsZZY36hWXMssSzNydYXYB9KG ",
        "x" * 111 + " ",
        "1" * 40 + "5" * 47 + " ",
        "S" * 56 + "-",
    ),
    *("key " + "ab12" * 16 + " ", "-----begin private key-----", "de89 3704 0044 0532 0130 00 4111111111111111 ", "de89"),
)


def quickest(action: Callable[[], object], times: int = 3) -> float:
    taken = []
    for _ in range(times):
        start = perf_counter()
        action()
        taken.append(perf_counter() - start)
    return min(taken)


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_a_usual_message_costs_next_to_nothing(message: str) -> None:
    find(message)
    assert quickest(lambda: [find(message) for _ in range(20)], 5) / 20 < MESSAGE_SECONDS_MAX


@pytest.mark.parametrize("part", HOSTILE, ids=range(len(HOSTILE)))
def test_the_longest_text_is_bounded_whatever_it_repeats(part: str) -> None:
    text = (part * (LONGEST // len(part) + 1))[:LONGEST]
    assert quickest(lambda: find(text)) < LONGEST_SECONDS_MAX
    assert quickest(lambda: mask(text)) < LONGEST_SECONDS_MAX * 3


def test_a_text_built_to_uncover_secret_after_secret_ends() -> None:
    text = "password is " * 800 + "hunter2"
    assert quickest(lambda: mask(text), 1) < LONGEST_SECONDS_MAX * 5
    assert mask(mask(text).text).kinds == ()
