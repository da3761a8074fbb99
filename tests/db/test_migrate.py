"""Migrations: each once, in order, whoever starts; and the same schema from every earlier state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.db import server as postgres

from yingda.db import migrate
from yingda.db.embedded import Server
from yingda.errors import Permanent, Refused

SCHEMA = """
SELECT 'column' AS kind, concat_ws(' ', table_name, ordinal_position, column_name, data_type, is_nullable, column_default,
       is_generated, generation_expression, is_identity) AS said
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'view', concat_ws(' ', viewname, definition) FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', concat_ws(' ', tgrelid::regclass, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'table', concat_ws(' ', relname, relkind, relpersistence, reloptions, relacl)
  FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'type', concat_ws(' ', typname, typtype, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
  FROM pg_enum WHERE enumtypid = pg_type.oid)) FROM pg_type WHERE typnamespace = 'public'::regnamespace
UNION ALL SELECT 'function', CASE prokind WHEN 'a' THEN proname ELSE pg_get_functiondef(oid) END
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
UNION ALL SELECT 'extension', extname FROM pg_extension
ORDER BY 1, 2"""


@pytest.fixture
def empty_url(server: Server) -> Iterator[str]:
    url = asyncio.run(postgres.fresh_database(server, None))
    yield url
    asyncio.run(postgres.drop_database(server, url))


def write(folder: Path, *files: tuple[str, str]) -> Path:
    for name, sql in files:
        (folder / name).write_text(sql, "utf-8")
    return folder


async def apply(url: str, folder: Path | None = None, upto: int | None = None) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        return await migrate.migrate(connection, upto, folder=folder)
    finally:
        await connection.close()


async def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


ONE = ("0001_first.sql", "CREATE TABLE first (id int)")
TWO = ("0002_second.sql", "CREATE TABLE second (id int); INSERT INTO second VALUES (2)")
BROKEN = ("0003_broken.sql", "CREATE TABLE third (id int); SELECT 1/0")


def test_migrations_are_applied_in_order_and_once(empty_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, ONE, TWO)
    assert asyncio.run(apply(empty_url, folder, upto=1)) == [1]
    assert asyncio.run(apply(empty_url, folder)) == [2]
    assert asyncio.run(apply(empty_url, folder)) == []
    assert asyncio.run(ask(empty_url, "SELECT id FROM second")) == [(2,)]


def test_a_migration_that_fails_leaves_nothing_of_itself_and_all_before_it(empty_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, ONE, TWO, BROKEN)
    with pytest.raises(asyncpg.DivisionByZeroError):
        asyncio.run(apply(empty_url, folder))
    assert asyncio.run(ask(empty_url, "SELECT number FROM migrations ORDER BY 1")) == [(1,), (2,)]
    assert asyncio.run(ask(empty_url, "SELECT to_regclass('third')")) == [(None,)]


def test_eight_processes_that_start_at_once_apply_each_migration_once(empty_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, ONE, TWO, *((f"{n:04}_more.sql", f"CREATE TABLE more_{n} (id int)") for n in range(3, 12)))

    async def race() -> list[list[int]]:
        return await asyncio.gather(*(apply(empty_url, folder) for _ in range(8)))

    assert sorted(number for one in asyncio.run(race()) for number in one) == list(range(1, 12))


def test_short_time_outs_of_the_connection_do_not_cut_a_migration_off(empty_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, ("0001_slow.sql", "SELECT pg_sleep(0.4)"))

    async def impatient() -> list[int]:
        settings = {"statement_timeout": "200", "lock_timeout": "100"}
        connection = await asyncpg.connect(empty_url, server_settings=settings, command_timeout=0.2)
        try:
            done = await migrate.migrate(connection, folder=folder)
            assert await connection.fetchval("SHOW statement_timeout") == "200ms"
        finally:
            await connection.close()
        return done

    assert asyncio.run(impatient()) == [1]


def test_an_applied_file_that_was_changed_is_refused(empty_url: str, tmp_path: Path) -> None:
    asyncio.run(apply(empty_url, write(tmp_path, ONE)))
    with pytest.raises(Refused, match="migration_changed") as refused:
        asyncio.run(apply(empty_url, write(tmp_path, (ONE[0], ONE[1] + " "), TWO)))
    assert refused.value.where == "0001 first"
    assert asyncio.run(ask(empty_url, "SELECT number FROM migrations")) == [(1,)]


def test_a_database_of_a_newer_program_is_refused(empty_url: str, tmp_path: Path) -> None:
    asyncio.run(apply(empty_url, write(tmp_path, ONE, TWO)))
    (tmp_path / TWO[0]).unlink()
    with pytest.raises(Refused, match="database_newer") as refused:
        asyncio.run(apply(empty_url, tmp_path))
    assert refused.value.where == "0002 second"


@pytest.mark.parametrize("name", ["0001_again.sql", "0003_gap.sql", "2_short.sql", "0002_Big.sql"])
def test_files_that_are_not_numbered_without_a_gap_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="migration_files_wrong"):
        migrate.read(write(tmp_path, ONE, (name, "SELECT 1")))


def test_from_every_earlier_state_the_end_is_the_same_schema(server: Server) -> None:
    last = len(migrate.read(migrate.packaged()))

    async def schema_by_way_of(number: int) -> list[tuple[object, ...]]:
        url = await postgres.fresh_database(server, None)
        try:
            assert await apply(url, upto=number) == list(range(1, number + 1))
            assert await apply(url) == list(range(number + 1, last + 1))
            return await ask(url, SCHEMA)
        finally:
            await postgres.drop_database(server, url)

    expected = asyncio.run(schema_by_way_of(0))
    assert {kind for kind, _ in expected} >= {"column", "constraint", "index", "table", "function"}
    for number in range(1, last + 1):
        assert asyncio.run(schema_by_way_of(number)) == expected, f"by way of migration {number}"
