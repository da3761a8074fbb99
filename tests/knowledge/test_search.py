"""Search finds every Chinese substring exactly, forgives in English, and never refuses a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.knowledge.corpus import Dictionary, case, pages

from yingda.knowledge.articles import packaged
from yingda.knowledge.encoder import packaged_encoder
from yingda.knowledge.pages import page_of
from yingda.knowledge.search import Index

ENCODERS = {"words alone": lambda: None, "the packaged encoder": packaged_encoder}


def found(index: Index, query: str, top: int = 10) -> list[str]:
    return [hit.id for hit in index.search(query, top)]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_word_inside_a_sentence_is_found_and_a_pair_across_a_border_is_not(encoder: str):
    documents, queries = case("S01-word-inside-sentence")
    index = Index(documents, ENCODERS[encoder]())
    right = {"提现": {"1", "2"}, "到账": {"1"}, "钱包": {"2", "3"}, "现到": set()}
    assert {query: set(found(index, query)) for query in queries} == right


@pytest.mark.parametrize("encoder", ENCODERS)
def test_no_punctuation_is_an_operator_and_each_query_finds_its_page(encoder: str):
    documents, queries = case("S03-query-punctuation")
    index = Index([*documents, page_of("other.txt", "nothing of the kind")], ENCODERS[encoder]())
    assert len(queries) == 20
    assert {query: found(index, query)[:1] for query in queries} == {query: ["1"] for query in queries}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_terms_of_one_and_two_characters_find_exactly_the_pages_that_hold_them(encoder: str):
    documents, queries = case("S05-one-and-two-character-terms")
    index = Index(documents, ENCODERS[encoder]())
    right = {"链": {"1"}, "冻结": {"1", "2"}, "结账": {"2"}}
    assert {query: set(found(index, query)) for query in queries} == right


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("錢包凍結", "zh"),
        ("钱包冻结", "zh"),
        ("帳戶", "zh"),
        ("ＵＳＤＴ", "zh"),
        ("usdt", "zh"),
        ("帐户", "zh"),
        ("REFUNDS", "en"),
        ("refunding", "en"),
    ],
)
def test_script_width_and_capitals_make_no_difference(query: str, page: str):
    index = Index(pages(zh="# 幫助\n\n我的錢包凍結了，账户里有 USDT", en="# Help\n\nHow a refund comes back"))
    assert found(index, query)[:1] == [page]


@pytest.mark.parametrize("query", ["cancle my transfr", "cancel transfers", "Cancelling a transfer", "transfer cancelled"])
def test_misspelt_and_bent_english_words_are_forgiven(query: str):
    index = Index(
        pages(a="# Transfers\n\nHow to cancel a transfer", b="# Cards\n\nHow to order a card", c="# Fees\n\nWhat it costs")
    )
    assert found(index, query)[:1] == ["a"]


def test_a_title_weighs_more_than_a_passing_word():
    index = Index(pages(a="# 手续费\n\n按金额收取", b="# 提现\n\n手续费另计，提现要一天", c="# 转账\n\n先看手续费"))
    assert found(index, "手续费是多少")[:1] == ["a"]


def test_front_matter_and_a_file_name_of_words_are_searched_too():
    index = Index(
        [
            page_of("lost-phone.md", "---\ntitle: 换机\nquestions: [我的手机掉河里了]\n---\n先锁定账户"),
            page_of("7.md", "# 其他\n\n内容"),
        ]
    )
    assert found(index, "掉河里")[:1] == ["lost-phone"]
    assert found(index, "lost phone")[:1] == ["lost-phone"]
    assert found(index, "换机") == ["lost-phone"]


def test_meaning_finds_across_languages_but_not_for_a_short_term():
    index = Index(pages(zh="# 换绑\n\n手机丢了先锁定", en="# Cards\n\nOrder a card"), Dictionary())
    assert found(index, "my phone is gone")[:1] == ["zh"]
    assert found(index, "我要一张银行卡")[:1] == ["en"]
    assert found(index, "密码") == []
    assert found(Index(pages(a="# Cards\n\nOrder a card", b="# Passwords\n\nSet a new password"), Dictionary()), "密码") == ["b"]


def test_a_page_that_shares_nothing_with_the_query_is_no_result():
    assert found(Index(pages(a="# Cards\n\nOrder a card", b="# 退款\n\n多久到"), Dictionary()), "zzzz qqqq") == []


def test_at_most_so_many_come_best_first_and_the_same_each_time():
    index = Index(pages(**{f"p{n}": f"# 页 {n}\n\n" + "退款 " * n for n in range(1, 30)}), Dictionary())
    hits = index.search("退款什么时候到", 5)
    assert len(hits) == 5
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits == index.search("退款什么时候到", 5)


def test_an_empty_folder_and_an_empty_query_find_nothing():
    assert Index([], Dictionary()).search("anything") == []
    assert Index(pages(a="# A\n\nb"), Dictionary()).search(" \u3000\n") == []
    assert Index(pages(a=""), Dictionary()).search("anything at all") == []


EVERYTHING = Index([page_of(f"{a.slug}.{a.language}.md", f"# {a.title}\n\n{a.body}") for a in packaged()])


@given(st.text(max_size=60))
def test_any_text_is_a_query(text: str):
    assert len(EVERYTHING.search(text, 3)) <= 3


@given(st.data())
def test_any_chinese_piece_of_a_page_finds_that_page(data: st.DataObject):
    article = data.draw(st.sampled_from([a for a in packaged() if a.language == "zh-CN"]))
    paragraph = data.draw(st.sampled_from([line for line in article.body.splitlines() if line and line[0] not in "#-1234567890"]))
    start = data.draw(st.integers(0, len(paragraph) - 1))
    piece = paragraph[start : start + data.draw(st.integers(1, 12))].strip()
    if piece:
        assert f"{article.slug}.zh-CN" in found(EVERYTHING, piece, 200)
