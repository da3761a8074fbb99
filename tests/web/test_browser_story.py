"""One question from the customer's first word to the evidence that the answer arrived."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page
from tests.web.browser import Visitor, receipt, said_in, sign_in, visitor, write
from tests.web.running import RunningDesk

pytestmark = pytest.mark.browser


def test_a_customer_asks_an_agent_answers_and_both_see_it_happen(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer, visitor(chromium) as agent:
        chat = customer.open(f"{desk.url}/chat")
        write(chat, "充值 2,000 没到账，明天要交房租")
        slip = receipt(chat)
        assert "编号" in slip.inner_text()
        number = slip.locator("dd").first.inner_text()

        console = agent.open(f"{desk.url}/desk")
        sign_in(console, "谷雨@desk.example", desk.password)
        row = console.locator("#list .row")
        assert number in row.inner_text()
        assert "充值 2,000 没到账" in row.inner_text()
        row.click()
        console.fill("#reply", "您好，我是谷雨。钱没有丢，23:16 前到账。")
        console.press("#reply", "Control+Enter")

        chat.get_by_text("钱没有丢").wait_for()
        console.locator(".evidence--delivered").wait_for()
        assert "已送达" in console.locator(".evidence").inner_text()
        console.get_by_text("没有欠着的回复").wait_for()
        assert said_in(chat) == ["充值 2,000 没到账，明天要交房租", "您好，我是谷雨。钱没有丢，23:16 前到账。"]
        assert console.locator("#reply").input_value() == ""


def open_talk(agent: Visitor, desk: RunningDesk, number: int, name: str = "Bailu") -> Page:
    console = agent.open(f"{desk.url}/desk/conversations/{number}")
    console.fill("#email", f"{name}@desk.example")
    console.fill("#password", desk.password)
    console.click("form button.btn--ink")
    console.wait_for_selector("#thread")
    return console


def test_a_conversation_closes_only_when_answered_and_the_next_question_gets_a_new_number(
    chromium: Browser, desk: RunningDesk
) -> None:
    with visitor(chromium, locale="en") as customer, visitor(chromium, locale="en") as agent:
        chat = customer.open(f"{desk.url}/chat")
        write(chat, "Is it gone?")
        number = int(receipt(chat).locator("dd").first.inner_text())
        console = open_talk(agent, desk, number)
        close = console.locator("details.menu")
        close.locator("summary").click()
        # News that comes while somebody chooses must not take the menu away.
        write(chat, "Hello?")
        console.locator("#thread").get_by_text("Hello?").wait_for()
        assert close.get_by_role("button", name="Spam").is_visible()
        close.get_by_role("button", name="Answered").click()
        console.locator("#notice").get_by_text("still waits").wait_for()
        console.fill("#reply", "It is not. You see it within the hour.")
        console.press("#reply", "Control+Enter")
        console.locator(".evidence--delivered").wait_for()
        close.locator("summary").click()
        close.get_by_role("button", name="Answered").click()
        console.locator(".composer-closed").wait_for()
        assert console.locator("#reply").count() == 0
        chat.get_by_text(f"Number {number} is closed").wait_for()
        write(chat, "One more thing")
        chat.locator("yingda-chat .rule").wait_for()
        assert receipt(chat, 3).locator("dd").first.inner_text() != str(number)
        assert said_in(chat)[-1] == "One more thing"
        assert desk.value("SELECT count(*) FROM conversations WHERE state = 'open'") == 1


def test_take_and_hand_back_are_told_to_the_customer_and_move_the_list(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium, locale="en") as customer, visitor(chromium, locale="en") as agent:
        chat = customer.open(f"{desk.url}/chat")
        write(chat, "Is it gone?")
        number = int(receipt(chat).locator("dd").first.inner_text())
        console = open_talk(agent, desk, number)
        console.get_by_role("button", name="Take").click()
        chat.get_by_text("Bailu has your question now.").wait_for()
        console.mouse.move(1000, 500)
        console.locator("#list .empty").wait_for()
        console.get_by_role("button", name="Hand back").click()
        chat.get_by_text("is back with").wait_for()
        console.locator("#list .row").wait_for()
        console.locator("#thread").get_by_text("Handed back to").wait_for()


def test_a_session_that_ended_leaves_the_draft_where_it_is(chromium: Browser, desk: RunningDesk) -> None:
    number = desk.run(desk.stage.write(desk.cast.maya, "Is it gone?")).conversation
    with visitor(chromium, locale="en") as agent:
        console = open_talk(agent, desk, number)
        console.fill("#reply", "A long and careful answer")
        desk.run(desk.stage.desk.transaction(lambda tx: tx.execute("DELETE FROM staff_sessions")))
        console.press("#reply", "Control+Enter")
        console.locator("#notice a").wait_for()
        assert console.locator("#reply").input_value() == "A long and careful answer"
        # Signed in again in another tab, the same form works.
        with agent.context.expect_page() as opened:
            console.locator("#notice a").click()
        sign_in(opened.value, "Bailu@desk.example", desk.password)
        console.press("#reply", "Control+Enter")
        console.locator("#thread").get_by_text("A long and careful answer").wait_for()
        assert console.locator("#reply").input_value() == ""
