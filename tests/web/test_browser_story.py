"""One question from the customer's first word to the evidence that the answer arrived."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from tests.web.browser import receipt, said_in, sign_in, visitor, write
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
