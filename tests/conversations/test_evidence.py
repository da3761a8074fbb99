"""What really reached the customer: evidence only goes forward, a reply nobody collects is offered, closing hides nothing."""

from __future__ import annotations

import pytest
from tests.house import Stage, play
from tests.open_desk import let_pass, rows

from yingda.channels.chat.send import send
from yingda.conversations import assign, close, history
from yingda.conversations.evidence import COLLECT_SECONDS_MAX
from yingda.errors import Permanent, Refused
from yingda.insight.check import check
from yingda.jobs.work import Later

STATES = "SELECT state FROM deliveries ORDER BY seq"


async def deliver(s: Stage, number: int, seq: int) -> None:
    await s.house.handlers["deliver"](s.desk, {"conversation": number, "seq": seq})


async def shut(s: Stage, who, number: int, reason: str = "answered", seen_through: int | None = None):
    policy = await s.house.policies.present()
    seq = seen_through if seen_through is not None else (await rows(s.desk, "SELECT max(seq) FROM events"))[0][0]
    return await s.desk.transaction(lambda tx: close.close(tx, policy, who, number, reason=reason, seen_through=seq))


async def assert_refused(code: str, work, status: int | None = None) -> None:
    with pytest.raises(Refused, match=code) as refused:
        await work
    assert status is None or refused.value.status == status


