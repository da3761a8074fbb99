"""A promise past due moves on by itself: the miss on record, an apology with old and new time, a new owner, once."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from tests.house import ALWAYS, Stage, play
from tests.open_desk import let_pass, rows

from yingda import words
from yingda.conversations import assign, history
from yingda.conversations.due import is_open
from yingda.conversations.hours import parse_hours
from yingda.conversations.policy import Policies
from yingda.conversations.sweep import RECEIPT_WAIT_SECONDS, sweep
from yingda.db.desk import Desk, connect_pool
from yingda.insight.check import check

TOLD = "SELECT told_at IS NOT NULL, withheld FROM lines WHERE kind = 'message' ORDER BY seq"


async def bodies(s: Stage, number: int) -> list[dict]:
    found = await rows(s.desk, "SELECT body FROM events WHERE conversation_id = $1 ORDER BY seq", number)
    return [json.loads(body) for (body,) in found]


async def owner_of(s: Stage, number: int) -> str:
    return (await s.promise(number))["owner"]


@pytest.mark.parametrize(("who", "zone"), [("lin", "Asia/Shanghai"), ("maya", "Europe/London")])
def test_past_due_the_customer_reads_an_apology_in_their_language_and_zone(database_url, who: str, zone: str):
    async def scene(s: Stage):
        customer = getattr(s.cast, who)
        r = await s.write(customer, "在吗 / anyone?")
        assert await sweep(s.desk, s.house.policies) == 0, "not due yet"
        await let_pass(s.desk, 601)
        assert await sweep(s.desk, s.house.policies) == 1
        promise = await s.promise(r.conversation)
        assert (promise["state"], promise["owner"], promise["from_seq"]) == ("open", "lead", r.seq)
        line = (await s.lines(customer, r.conversation))[-1]
        old, new = (words.moment(customer.language, zone, at) for at in (r.due, promise["due_at"]))
        assert (line.kind, line.code, line.language) == ("system", "promise_moved", customer.language)
        assert old in line.text and new in line.text and old != new
        assert words.sentence(customer.language, "owner.lead") in line.text
        missed = next(b for b in await bodies(s, r.conversation) if b["kind"] == "promise_missed")
        assert (missed["actor"], missed["data"]["owner"], missed["data"]["from"]) == ("desk", "queue:tier1", r.seq)
        assert await rows(s.desk, "SELECT state FROM promises ORDER BY id") == [("missed",), ("open",)]
        assert (await s.desk.read(lambda tx: check(tx, {}, None)))["ok"]

    play(database_url, scene)


def test_whoever_had_it_loses_it_and_it_stands_on_the_leads_list(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        await s.desk.transaction(lambda tx: assign.take(tx, s.cast.guyu, r.conversation))
        assert await owner_of(s, r.conversation) == s.cast.guyu.actor
        assert await s.desk.read(lambda tx: history.queue(tx, s.cast.guyu)) == []
        await let_pass(s.desk, 601)
        await sweep(s.desk, s.house.policies)
        queue = await s.desk.read(lambda tx: history.queue(tx, s.cast.bailu))
        leads = await s.desk.read(lambda tx: history.queue(tx, s.cast.xiazhi, view="lead"))
        assert [x.conversation for x in queue] == [x.conversation for x in leads] == [r.conversation], "anyone may take it"
        assert (leads[0].owner, leads[0].assignee_name) == ("lead", None)
        assert await s.desk.read(lambda tx: history.queue(tx, s.cast.guyu, view="mine")) == []

    play(database_url, scene)


def test_swept_twice_or_by_two_at_once_it_moves_once(database_url):
    async def scene(s: Stage):
        numbers = [(await s.write(s.cast.lin, "一")).conversation, (await s.write(s.cast.maya, "one")).conversation]
        await let_pass(s.desk, 601)
        pool = await connect_pool(database_url, size=2, least=1)
        other = Desk(pool, s.desk.clock, s.desk.chance, follows=s.desk.follows)
        try:
            moved = await asyncio.gather(*(sweep(d, Policies(d)) for d in (s.desk, other) for _ in range(3)))
        finally:
            await pool.close()
        assert sum(moved) == len(numbers)
        assert await sweep(s.desk, s.house.policies) == 0
        for number in numbers:
            codes = [line.code for line in await s.lines(s.cast.guyu, number)]
            assert codes.count("promise_moved") == 1

    play(database_url, scene)


def test_a_desk_that_has_closed_promises_for_its_next_opening(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.maya, "hello?")
        due = r.due.astimezone(words.zone_info("Asia/Shanghai"))
        opens = (due + timedelta(days=3)).replace(hour=9, minute=30, second=0, microsecond=0)
        weekly = {day: [["09:30", "18:00"]] if day == opens.strftime("%a").lower() else [] for day in ALWAYS["weekly"]}
        closed = {**ALWAYS, "weekly": weekly}
        await s.desk.transaction(lambda tx: tx.execute("UPDATE desk SET hours = $1", closed))
        await let_pass(s.desk, 601)
        policies = Policies(s.desk)
        await sweep(s.desk, policies)
        promise = await s.promise(r.conversation)
        assert promise["due_at"] == opens + timedelta(minutes=10)
        assert not is_open(parse_hours(closed), await s.desk.read(lambda tx: tx.now()))

    play(database_url, scene)


def test_a_lead_who_misses_too_is_on_record_too(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        for _ in range(3):
            await let_pass(s.desk, 601)
            assert await sweep(s.desk, s.house.policies) == 1
        missed = [b["data"]["owner"] for b in await bodies(s, r.conversation) if b["kind"] == "promise_missed"]
        assert missed == ["queue:tier1", "lead", "lead"]
        since = await rows(s.desk, "SELECT lead_since FROM conversations")
        moved = [line.at for line in await s.lines(s.cast.lin, r.conversation) if line.code == "promise_moved"]
        assert since[0][0] <= moved[0] < moved[1], "on the lead's list since the first miss"

    play(database_url, scene)


def test_an_answer_in_time_leaves_nothing_to_sweep(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        w = await s.answer(s.cast.guyu, r.conversation, "在查")
        await s.see(s.cast.lin, r.conversation, w.shown_seq)
        await let_pass(s.desk, 86_400)
        assert await sweep(s.desk, s.house.policies) == 0
        assert await rows(s.desk, "SELECT waiting_since, lead_since FROM conversations") == [(None, None)]

    play(database_url, scene)


def test_a_reply_that_nobody_has_seen_does_not_stop_the_clock(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        await s.answer(s.cast.guyu, r.conversation, "在查")
        await let_pass(s.desk, 601)
        assert await sweep(s.desk, s.house.policies) == 1
        assert (await s.promise(r.conversation))["owner"] == "lead"

    play(database_url, scene)


def test_a_receipt_nobody_collects_is_withheld_on_record_and_told_when_they_come_back(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        await sweep(s.desk, s.house.policies)
        assert await rows(s.desk, TOLD) == [(False, None)]
        await let_pass(s.desk, RECEIPT_WAIT_SECONDS + 1)
        await sweep(s.desk, s.house.policies)
        await sweep(s.desk, s.house.policies)
        assert await rows(s.desk, TOLD) == [(False, "not_collected")]
        withheld = [b for b in await bodies(s, r.conversation) if b["kind"] == "receipt_withheld"]
        assert [w["data"] for w in withheld] == [{"message": r.seq, "reason": "not_collected"}]
        assert (await s.promise(r.conversation))["state"] == "open", "withholding never removes the promise"
        await let_pass(s.desk, 5)
        assert (await s.desk.read(lambda tx: check(tx, {}, None)))["ok"]
        await s.see(s.cast.lin, r.conversation, r.latest_shown_seq)
        assert await rows(s.desk, TOLD) == [(True, "not_collected")]

    play(database_url, scene)


def test_a_receipt_that_was_shown_in_time_is_told_and_never_withheld(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        await s.see(s.cast.lin, r.conversation, r.shown_seq)
        assert await rows(s.desk, TOLD) == [(False, None)], "the message was shown, its receipt was not"
        await s.see(s.cast.lin, r.conversation, r.latest_shown_seq)
        await let_pass(s.desk, RECEIPT_WAIT_SECONDS + 1)
        await sweep(s.desk, s.house.policies)
        assert await rows(s.desk, TOLD) == [(True, None)]

    play(database_url, scene)
