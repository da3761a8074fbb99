"""Folders for the tests of the embedded server. Their servers keep fsync on and are gone after the test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.db.folder import end, new_folder, start

from yingda.db import places
from yingda.db.places import Place


@pytest.fixture
def empty() -> Iterator[Path]:
    """A folder with nothing in it yet."""
    folder = new_folder()
    yield folder
    end(folder)


@pytest.fixture
def data(made: Place) -> Iterator[Path]:
    """A folder with data in it: a copy of what was made once, since initdb takes a second and a copy a tenth."""
    folder = new_folder()
    target = places.prepare(folder)
    shutil.copytree(made.cluster, target.cluster)
    shutil.copy(made.home / "password", target.home / "password")
    for path in (target.cluster, *target.cluster.rglob("*")):
        made.account.own(path)
    yield folder
    end(folder)


@pytest.fixture(scope="session")
def made() -> Iterator[Place]:
    """Where `data` copies from; its server is stopped."""

    async def make() -> None:
        async with await start(folder):
            pass

    folder = new_folder()
    asyncio.run(make())
    yield places.prepare(folder)
    end(folder)
