"""Folders for the tests of the embedded server. Their servers keep fsync on and are gone after the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.db.folder import cut_off, end, new_folder, start


@pytest.fixture
def empty() -> Iterator[Path]:
    """A folder with nothing in it yet."""
    folder = new_folder()
    yield folder
    end(folder)


@pytest.fixture
def data(made: Path) -> Iterator[Path]:
    """A folder with data in it, and no server on it before or after the test. It is one folder for all tests, since
    making data costs a second or more: a test that damages it repairs it."""
    yield made
    cut_off(made)


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    async def make() -> None:
        async with await start(folder):
            pass

    folder = new_folder()
    asyncio.run(make())
    yield folder
    end(folder)
