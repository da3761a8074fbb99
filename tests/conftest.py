"""What every test may ask for: a running PostgreSQL, and a fresh, migrated database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.db import server as postgres

from yingda.db.embedded import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The session's PostgreSQL; it does not outlive the session."""
    with asyncio.Runner() as runner:
        shared = postgres.shared_server()
        yield runner.run(shared.__aenter__())
        runner.run(shared.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """The name of the migrated database that `database_url` clones: apart from `server`, so that a broken migration
    breaks only the tests that need the schema."""
    return asyncio.run(postgres.migrated_template(server))


@pytest.fixture
def database_url(server: Server, template: str) -> Iterator[str]:
    """The URL of a database that has every migration and no rows, and is gone after the test."""
    url = asyncio.run(postgres.fresh_database(server, template))
    yield url
    asyncio.run(postgres.drop_database(server, url))
