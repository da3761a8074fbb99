"""The record: its bytes are fixed for ever, the same in Python and in SQL, and nothing in it can be changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yingda.db.event import Fact, body_of, commitment, content_of, first_hash, micros, next_hash

# Made apart, with struct, json and hashlib alone. A change that needs new values here breaks every desk's record.
FIRST = {
    1: "f5f0671d715d5a634286bf858ce7b4ff4655c0bd8b161a61ef7f8cf58e04abce",
    10001: "4f3590c68fc3c264f21830f423bc40cc258ed756a47ef5524a416698ab42049f",
    2**63 - 1: "abd149c001a2f949e2d2f05c8bd01c8ce0859c3cd36fa7e2149c0f3877153131",
}
# The chain of conversation 10001: (at, micros, fact, body, hash); the last of them before 1970.
CHAIN = [
    (
        datetime(2026, 1, 1, tzinfo=UTC),
        1767225600000000,
        Fact("opened", "customer", {"account": 1}),
        b'{"actor":"customer","data":{"account":1},"kind":"opened","version":1}',
        "ce497fe278c809eb9b9c8a68df50c8adb39ed4e9b2154fad1eac32ccf9ba2564",
    ),
    (
        datetime(2026, 1, 1, microsecond=1, tzinfo=UTC),
        1767225600000001,
        Fact("received", "customer", {"masked": "", "files": 0, "content": "00" * 32}),
        b'{"actor":"customer","data":{"content":"' + b"00" * 32 + b'","files":0,"masked":""},"kind":"received","version":1}',
        "aa7d3dfc66e69564b2c4f316cccb774de1f2ca00e41a7439c1601ec6b3fa9041",
    ),
    (
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        -1,
        Fact("promised", "desk", {"promise": "first_response", "owner": "queue:tier1", "due": 1767225600000000}),
        b'{"actor":"desk","data":{"due":1767225600000000,"owner":"queue:tier1","promise":"first_response"},'
        b'"kind":"promised","version":1}',
        "3b86ccfc397d17ad41a0e583f95c9da7419fd3331c9b048171773c400b500857",
    ),
]
APPENDED = """
WITH customer AS (INSERT INTO customers (language, zone) VALUES ('en', 'UTC') RETURNING id),
     account AS (INSERT INTO channel_accounts (channel, name, widget_key) VALUES ('chat', 'a', 'a') RETURNING id)
INSERT INTO conversations (id, account_id, customer_id, language, zone, last_hash, opened_at)
SELECT 10001, account.id, customer.id, 'en', 'UTC', first_hash(10001), desk_now() FROM account, customer
"""


def on_connection(url: str, scene) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await scene(connection)
        finally:
            await connection.close()

    asyncio.run(run())


def test_the_first_hash_of_a_conversation_is_fixed_and_the_same_in_sql(database_url):
    async def scene(connection) -> None:
        for conversation, expected in FIRST.items():
            assert first_hash(conversation).hex() == expected
            assert (await connection.fetchval("SELECT first_hash($1)", conversation)).hex() == expected

    on_connection(database_url, scene)


def test_a_chain_of_events_is_fixed_and_the_same_in_sql_even_before_1970(database_url):
    async def scene(connection) -> None:
        previous = first_hash(10001)
        for seq, (at, microseconds, fact, body, expected) in enumerate(CHAIN, 1):
            assert micros(at) == microseconds
            assert body_of(fact) == body
            assert next_hash(previous, seq, at, body).hex() == expected
            in_sql = await connection.fetchval("SELECT event_hash($1, $2, $3, $4)", previous, seq, at, body)
            assert in_sql.hex() == expected
            previous = in_sql

    on_connection(database_url, scene)


def test_python_and_sql_make_the_same_hash_of_anything(database_url):
    moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.sampled_from([
        UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-11, minutes=-30)),
    ]))  # fmt: skip
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database_url))

        @settings(max_examples=150, deadline=None, derandomize=True, database=None)
        @given(st.binary(min_size=32, max_size=32), st.integers(1, 2**63 - 1), moments, st.binary(max_size=200))
        def agree(previous: bytes, seq: int, at: datetime, body: bytes) -> None:
            in_sql = runner.run(connection.fetchval("SELECT event_hash($1, $2, $3, $4)", previous, seq, at, body))
            assert in_sql == next_hash(previous, seq, at, body)

        agree()
        runner.run(connection.close())


def test_bodies_are_canonical_json_whatever_order_their_facts_come_in():
    """RFC 8785: names sorted, no spaces, only the escapes that must be, characters beyond ASCII as they are."""
    data = {"text": '</script>"\\\n\x0f\x7f\u2028客服\U0001f600', "b": 2**53 - 1, "a_": -1, "a": 0, "B": ""}
    expected = (
        '{"actor":"desk","data":{"B":"","a":0,"a_":-1,"b":9007199254740991,'
        '"text":"</script>\\"\\\\\\n\\u000f\x7f\u2028客服\U0001f600"},"kind":"k","version":1}'
    )
    assert body_of(Fact("k", "desk", data)) == expected.encode()
    assert body_of(Fact("k", "desk", dict(reversed(data.items())))) == expected.encode()


@pytest.mark.parametrize("value", [1.5, None, True, ["a"], {"a": 1}], ids=repr)
def test_a_body_takes_nothing_but_integers_and_strings(value):
    with pytest.raises(AssertionError):
        body_of(Fact("k", "desk", {"x": value}))


def test_what_is_committed_to_is_the_text_and_its_files_in_their_order():
    salt = bytes(range(32))
    assert commitment(salt, content_of("钱呢", [])) == "eba320e71f6aeaaa22b8e944c6409e8dcb2d693bca40d4200e80f63bbda4798a"
    assert content_of("a", ["b", "c"]) != content_of("a", ["c", "b"])


def test_the_database_appends_with_the_same_bytes(database_url):
    async def scene(connection) -> None:
        await connection.execute(APPENDED)
        previous = first_hash(10001)
        for seq, (_, _, fact, body, _) in enumerate(CHAIN, 1):
            row = await connection.fetchrow("SELECT * FROM append_event(10001, $1, $2, false, '{}')", fact.kind, body)
            kept = await connection.fetchrow("SELECT * FROM events WHERE conversation_id = 10001 AND seq = $1", seq)
            previous = next_hash(previous, seq, row["at"], body)
            assert (row["seq"], kept["hash"], kept["at"]) == (seq, previous, row["at"])
        assert await connection.fetchval("SELECT last_hash FROM conversations") == previous

    on_connection(database_url, scene)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET kind = 'other'",
        "UPDATE events SET at = at WHERE seq = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE seq = 1",
        "TRUNCATE events",
        "INSERT INTO events (conversation_id, seq, at, kind, body, hash)"
        " SELECT conversation_id, seq, at, kind, body, hash FROM events"
        " ON CONFLICT (conversation_id, seq) DO UPDATE SET kind = 'other'",
    ],
)
def test_events_can_be_neither_changed_nor_deleted(database_url, change):
    async def scene(connection) -> None:
        await connection.execute(APPENDED)
        await connection.fetchrow("SELECT * FROM append_event(10001, 'opened', $1, false, '{}')", CHAIN[0][3])
        before = await connection.fetch("SELECT * FROM events")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await connection.execute(change)
        assert await connection.fetch("SELECT * FROM events") == before

    on_connection(database_url, scene)
