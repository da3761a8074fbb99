"""One event stream for a browser, however many tabs: six would block the next request of HTTP/1.1 for good."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page
from tests.web.browser import receipt, said_in, sign_in, visitor, write
from tests.web.running import RunningDesk
from tests.web.test_browser_network import HIDE, reply, wait_until

from yingda.web.desk import news_of

pytestmark = pytest.mark.browser
TABS = 8


def leader_of(pages: list[Page]) -> Page:
    """The tab that holds the lock: the one whose streams are counted by its own resource timings."""
    held = "navigator.locks.query().then((l) => l.held.filter((k) => k.name.endsWith(':guest')).map((k) => k.clientId)[0])"
    pending = "navigator.locks.query().then((l) => l.pending.filter((k) => k.name.endsWith(':guest')).length)"
    assert pages[0].evaluate(pending) == len(pages) - 1
    leader = pages[0].evaluate(held)
    probe = "() => navigator.locks.request('probe-' + Math.random(), () => navigator.locks.query().then((l) => " \
            "l.held.find((k) => k.name.startsWith('probe-')).clientId))"  # fmt: skip
    return next(page for page in pages if page.evaluate(probe) == leader)


def test_eight_tabs_hold_one_stream_and_another_takes_over_when_the_leader_closes(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer:
        pages = [customer.open(f"{desk.url}/chat")]
        write(pages[0], "你好")
        receipt(pages[0])
        pages += [customer.open(f"{desk.url}/chat") for _ in range(TABS - 1)]
        for page in pages:
            page.get_by_text("你好").first.wait_for()
        wait_until(pages[0], lambda: desk.streams == 1, "one stream for eight tabs")
        assert desk.value("SELECT count(*) FROM guest_sessions") == 1
        reply(desk, "我在")
        for page in pages:
            page.get_by_text("我在").first.wait_for()
        leader = leader_of(pages)
        leader.close()
        pages.remove(leader)
        wait_until(pages[0], lambda: desk.streams == 1, "one, and a new one")
        reply(desk, "请讲")
        for page in pages:
            page.get_by_text("请讲").first.wait_for()
            assert said_in(page) == ["你好", "我在", "请讲"]
        assert desk.streams == 1
        # With eight tabs open the next request still goes through.
        write(pages[1], "还在吗")
        receipt(pages[1], 2)
        pages[2].get_by_text("还在吗").wait_for()


def test_a_visible_tab_takes_over_from_a_leader_that_sleeps(chromium: Browser, desk: RunningDesk) -> None:
    """A phone freezes the tab behind: it holds the lock and says nothing."""
    with visitor(chromium) as customer:
        sleeper = customer.open(f"{desk.url}/chat")
        write(sleeper, "你好")
        receipt(sleeper)
        awake = customer.open(f"{desk.url}/chat")
        awake.get_by_text("你好").wait_for()
        awake.clock.install()
        sleeper.evaluate(HIDE, True)
        sleeper.context.new_cdp_session(sleeper).send("Page.setWebLifecycleState", {"state": "frozen"})
        reply(desk, "我在")
        awake.clock.run_for(60_000)
        awake.get_by_text("我在").first.wait_for()


def test_the_consoles_tabs_share_one_stream_too(chromium: Browser, desk: RunningDesk) -> None:
    news = news_of(desk.app)
    with visitor(chromium) as agent:
        first = agent.open(f"{desk.url}/desk")
        sign_in(first, "谷雨@desk.example", desk.password)
        pages = [first] + [agent.open(f"{desk.url}/desk") for _ in range(TABS - 1)]
        wait_until(first, lambda: news.count == 1, "one stream for eight tabs")
        first.mouse.move(1000, 600)
        desk.run(desk.stage.write(desk.cast.maya, "Is it gone?"))
        for page in (first, pages[-1]):
            page.mouse.move(1000, 600)
            page.locator("#list .row").get_by_text("Is it gone?").wait_for()
        first.close()
        wait_until(pages[-1], lambda: news.count == 1, "another tab reads on")
        desk.run(desk.stage.write(desk.cast.lin, "能撤回吗"))
        pages[-1].locator("#list .row").get_by_text("能撤回吗").wait_for()
