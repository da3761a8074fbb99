"""Cases C01, C04 and C05, and the rest of a bad network: nothing is lost, nothing is doubled, and nobody has to reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page
from tests.web.browser import receipt, said_in, sign_in, visitor, write
from tests.web.proxy import one_way
from tests.web.running import RunningDesk

pytestmark = pytest.mark.browser
SILENCE_MS = 36_000

HIDE = """(hidden) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => hidden ? "hidden" : "visible" });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def number_of(desk: RunningDesk) -> int:
    return int(str(desk.value("SELECT max(id) FROM conversations")))


def reply(desk: RunningDesk, text: str) -> None:
    desk.run(desk.stage.answer(desk.cast.guyu, number_of(desk), text))


def wait_until(page: Page, holds: object, what: str) -> None:
    for _ in range(100):
        if holds():  # type: ignore[operator]
            return
        page.wait_for_timeout(100)
    raise AssertionError(what)


def test_words_written_without_network_are_kept_over_a_reload_and_sent_once_in_order(
    chromium: Browser, desk: RunningDesk
) -> None:
    with visitor(chromium) as customer:
        chat = customer.open(f"{desk.url}/chat")
        write(chat, "第一句")
        receipt(chat)
        # The pages still come (from a cache), the desk's API does not answer.
        customer.context.route("**/chat/*/messages", lambda route: route.abort("internetdisconnected"))
        write(chat, "第二句")
        write(chat, "第三句")
        waiting = chat.locator("yingda-chat .row.waiting")
        wait_until(chat, lambda: waiting.count() == 2, "both must be waiting")
        assert waiting.locator("small").all_inner_texts() == ["等网络，还没发出"] * 2
        chat.reload()
        wait_until(chat, lambda: said_in(chat) == ["第一句", "第二句", "第三句"], "a reload must not lose them")
        assert waiting.count() == 2
        customer.context.unroute("**/chat/*/messages")
        chat.evaluate("dispatchEvent(new Event('online'))")
        receipt(chat, 3)
        assert said_in(chat) == ["第一句", "第二句", "第三句"]
        texts = "SELECT array_agg(text ORDER BY seq) FROM lines WHERE kind = 'message'"
        assert desk.value(texts) == ["第一句", "第二句", "第三句"]
        left = chat.evaluate("""() => new Promise((resolve) => { const asked = indexedDB.open("yingda", 1);
          asked.onsuccess = () => { const all = asked.result.transaction("unsent").objectStore("unsent").getAll();
            all.onsuccess = () => resolve(all.result.length); }; })""")
        assert left == 0


