"""What a customer writes by mistake never stays readable, and what diagnosis needs always does."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic
from tests.conversations.secret_samples import Sample, every_sample

from yingda.conversations.masking.folding import fold
from yingda.conversations.secrets import find, mask

SAMPLES = every_sample()
KINDS = ("seed_phrase", "private_key", "card", "one_time_code", "password")
ORDINARY = [
    line
    for line in (Path(__file__).parent / "ordinary_sentences.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
TX_HASH = "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"


def remains(sample: Sample, masked: str) -> bool:
    """Whether `window` pieces of the secret in a row can still be read."""
    left = fold(masked).lower
    kept = [fold(piece).lower in left for piece in sample.pieces]
    return any(all(kept[at : at + sample.window]) for at in range(len(kept) - sample.window + 1))


def test_over_a_thousand_secrets_in_every_disguise_are_masked_and_named() -> None:
    assert len(SAMPLES) >= 1000
    assert {sample.kind for sample in SAMPLES} == set(KINDS)
    for sample in SAMPLES:
        masked = mask(sample.text)
        assert masked.kinds == (sample.kind,), sample.text
        assert not remains(sample, masked.text), f"{sample.text!r} became {masked.text!r}"


def test_words_around_a_secret_stay() -> None:
    phrase = Mnemonic("english").to_mnemonic(bytes(range(16)))
    assert mask(f"My phrase, is {phrase}. Now the app hangs").text == "My phrase, is ●●●●. Now the app hangs"
    assert mask("卡号４１１１　１１１１　１１１１　１１１１被盗刷了").text == "卡号●●●●1111被盗刷了"
    assert mask("我的登录密码是Abc#1234，登不上").text == "我的登录密码是●●●●，登不上"


def test_several_secrets_in_one_message_are_all_named_in_order() -> None:
    masked = mask("验证码 889123, card 4111 1111 1111 1111 cvv 737 exp 12/27, password: hunter2")
    assert masked.text == "验证码 ●●●●, card ●●●●1111 cvv ●●●● exp 12/27, password: ●●●●"
    assert masked.kinds == ("one_time_code", "card", "password")


@pytest.mark.parametrize("sentence", ORDINARY)
def test_ordinary_messages_stay_as_they_are(sentence: str) -> None:
    assert mask(sentence) == (sentence, ())


def test_there_are_two_hundred_ordinary_messages_half_of_them_chinese() -> None:
    chinese = sum(any("\u4e00" <= character <= "\u9fff" for character in line) for line in ORDINARY)
    assert len(ORDINARY) >= 200
    assert 0.4 < chinese / len(ORDINARY) < 0.6


def test_ordinary_messages_together_in_one_long_text_stay_too() -> None:
    for language in ("en", "zh"):
        lines = [line for line in ORDINARY if line.isascii() == (language == "en") and "0x" not in line and "code" not in line]
        chance = random.Random(3)
        for _ in range(20):
            text = "\n".join(chance.sample(lines, 30))
            assert [text[found.start : found.end] for found in find(text)] == []


def test_a_hash_is_masked_only_as_a_key_spoken_of() -> None:
    bare = TX_HASH.removeprefix("0x")
    for told in (
        "private key: {}",
        "私钥 {}",
        "{} is my private key",
        "my private key for the address 0x" + "ab" * 20 + " is {}",
    ):
        for form in (TX_HASH, bare, bare.upper()):
            assert mask(told.format(form)).kinds == ("private_key",), told
    for asked in ("{}", "tx {}", "https://etherscan.io/tx/{}", "My private key is safe, but transaction {} fails", "公钥 {}"):
        for form in (TX_HASH, bare, bare.upper()):
            assert mask(asked.format(form)).kinds == (), asked


def test_public_things_in_the_form_of_keys_survive() -> None:
    extended_public = (
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
    )
    for public in (
        extended_public,
        "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H",
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
    ):
        assert find(public) == []


def test_one_wrong_character_means_no_proof_for_a_key_but_a_phrase_is_still_a_phrase() -> None:
    assert find("5Kb8kLf9zgWQnogidDA76MzPL6TsZZY36hWXMssSzNydYXYB9KF")
    assert not find("5Kb8kLf9zgWQnogidDA76MzPL6TsZZY36hWXMssSzNydYXYB9KG")
    phrase = "legal winner thank year wave sausage worth useful legal winner thank thank"
    assert [found.kind for found in find(phrase)] == ["seed_phrase"]


def test_numbers_of_a_cards_length_survive_where_they_are_something_else() -> None:
    card = "4012888888881881"
    assert find(card)
    for other in (
        f"order {card}",
        f"订单号：{card}",
        f"tx{card}",
        f"+{card[:13]}",
        "4012888888881882",
        "0x" + card,
        card + "0000000000",
    ):
        assert find(other) == [], other
    assert find("card number 4012888888881882"), "a typing error does not make a card number harmless"


def test_half_a_phrase_is_caught_where_a_phrase_is_spoken_of() -> None:
    assert mask("my seed phrase starts with abandon ability glimpse zebra oxygen velvet").kinds == ("seed_phrase",)
    assert mask("abandon ability glimpse zebra oxygen velvet").kinds == ()


@pytest.mark.parametrize("sample", SAMPLES[:: len(SAMPLES) // 60], ids=lambda sample: sample.kind)
def test_file_and_display_names_pass_the_same_rules(sample: Sample) -> None:
    name = sample.text.replace("\n", " ").replace("/", "_") + ".txt"
    assert not remains(sample, mask(name).text)


FRAGMENTS = st.sampled_from(
    [sample.text for sample in SAMPLES[::25]]
    + ORDINARY[::6]
    + ["●●●●", "●", "password is ", "验证码", "private key ", "助记词是", " 4111 ", "\u200b", "ﷺ", "İ", "\ud800", "{", "[1,"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS | st.text(max_size=12), max_size=6).map("".join))
def test_any_text_is_masked_once_and_for_all(text: str) -> None:
    found = find(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(left.end <= right.start for left, right in pairwise(found))
    masked = mask(text)
    assert mask(masked.text) == (masked.text, ())
    assert bool(masked.kinds) == bool(found)
    assert set(masked.kinds) <= set(KINDS)
    if not found:
        assert masked.text == text


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab 1一的\u200b①ﬁ\ufdfa\u0301Ａ", max_size=12), st.sampled_from(SAMPLES[::20]))
def test_positions_point_into_the_text_as_it_was_given(before: str, sample: Sample) -> None:
    text = f"{before}\n\n\n{sample.text}"
    covered = "".join(text[found.start : found.end] for found in find(text))
    assert all(fold(piece).lower in fold(covered).lower for piece in sample.pieces if sample.kind == "private_key")
    outside = fold(mask(text).text).lower
    assert not remains(sample, outside)
