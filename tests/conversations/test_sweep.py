"""The sweep: what is past due moves on, whatever becomes of its neighbours."""

from __future__ import annotations

import asyncpg
import pytest
from tests.house import Stage, play
from tests.open_desk import let_pass, rows

from yingda.conversations.sweep import sweep
from yingda.db import desk as door
from yingda.errors import Temporary

LATE = "SELECT id FROM conversations WHERE lead_since IS NOT NULL ORDER BY id"


def test_a_locked_conversation_holds_up_no_other_and_is_moved_when_it_is_free(database_url, monkeypatch):
    monkeypatch.setitem(door.SERVING_LIMITS, "lock_timeout", "50ms")

    async def scene(s: Stage):
        first = await s.write(s.cast.lin, "钱呢")
        second = await s.write(s.cast.maya, "where is it")
        await let_pass(s.desk, 3600)
        holder = await asyncpg.connect(database_url)
        await holder.execute("BEGIN")
        await holder.execute("SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE", first.conversation)
        with pytest.raises(Temporary, match="database_busy"):
            await sweep(s.desk, s.house.policies)
        assert await rows(s.desk, LATE) == [(second.conversation,)]
        await holder.close()
        assert await sweep(s.desk, s.house.policies) == 1
        assert await rows(s.desk, LATE) == [(first.conversation,), (second.conversation,)]

    play(database_url, scene)


def test_a_broken_conversation_holds_up_no_other(database_url):
    async def scene(s: Stage):
        first = await s.write(s.cast.lin, "钱呢")
        second = await s.write(s.cast.maya, "where is it")
        await let_pass(s.desk, 3600)
        await s.desk.transaction(
            lambda tx: tx.execute("UPDATE conversations SET zone = 'No/Where' WHERE id = $1", first.conversation)
        )
        with pytest.raises(Exception, match="No/Where"):
            await sweep(s.desk, s.house.policies)
        assert await rows(s.desk, LATE) == [(second.conversation,)]
        untold = await rows(s.desk, "SELECT conversation_id FROM lines WHERE awaits AND withheld IS NULL AND told_at IS NULL")
        assert untold == []

    play(database_url, scene)