def test_evidence_goes_forward_only_and_counts_once(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        w = await s.answer(s.cast.guyu, r.conversation, "在查")
        await assert_refused("shown_seq_unknown", s.see(s.cast.lin, r.conversation, w.shown_seq + 1))
        await assert_refused("shown_seq_unknown", s.see(s.cast.lin, r.conversation, -1))
        assert await rows(s.desk, STATES) == [("pending",)]
        for shown_seq in (w.shown_seq, 1, 0, w.shown_seq):
            assert await s.see(s.cast.lin, r.conversation, shown_seq) == w.shown_seq
        assert await rows(s.desk, STATES) == [("delivered",)]
        assert await rows(s.desk, "SELECT count(*) FROM events WHERE kind = 'delivered'") == [(1,)]
        await assert_refused("not_found", s.see(s.cast.maya, r.conversation, 1), 404)

    play(database_url, scene)


def test_one_look_delivers_every_reply_up_to_it_and_none_after(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        written = [await s.answer(s.cast.guyu, r.conversation, f"回复{i}") for i in range(3)]
        await s.see(s.cast.lin, r.conversation, written[1].shown_seq)
        assert await rows(s.desk, STATES) == [("delivered",), ("delivered",), ("pending",)]

    play(database_url, scene)


def test_a_reply_is_offered_when_nobody_collects_it_and_delivered_when_they_come_back(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        w = await s.answer(s.cast.guyu, r.conversation, "在查")
        with pytest.raises(Later) as later:
            await deliver(s, r.conversation, w.seq)
        assert COLLECT_SECONDS_MAX - 10 < later.value.seconds <= COLLECT_SECONDS_MAX
        await let_pass(s.desk, COLLECT_SECONDS_MAX + 1)
        await deliver(s, r.conversation, w.seq)
        await deliver(s, r.conversation, w.seq)
        assert await rows(s.desk, STATES) == [("offered",)]
        assert (await s.promise(r.conversation))["state"] == "kept"
        assert await rows(s.desk, "SELECT count(*) FROM events WHERE kind = 'offered'") == [(1,)]
        await s.see(s.cast.lin, r.conversation, w.shown_seq)
        assert await rows(s.desk, STATES) == [("delivered",)]
        assert await rows(s.desk, "SELECT count(*) FROM events WHERE kind = 'delivered'") == [(1,)]
        assert (await s.desk.read(lambda tx: check(tx, {}, None)))["ok"]

    play(database_url, scene)


def test_a_job_for_no_reply_or_no_channel_goes_to_a_person(database_url):
    async def scene(s: Stage):
        with pytest.raises(Permanent, match="delivery_unknown"):
            await deliver(s, 1, 1)
        r = await s.write(s.cast.lin, "钱呢")
        w = await s.answer(s.cast.guyu, r.conversation, "在查")
        await s.desk.transaction(lambda tx: tx.execute("UPDATE channel_accounts SET channel = 'pigeon'"))
        with pytest.raises(Permanent, match="channel_unknown"):
            await deliver(s, r.conversation, w.seq)
        assert send is not None and await rows(s.desk, STATES) == [("pending",)]

    play(database_url, scene)


def test_nothing_that_waits_or_is_on_its_way_can_be_closed_over(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        await assert_refused("close_reason_unknown", shut(s, s.cast.guyu, r.conversation, "because"))
        await assert_refused("close_unanswered", shut(s, s.cast.guyu, r.conversation), 409)
        w = await s.answer(s.cast.guyu, r.conversation, "在查")
        for reason in close.REASONS:
            await assert_refused("close_undelivered", shut(s, s.cast.guyu, r.conversation, reason), 409)
        await s.see(s.cast.lin, r.conversation, w.shown_seq)
        crossed = await s.write(s.cast.lin, "还有一件事")
        await assert_refused("newer_messages", shut(s, s.cast.guyu, r.conversation, seen_through=w.seq), 409)
        await assert_refused("close_unanswered", shut(s, s.cast.guyu, r.conversation), 409)
        assert crossed.conversation == r.conversation

    play(database_url, scene)


def test_a_closed_conversation_says_so_keeps_its_record_and_the_next_message_opens_a_new_one(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        w = await s.answer(s.cast.guyu, r.conversation, "已到账")
        await s.see(s.cast.lin, r.conversation, w.shown_seq)
        await shut(s, s.cast.guyu, r.conversation)
        lines = await s.lines(s.cast.lin, r.conversation)
        assert lines[-1].code == "closed" and str(r.conversation) in lines[-1].text
        for work in (s.answer(s.cast.guyu, r.conversation, "再说"), shut(s, s.cast.guyu, r.conversation)):
            await assert_refused("conversation_closed", work, 409)
        again = await s.write(s.cast.lin, "又没到")
        assert again.conversation != r.conversation
        listed = await s.desk.read(lambda tx: history.earlier(tx, s.cast.lin))
        assert [c["state"] for c in listed] == ["open", "closed"]
        assert await s.see(s.cast.lin, r.conversation, lines[-1].shown_seq) == lines[-1].shown_seq
        assert (await s.desk.read(lambda tx: check(tx, {}, None)))["ok"]

    play(database_url, scene)


def test_spam_is_closed_by_classifying_each_message_and_withdrawing_the_promise(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.maya, "BUY")
        await s.write(s.cast.maya, "NOW")
        await shut(s, s.cast.bailu, r.conversation, "spam")
        assert (await s.promise(r.conversation))["state"] == "withdrawn"
        assert await rows(s.desk, "SELECT count(*) FROM events WHERE kind = 'classified'") == [(2,)]
        assert await rows(s.desk, "SELECT count(*) FROM lines WHERE awaits") == [(0,)]
        assert (await s.desk.read(lambda tx: check(tx, {}, None)))["ok"]

    play(database_url, scene)


def test_one_has_it_and_gives_it_back(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")

        def take(who):
            return s.desk.transaction(lambda tx: assign.take(tx, who, r.conversation))

        def back(who):
            return s.desk.transaction(lambda tx: assign.hand_back(tx, who, r.conversation))

        await assert_refused("not_yours", back(s.cast.guyu), 409)
        assert await take(s.cast.guyu) is not None and await take(s.cast.guyu) is None
        await assert_refused("taken_by_other", take(s.cast.bailu), 409)
        await assert_refused("taken_by_other", s.answer(s.cast.bailu, r.conversation, "hi", anyway=True), 409)
        await assert_refused("not_yours", back(s.cast.bailu), 409)
        due = (await s.promise(r.conversation))["due_at"]
        await take(s.cast.xiazhi)
        assert (await s.promise(r.conversation))["owner"] == s.cast.xiazhi.actor
        await back(s.cast.xiazhi)
        promise = await s.promise(r.conversation)
        assert (promise["owner"], promise["due_at"]) == ("queue:tier1", due), "handing back moves no time"
        told = [line.code for line in await s.lines(s.cast.lin, r.conversation) if line.kind == "system"]
        assert told == ["receipt", "taken", "taken", "handed_back"]
        await assert_refused("not_found", s.desk.transaction(lambda tx: assign.take(tx, s.cast.guyu, 1)), 404)

    play(database_url, scene)


def test_a_reply_posted_twice_is_one_reply(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        seq = r.seq + 2
        first = await s.answer(s.cast.guyu, r.conversation, "在查", seen_through=seq, key="form-1")
        again = await s.answer(s.cast.guyu, r.conversation, "在查", seen_through=seq, key="form-1")
        assert again == first
        other = await s.write(s.cast.maya, "hello")
        await assert_refused("reply_key", s.answer(s.cast.guyu, other.conversation, "hi", key="form-1"), 409)
        for key in ("", "k" * 65, "a\0b"):
            await assert_refused("reply_key", s.answer(s.cast.guyu, r.conversation, "x", key=key))
        for text, code in (("", "reply_empty"), (" \n\0", "reply_empty"), ("x" * 10_001, "reply_too_long")):
            await assert_refused(code, s.answer(s.cast.guyu, r.conversation, text))
        for seen in (-1, 10**6):
            await assert_refused("seen_through_unknown", s.answer(s.cast.guyu, r.conversation, "x", seen_through=seen))
        assert await rows(s.desk, "SELECT count(*) FROM deliveries") == [(1,)]

    play(database_url, scene)


def test_a_reply_is_cleaned_and_masked_like_a_message(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.maya, "help")
        await s.answer(s.cast.bailu, r.conversation, "your card 4111 1111 1111 1111\x1b[31m\r\nand \ud800 half")
        text = (await s.lines(s.cast.maya, r.conversation))[-1].text
        assert "4111 1111" not in text and "\x1b" not in text and "\r" not in text and "\ufffd" in text

    play(database_url, scene)
