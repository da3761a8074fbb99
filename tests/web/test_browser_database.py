"""The database goes away and comes back: what a customer writes stays on the device, and nobody has to do anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser
from tests.web.browser import receipt, said_in, visitor, write
from tests.web.running import RunningDesk
from tests.web.test_browser_network import wait_until

pytestmark = pytest.mark.browser


class Refusing:
    """A pool whose server takes no connections."""

    def __init__(self, pool: object) -> None:
        self.release = pool.release  # type: ignore[attr-defined]  # what is out at this moment goes back

    def get_idle_size(self) -> int:
        return 0

    async def acquire(self, **options: object) -> None:
        raise ConnectionRefusedError("the database is away")


@contextmanager
def away(desk: RunningDesk) -> Iterator[None]:
    pool, desk.stage.desk.pool = desk.stage.desk.pool, Refusing(desk.stage.desk.pool)  # type: ignore[assignment]
    try:
        yield
    finally:
        desk.stage.desk.pool = pool


def test_words_written_while_the_database_is_away_arrive_once_by_themselves(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer:
        chat = customer.open(f"{desk.url}/chat")
        write(chat, "第一句")
        receipt(chat)
        with away(desk):
            write(chat, "数据库走了")
            chat.locator("yingda-chat .row.waiting").wait_for()
            chat.locator("yingda-chat .strip").get_by_text("现在连不上客服").wait_for()
            # The page itself still opens, and has the words.
            chat.reload()
            chat.locator("yingda-chat .row.waiting").get_by_text("数据库走了").wait_for()
            refused = customer.context.request.get(
                f"{desk.url}/desk", headers={"Cookie": "yingda_staff=x", "Accept-Language": "zh"}
            )
            assert refused.status == 503
            assert refused.headers["retry-after"] == "5"
            assert "没有丢" in refused.text()
        receipt(chat, 2)
        wait_until(chat, lambda: said_in(chat) == ["第一句", "数据库走了"], "both, once, in order")
        assert chat.locator("yingda-chat .strip").is_hidden()
        assert desk.value("SELECT array_agg(text ORDER BY seq) FROM lines WHERE kind = 'message'") == ["第一句", "数据库走了"]
