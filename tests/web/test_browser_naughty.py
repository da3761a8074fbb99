"""Case A03: whatever a customer writes is stored and shown as the same code points, runs nothing and moves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.web.browser import PHONE, said_in, sign_in, visitor, write
from tests.web.naughty import ALL, LONG
from tests.web.running import RunningDesk

from yingda.people.viewer import CustomerViewer

pytestmark = pytest.mark.browser
GIVEN = json.loads((Path(__file__).parents[1] / "cases/A03-naughty-strings/input.json").read_text("utf-8"))
TEXTS = [text for text in [*GIVEN, *ALL] if text.strip()]
WIDER = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"


def test_naughty_texts_written_in_the_widget_are_stored_and_shown_unchanged(chromium: Browser, desk: RunningDesk) -> None:
    """Through the field a person types in; at most thirty, which is what one customer may send at once."""
    chosen = TEXTS[::4][:24]
    with visitor(chromium, viewport=PHONE) as customer:
        chat = customer.open(f"{desk.url}/chat")
        title = chat.title()
        for text in chosen:
            write(chat, text)
        chat.locator("yingda-chat .receipt").nth(len(chosen) - 1).wait_for()
        wanted = [text.strip(" \t\n") for text in chosen]
        assert said_in(chat) == wanted
        assert desk.value("SELECT array_agg(text ORDER BY seq) FROM lines WHERE kind = 'message'") == wanted
        assert chat.title() == title
        assert chat.evaluate(WIDER) <= 0


def test_naughty_names_and_texts_leave_the_agents_page_whole(chromium: Browser, desk: RunningDesk) -> None:
    account = desk.cast.account.id
    for n, text in enumerate(TEXTS):
        who = CustomerViewer(account, "wallet", f"naughty-{n}", text[:200], "en", "UTC")
        desk.run(desk.stage.write(who, text))
    stored = desk.value("SELECT array_agg(text ORDER BY conversation_id) FROM lines WHERE kind = 'message'")
    assert sorted(stored) == sorted(TEXTS)
    with visitor(chromium, locale="en") as agent:
        console = agent.open(f"{desk.url}/desk")
        sign_in(console, "Bailu@desk.example", desk.password)
        title = console.title()
        names = console.locator("#list .row__who")
        # A list holds fifty; the rest is one link away.
        shown = names.all_text_contents()
        console.get_by_role("link", name="More").click()
        console.wait_for_url("**after=*")
        shown += console.locator("#list .row__who").all_text_contents()
        assert len(shown) == len(TEXTS)
        assert set(shown) == {text[:200] for text in TEXTS}
        assert console.evaluate(WIDER) <= 0
        for text in (TEXTS[0], LONG[1], "<script>document.title='pwned'</script>"):
            number = desk.value("SELECT conversation_id FROM lines WHERE kind = 'message' AND text = $1 LIMIT 1", text)
            console.goto(f"{desk.url}/desk/conversations/{number}")
            assert console.locator("#thread .text").all_text_contents() == [text]
            assert console.title().startswith(f"#{number}"), title
            assert console.evaluate(WIDER) <= 0


def test_a_name_that_turns_text_around_cannot_reorder_what_stands_beside_it(chromium: Browser, desk: RunningDesk) -> None:
    """The number after the name stays to its right: on screen, not only in the source."""
    turned = CustomerViewer(desk.cast.account.id, "wallet", "turned", "\u202eexe.fdp", "en", "UTC")
    desk.run(desk.stage.write(turned, "\u202ehello"))
    with visitor(chromium, locale="en") as agent:
        console = agent.open(f"{desk.url}/desk")
        sign_in(console, "Bailu@desk.example", desk.password)
        console.locator("#list .row").click()
        name, number = console.locator(".bar h2 bdi"), console.locator(".bar .num")
        name.wait_for()
        assert name.bounding_box()["x"] < number.bounding_box()["x"]
        assert number.evaluate("node => getComputedStyle(node).direction") == "ltr"
        assert number.inner_text().startswith("#1")
