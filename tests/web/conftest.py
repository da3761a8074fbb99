"""What the tests of the pages may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from tests.db import server as postgres
from tests.web import browser as browsers
from tests.web.api import Api, opened_api
from tests.web.running import RunningDesk, running_desk

from yingda.db.embedded import Server


def apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run in another thread: while a browser is open, Playwright's event loop occupies this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="module")
def chromium(template: str) -> Iterator[Browser]:
    """One browser for each file of tests; the database is up before Playwright's loop occupies this thread."""
    if browsers.chromium() is None:
        pytest.skip("no Chromium on this machine")
    with browsers.browser() as launched:
        yield launched


@pytest.fixture
def desk(server: Server, template: str, tmp_path: Path) -> Iterator[RunningDesk]:
    url = apart(postgres.fresh_database(server, template))
    with running_desk(url, tmp_path) as running:
        yield running
    apart(postgres.drop_database(server, url))


@pytest.fixture(scope="module")
def api(server: Server, template: str) -> Iterator[Api]:
    """The application without a server. One desk for a file of tests: each test brings customers of its own."""
    url = asyncio.run(postgres.fresh_database(server, template))
    with opened_api(url) as opened:
        yield opened
    asyncio.run(postgres.drop_database(server, url))
