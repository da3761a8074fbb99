"""A PostgreSQL as in production, fsync and all, for proofs that kill."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.db.folder import end, new_folder, start
from tests.db.server import migrated_template

from yingda.db.embedded import Server


@pytest.fixture(scope="session")
def durable() -> Iterator[Server]:
    """A server of its own that keeps what it acknowledged, with a migrated template."""
    folder = new_folder()
    with asyncio.Runner() as runner:
        server = runner.run(start(folder))
        runner.run(migrated_template(server))
        yield server
        runner.run(server.stop(adopted_too=True))
    end(folder)
