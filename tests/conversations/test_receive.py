"""A message comes in: it is kept, promised and told, once, in the customer's language."""

from __future__ import annotations

import asyncio

import pytest
from tests.house import Stage, play

from yingda.errors import Refused
from yingda.insight.check import check


def test_a_first_message_is_kept_promised_and_told_in_one_transaction(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "我转的钱还没到")
        lines = await s.lines(s.cast.lin, r.conversation)
        assert [(x.kind, x.code) for x in lines] == [("message", None), ("system", "receipt")]
        assert lines[0].text == "我转的钱还没到"
        assert str(r.conversation) in lines[1].text and "一线客服组" in lines[1].text and "上海时间" in lines[1].text
        promise = await s.promise(r.conversation)
        assert (promise["state"], promise["kind"], promise["due_at"]) == ("open", "first_response", r.due)
        assert [x.shown_seq for x in lines] == [1, 2]
        assert tuple(lines) == r.lines, "what the sender is told is what is stored"

    play(database_url, scene)


def test_an_english_customer_reads_english_in_their_own_zone(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.maya, "My transfer has not arrived")
        assert "the first-line team" in r.lines[1].text and "London time" in r.lines[1].text

    play(database_url, scene)


def test_a_second_message_joins_the_open_conversation_and_its_promise(database_url):
    async def scene(s: Stage):
        first = await s.write(s.cast.maya, "hello?")
        second = await s.write(s.cast.maya, "anyone?")
        assert (second.conversation, second.due) == (first.conversation, first.due)
        assert second.shown_seq == 3
        assert await s.desk.read(lambda tx: tx.fetchval("SELECT count(*) FROM promises")) == 1

    play(database_url, scene)


def test_the_same_message_sent_again_is_one_message_with_the_same_receipt(database_url):
    async def scene(s: Stage):
        first = await s.write(s.cast.lin, "卡丢了", "m1")
        again = await s.write(s.cast.lin, "卡丢了", "m1")
        assert again.repeated and not first.repeated
        assert s.house.signer.receipt(again) == s.house.signer.receipt(first)
        assert again.lines == first.lines
        with pytest.raises(Refused, match="message_id_reused"):
            await s.write(s.cast.lin, "别的话", "m1")

    play(database_url, scene)


def test_fifty_messages_at_once_from_one_customer_make_one_conversation(database_url):
    async def scene(s: Stage):
        got = await asyncio.gather(*(s.write(s.cast.maya, f"message {i}", f"m{i}") for i in range(50)))
        assert len({r.conversation for r in got}) == 1
        lines = await s.lines(s.cast.maya, got[0].conversation)
        assert [x.shown_seq for x in lines] == list(range(1, 101))
        assert {x.text for x in lines if x.kind == "message"} == {f"message {i}" for i in range(50)}

    play(database_url, scene)


def test_the_same_message_twenty_times_at_once_is_one_message(database_url):
    async def scene(s: Stage):
        got = await asyncio.gather(*(s.write(s.cast.lin, "在吗", "same") for _ in range(20)))
        assert len({(r.conversation, r.seq) for r in got}) == 1
        assert sum(not r.repeated for r in got) == 1
        assert await s.desk.read(lambda tx: tx.fetchval("SELECT count(*) FROM lines WHERE kind = 'message'")) == 1

    play(database_url, scene)


def test_an_answer_travels_to_evidence_and_only_then_stops_the_clock(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        w = await s.answer(s.cast.guyu, r.conversation, "您好，正在查。")
        assert (await s.promise(r.conversation))["state"] == "open", "a stored reply is no evidence"
        assert await s.see(s.cast.lin, r.conversation, w.shown_seq) == w.shown_seq
        promise = await s.promise(r.conversation)
        assert promise["state"] == "kept"
        result = await s.desk.read(lambda tx: check(tx, {}, None))
        assert result["ok"] and result["hashes"]["broken"] == 0, result

    play(database_url, scene)


def test_a_message_that_crossed_the_reply_still_waits(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        seen = r.seq + 2
        second = await s.write(s.cast.lin, "又扣了一次")
        with pytest.raises(Refused, match="newer_messages"):
            await s.answer(s.cast.guyu, r.conversation, "在查", seen_through=seen)
        w = await s.answer(s.cast.guyu, r.conversation, "在查", seen_through=seen, anyway=True)
        await s.see(s.cast.lin, r.conversation, w.shown_seq)
        promise = await s.promise(r.conversation)
        assert (promise["state"], promise["from_seq"]) == ("open", second.seq)

    play(database_url, scene)


def test_the_next_message_of_a_conversation_somebody_has_is_promised_by_them(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        w = await s.answer(s.cast.guyu, r.conversation, "您好，正在查。")
        await s.see(s.cast.lin, r.conversation, w.shown_seq)
        second = await s.write(s.cast.lin, "查到了吗")
        assert second.owner == s.cast.guyu.actor and "谷雨" in second.lines[-1].text
        promise = await s.promise(r.conversation)
        assert (promise["state"], promise["kind"], promise["owner"]) == ("open", "next_response", s.cast.guyu.actor)

    play(database_url, scene)
