"""Live news: a hint is fast, and a hint that got lost costs a moment, never a message."""

from __future__ import annotations

import asyncio

from tests.house import Stage, play


def test_whoever_watches_a_conversation_hears_of_it_at_once_and_nobody_else_does(database_url):
    async def scene(s: Stage):
        mine, other = await s.write(s.cast.lin, "在吗"), await s.write(s.cast.maya, "hello")
        with s.house.live.watching(str(mine.conversation)) as moved, s.house.live.watching(str(other.conversation)) as others:
            await s.answer(s.cast.guyu, mine.conversation, "在的")
            assert moved.is_set() and not others.is_set()
        assert s.house.live.count == 0

    play(database_url, scene)


def test_what_another_process_wrote_is_found_by_the_slow_look_when_its_hint_is_lost(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "在吗")
        await s.house.live.look(s.desk)
        heard: list[frozenset[str]] = []
        s.desk.wakes.listen(heard.append)
        hint, s.desk.wakes.hint = s.desk.wakes.hint, lambda topics: None  # the other process's hint never comes
        await s.answer(s.cast.guyu, r.conversation, "在的")
        s.desk.wakes.hint = hint
        with s.house.live.watching(str(r.conversation)) as moved:
            await s.house.live.look(s.desk)
            assert moved.is_set()
        assert {str(r.conversation)} in heard, "the console hears of it too"
        heard.clear()
        await s.house.live.look(s.desk)
        assert not any(heard), "what was told is not told again"

    play(database_url, scene)


def test_the_slow_look_waits_for_a_transaction_that_is_still_open(database_url):
    """An event with a lower number may be committed later: it is told then, and not lost."""

    async def scene(s: Stage):
        slow, quick = await s.write(s.cast.lin, "一"), await s.write(s.cast.maya, "one")
        await s.house.live.look(s.desk)
        heard: list[frozenset[str]] = []
        s.desk.wakes.listen(heard.append)
        written, go_on = asyncio.Event(), asyncio.Event()

        async def dawdle(tx):
            await tx.fetch("SELECT 1 FROM append_event($1, 'dawdled', '\\x7b7d', false, '{}')", slow.conversation)
            written.set()
            await go_on.wait()

        dawdling = asyncio.create_task(s.desk.transaction(dawdle))
        await written.wait()
        await s.answer(s.cast.guyu, quick.conversation, "hello")
        await s.house.live.look(s.desk)
        go_on.set()
        await dawdling
        heard.clear()
        await s.house.live.look(s.desk)
        assert {str(slow.conversation), str(quick.conversation)} <= set().union(*heard)

    play(database_url, scene)
