"""`check` finds what is broken, whatever was done to the tables behind our back, and finds nothing on an honest desk."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager

import asyncpg
import pytest
from tests.house import Stage, play
from tests.open_desk import let_pass, rows

from yingda.conversations import close
from yingda.conversations.files import keep_file, own_loose_files
from yingda.db.desk import Tx, read_jsonb
from yingda.db.event import first_hash, next_hash
from yingda.insight.check import Ledger, check, compare_ledger

EVENTS = "SELECT seq, shown_seq, at, kind, body, hash FROM events WHERE conversation_id = $1 ORDER BY seq"


async def tell_story(s: Stage) -> int:
    """A conversation with everything in it: a file, a secret, a reply, evidence, a close."""
    ref = await s.desk.transaction(lambda tx: keep_file(tx, s.cast.lin, "a.txt", b"data"))
    refs = await s.desk.read(lambda tx: own_loose_files(tx, s.cast.lin, [ref.id]))
    r = await s.write(s.cast.lin, "看图 ●●●●", files=refs, masked=("card",))
    w = await s.answer(s.cast.guyu, r.conversation, "收到")
    await s.see(s.cast.lin, r.conversation, w.shown_seq)
    thanks = await s.write(s.cast.lin, "谢谢")
    policy = await s.house.policies.present()
    seq = (await rows(s.desk, "SELECT seq FROM conversations WHERE id = $1", r.conversation))[0][0]
    await s.desk.transaction(
        lambda tx: close.close(tx, policy, s.cast.guyu, r.conversation, reason="no_answer_needed", seen_through=seq)
    )
    await s.see(s.cast.lin, r.conversation, thanks.latest_shown_seq + 1)
    return r.conversation


@asynccontextmanager
async def intruder(s: Stage, url: str):
    """Somebody with every right on the database, whose changes are taken back afterwards."""
    connection = await asyncpg.connect(url)
    await read_jsonb(connection)
    transaction = connection.transaction()
    await transaction.start()
    # Neither trigger nor key stands in their way.
    await connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
    for table in ("promises", "files"):
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_conversation_id_fkey")
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


def test_the_chain_of_a_whole_conversation_is_verified_without_the_database(database_url):
    async def scene(s: Stage):
        number = await tell_story(s)
        previous, shown = first_hash(number), 0
        found = await rows(s.desk, EVENTS, number)
        for place, (seq, shown_seq, at, kind, body, stored) in enumerate(found, 1):
            previous = next_hash(previous, seq, at, body)
            assert (seq, stored) == (place, previous)
            assert json.loads(body)["kind"] == kind
            shown += shown_seq is not None
            assert shown_seq in (None, shown)
        head = (await rows(s.desk, "SELECT seq, shown_seq, last_hash FROM conversations WHERE id = $1", number))[0]
        assert head == (len(found), shown, previous)
        kinds = {row[3] for row in found}
        assert kinds >= {"opened", "received", "promised", "secret_masked", "receipt", "taken", "replied", "delivered",
                         "promise_kept", "classified", "promise_withdrawn", "closed"}  # fmt: skip

    play(database_url, scene)


def test_no_event_holds_a_word_a_name_or_a_file_name(database_url):
    async def scene(s: Stage):
        await tell_story(s)
        everything = b"\n".join(body for (body,) in await rows(s.desk, "SELECT body FROM events"))
        for word in ("看图", "收到", "谢谢", "林小禾", "谷雨", "lin", "a.txt"):
            assert f'"{word}'.encode() not in everything and (word == "lin" or word.encode() not in everything)
        for (text, salt, content) in await rows(
            s.desk, "SELECT text, salt, convert_from(e.body, 'UTF8')::jsonb -> 'data' ->> 'content' FROM lines l JOIN events e"
            " USING (conversation_id, seq) WHERE l.kind = 'reply'"
        ):  # fmt: skip
            assert hashlib.sha256(salt + text.encode()).hexdigest() == content

    play(database_url, scene)


TAMPERINGS = [
    "UPDATE events SET body = set_byte(body, 20, get_byte(body, 20) # 1) WHERE seq = 2",
    "UPDATE events SET body = set_byte(body, 3, 255) WHERE seq = 2",
    "UPDATE events SET body = set_byte(body, 3, 255) WHERE kind = 'classified'",
    "UPDATE events SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE seq = 3",
    "UPDATE events SET at = at + interval '1 microsecond' WHERE seq = 1",
    "UPDATE events SET kind = 'closed' WHERE kind = 'taken'",
    "UPDATE events SET shown_seq = NULL WHERE kind = 'replied'",
    "DELETE FROM events WHERE seq = 3",
    "DELETE FROM events WHERE seq = 1",
    "DELETE FROM events e WHERE seq = (SELECT max(seq) FROM events)",
    "DELETE FROM events",
    "UPDATE events SET seq = seq + 1000",
    "UPDATE conversations SET last_hash = sha256('x')",
    "UPDATE conversations SET seq = seq + 1",
    "DELETE FROM conversations",
    "UPDATE lines SET text = text || '!' WHERE kind = 'reply'",
    "UPDATE lines SET text = 'We promise nothing' WHERE code = 'receipt'",
    "UPDATE lines SET salt = set_byte(salt, 5, get_byte(salt, 5) # 1) WHERE kind = 'message'",
    "UPDATE lines SET at = at - interval '1 hour' WHERE kind = 'reply'",
    "UPDATE lines SET shown_seq = NULL WHERE code = 'receipt'",
    "DELETE FROM lines WHERE kind = 'message'",
    "DELETE FROM lines WHERE code = 'closed'",
    "INSERT INTO lines (conversation_id, seq, shown_seq, at, kind, text, salt, language, zone)"
    " SELECT conversation_id, 999, 999, at, kind, 'forged', salt, language, zone FROM lines WHERE kind = 'reply'",
    "UPDATE files SET data = 'other'",
    "UPDATE files SET data = 'other', sha256 = sha256('other')",
    "DELETE FROM files",
]


def test_every_tampering_is_found(database_url):
    async def scene(s: Stage):
        await tell_story(s)
        honest = await s.desk.read(lambda tx: check(tx, {}, None))
        assert honest["ok"] and honest["hashes"]["broken"] == 0 and honest["hashes"]["events"] >= 15
        missed = []
        for tampering in TAMPERINGS:
            async with intruder(s, database_url) as connection:
                assert not (await connection.execute(tampering)).endswith(" 0"), tampering
                result = await check(Tx(s.desk, connection), {}, None)
                if result["ok"] or not result["hashes"]["broken"]:
                    missed.append(tampering)
        assert missed == []

    play(database_url, scene)


def test_the_record_cannot_be_changed_by_the_desk_itself(database_url):
    async def scene(s: Stage):
        await tell_story(s)
        for statement in ("UPDATE events SET kind = 'x'", "DELETE FROM events", "TRUNCATE events"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
                await s.desk.transaction(lambda tx, x=statement: tx.execute(x))

    play(database_url, scene)


BREAKINGS = {
    "promised": "UPDATE promises SET state = 'withdrawn', ended_at = desk_now()",
    "moved_on": "UPDATE promises SET due_at = desk_now() - interval '1 hour'",
    "delivered": "UPDATE lines SET awaits = false",
}


def test_each_invariant_is_counted_with_examples(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        await s.see(s.cast.lin, r.conversation, r.latest_shown_seq)
        await let_pass(s.desk, 30)
        assert (await s.desk.read(lambda tx: check(tx, {}, None)))["ok"]
        for name, breaking in BREAKINGS.items():
            async with intruder(s, database_url) as connection:
                await connection.execute(breaking)
                result = await check(Tx(s.desk, connection), {}, None)
            broken = {n: i["violations"] for n, i in result["invariants"].items() if i["violations"]}
            assert broken.keys() == {name} and not result["ok"], broken
            assert result["invariants"][name]["examples"] == [str(r.conversation)]

    play(database_url, scene)


def test_delivered_without_the_clients_word_is_a_violation(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "钱呢")
        await s.see(s.cast.lin, r.conversation, r.latest_shown_seq)
        await s.answer(s.cast.guyu, r.conversation, "在查")
        await s.desk.transaction(lambda tx: tx.execute("UPDATE deliveries SET state = 'delivered', ended_at = desk_now()"))
        result = await s.desk.read(lambda tx: check(tx, {}, None))
        assert result["invariants"]["delivered"]["violations"] == 1

    play(database_url, scene)


def test_what_cannot_be_checked_says_null_and_never_zero(database_url):
    async def scene(s: Stage):
        result = await s.desk.read(lambda tx: check(tx, {}, None))
        unknown = {name for name, i in result["invariants"].items() if i["violations"] is None}
        assert unknown >= {"kept", "owned", "reconciled"} and result["ledger"] is None
        assert set(result["invariants"]) == {
            "kept",
            "taken",
            "promised",
            "moved_on",
            "owned",
            "delivered",
            "reconciled",
            "watched",
        }

    play(database_url, scene)


def test_the_ledger_finds_what_is_missing_and_what_is_doubled(database_url):
    async def scene(s: Stage):
        await s.write(s.cast.lin, "一", "m1")
        guest = type(s.cast.lin)(s.cast.account.id, "guest", "g1")
        await s.write(guest, "hi", "m1")
        entries = [
            ("lin", "m1"),
            ("wallet:lin", "m1"),
            ("guest:g1", "m1"),
            ("lin", "m2"),
            ("maya", "m1"),
        ]  # told "yes" twice is no harm
        ledger = await s.desk.read(lambda tx: compare_ledger(tx, entries))
        assert ledger == Ledger(5, ["wallet:lin/m2", "wallet:maya/m1"], [])
        result = await s.desk.read(lambda tx: check(tx, {}, ledger))
        assert result["ledger"] == {"acknowledged": 5, "missing": 2, "doubled": 0} and not result["ok"]
        assert result["invariants"]["kept"] == {"violations": 2, "examples": ledger.missing}

    play(database_url, scene)