def test_an_answer_lost_on_the_way_back_does_not_double_the_message(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer:
        chat = customer.open(f"{desk.url}/chat")
        lost: list[int] = []

        def deliver_but_lose_the_answer(route) -> None:
            if lost:
                route.continue_()
                return
            lost.append(route.fetch().status)
            route.abort("connectionreset")

        customer.context.route("**/chat/*/messages", deliver_but_lose_the_answer)
        write(chat, "扣了两次吗")
        receipt(chat)
        assert lost == [201]
        assert desk.value("SELECT count(*) FROM lines WHERE kind = 'message'") == 1
        assert said_in(chat) == ["扣了两次吗"]


def test_retry_after_is_honoured_and_the_page_never_asks_to_reload(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer:
        chat = customer.open(f"{desk.url}/chat")
        chat.locator("yingda-chat textarea").wait_for()
        chat.clock.install()
        tries: list[int] = []

        def away(route) -> None:
            tries.append(1)
            route.fulfill(
                status=503, headers={"Retry-After": "30"}, json={"error": {"code": "database_away", "message": "x", "where": ""}}
            )

        customer.context.route("**/chat/*/messages", away)
        write(chat, "数据库走了")
        chat.locator("yingda-chat .row.waiting").wait_for()
        chat.clock.run_for(20_000)
        chat.evaluate("dispatchEvent(new Event('focus'))")
        assert len(tries) == 1, "not before Retry-After, not even for a person who comes back"
        customer.context.unroute("**/chat/*/messages")
        chat.clock.run_for(15_000)
        receipt(chat)
        assert said_in(chat) == ["数据库走了"]


def test_a_page_that_slept_shows_what_came_and_only_then_says_it_was_shown(chromium: Browser, desk: RunningDesk) -> None:
    """C04: written while hidden, on screen within three seconds of the return; no evidence from a page nobody sees."""
    with one_way(desk.url) as network, visitor(chromium) as customer:
        chat = customer.open(f"{network.url}/chat")
        write(chat, "你好")
        receipt(chat)
        wait_until(chat, lambda: desk.streams == 1, "live")
        chat.evaluate(HIDE, True)
        network.mute.set()  # the stream dies silently: half open, it never says so
        reply(desk, "我在，钱没有丢")
        chat.wait_for_timeout(1500)
        assert said_in(chat) == ["你好"]
        assert desk.value("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == 0
        chat.evaluate(HIDE, False)
        chat.get_by_text("我在，钱没有丢", exact=True).wait_for(timeout=3000)
        wait_until(chat, lambda: desk.value("SELECT state FROM deliveries") == "delivered", "it is on screen now")


def test_a_hidden_page_counts_what_is_unread_in_its_title(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer:
        chat = customer.open(f"{desk.url}/chat")
        title = chat.title()
        write(chat, "你好")
        receipt(chat)
        chat.evaluate(HIDE, True)
        reply(desk, "我在")
        reply(desk, "请讲")
        wait_until(chat, lambda: chat.title() == f"(2) {title}", "two unread")
        chat.evaluate(HIDE, False)
        wait_until(chat, lambda: chat.title() == title, "read")


def test_a_stream_that_brings_nothing_is_left_for_polling_and_a_send_notices_the_gap(
    chromium: Browser, desk: RunningDesk
) -> None:
    """C05: requests arrive, events do not come back."""
    with one_way(desk.url) as network, visitor(chromium) as customer:
        chat = customer.open(f"{network.url}/chat")
        chat.locator("yingda-chat textarea").wait_for()
        chat.clock.install()
        network.mute.set()
        write(chat, "在吗")
        receipt(chat)
        all_seen = "SELECT seen_shown_seq = shown_seq FROM conversations"
        wait_until(
            chat, lambda: desk.value(all_seen), "what is on screen is acknowledged, so no more requests come by themselves"
        )
        reply(desk, "第一句回复")
        chat.wait_for_timeout(800)
        assert said_in(chat) == ["在吗"], "the stream is mute"
        write(chat, "有人吗")
        chat.get_by_text("第一句回复").wait_for()
        reply(desk, "第二句回复")
        # Silence ends the first stream after 35 s; what it missed is pulled.
        chat.clock.run_for(SILENCE_MS)
        chat.get_by_text("第二句回复").wait_for()
        reply(desk, "第三句回复")
        chat.clock.run_for(6000)
        chat.get_by_text("第三句回复").wait_for()
        chat.clock.run_for(SILENCE_MS)
        reply(desk, "第四句回复")
        chat.clock.run_for(10_000)
        chat.get_by_text("第四句回复").wait_for()
        network.mute.clear()
        chat.clock.run_for(2 * SILENCE_MS)
        wait_until(chat, lambda: desk.streams == 1, "the stream is tried again")
        reply(desk, "第五句回复")
        chat.get_by_text("第五句回复").wait_for()
        assert len(said_in(chat)) == len(set(said_in(chat))) == 7


def test_an_agent_who_was_away_reads_a_colleagues_answer_before_sending(chromium: Browser, desk: RunningDesk) -> None:
    """C01: the console was offline while a colleague answered and the customer wrote on."""
    with visitor(chromium) as agent:
        lead = desk.cast.xiazhi
        desk.run(desk.stage.write(desk.cast.lin, "充值没到账"))
        number = number_of(desk)
        console = agent.open(f"{desk.url}/desk/conversations/{number}")
        console.fill("#email", f"{lead.name}@desk.example")
        console.fill("#password", desk.password)
        console.click("form button.btn--ink")
        console.fill("#reply", "您好，请问是哪张卡？")
        # Away: neither news nor reads come through.
        agent.context.route("**/news?*", lambda route: route.abort())
        reply(desk, "已经查到，正在清算")
        desk.run(desk.stage.write(desk.cast.lin, "好的，谢谢"))
        console.wait_for_timeout(1500)
        console.press("#reply", "Control+Enter")
        console.get_by_text("你写的时候，来了新的").or_(console.locator("#composer .callout")).first.wait_for()
        shown = console.locator("#thread .text").all_inner_texts()
        assert shown == ["充值没到账", "已经查到，正在清算", "好的，谢谢"]
        assert console.locator("#reply").input_value() == "您好，请问是哪张卡？", "the draft is kept"
        assert desk.value("SELECT count(*) FROM lines WHERE kind = 'reply'") == 1
        console.fill("#reply", "不客气，到账会告诉您")
        console.press("#reply", "Control+Enter")
        console.locator("#thread").get_by_text("不客气").wait_for()
        assert desk.value("SELECT count(*) FROM lines WHERE kind = 'reply'") == 2


def test_the_console_catches_up_after_its_stream_was_away(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as agent:
        console = agent.open(f"{desk.url}/desk")
        sign_in(console, "谷雨@desk.example", desk.password)
        console.mouse.move(1000, 600)
        console.locator("#list .empty").wait_for()
        desk.run(desk.stage.write(desk.cast.maya, "Is it gone?"))
        console.locator("#list .row").get_by_text("Is it gone?").wait_for()
        agent.context.set_offline(True)
        desk.run(desk.stage.write(desk.cast.lin, "能撤回吗"))
        console.wait_for_timeout(500)
        agent.context.set_offline(False)
        console.evaluate("dispatchEvent(new Event('online'))")
        console.locator("#list .row").get_by_text("能撤回吗").wait_for()
        assert [t.split("\n")[0] for t in console.locator("#list .row__who").all_inner_texts()] == ["Maya", "林小禾"]
