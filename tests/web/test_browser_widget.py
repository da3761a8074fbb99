"""The widget on somebody else's page: their policy stays strict, their customer is known by a token, nothing is left behind."""

from __future__ import annotations

import jwt
import pytest
from playwright.sync_api import Browser, Page
from tests.house import KID, SECRET, WIDGET_KEY
from tests.web.browser import DESKTOP, PHONE, receipt, said_in, visitor, write
from tests.web.running import RunningDesk
from tests.web.test_browser_network import wait_until
from tests.web.wallet_page import wallet_page

pytestmark = pytest.mark.browser
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def token_for(desk: RunningDesk, who: str) -> str:
    now = int(desk.stage.desk.clock.now().timestamp())
    claims = {"sub": who, "aud": WIDGET_KEY, "iat": now, "exp": now + 300, "name": who}
    return jwt.encode(claims, SECRET, "HS256", {"kid": KID})


def allow(desk: RunningDesk, origin: str) -> None:
    desk.run(desk.stage.desk.transaction(lambda tx: tx.execute("UPDATE channel_accounts SET origins = $1", [origin])))
    desk.stage.house.accounts._known.clear()  # it is believed for ten seconds


def left_behind(page: Page) -> str:
    """Everything a page can keep, as one text."""
    return page.evaluate("""async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie,
      location.href, (await indexedDB.databases()).map((d) => d.name), performance.getEntriesByType("resource")
      .map((r) => r.name)])""")


def test_the_widget_works_on_a_strict_page_of_another_origin(chromium: Browser, desk: RunningDesk) -> None:
    token = token_for(desk, "maya")
    with wallet_page(desk.url, desk.widget_key, {"value": token}) as (url, asked), visitor(chromium, locale="en") as customer:
        allow(desk, url)
        page = customer.open(f"{url}/?signed")
        page.locator("yingda-chat .launch").click()
        write(page, "Is it gone?")
        slip = receipt(page)
        assert "The first-line team" in slip.inner_text()
        assert page.locator("yingda-chat .w").evaluate("node => getComputedStyle(node).width") == "390px", "styles came through"
        assert asked, "the wallet's page gave the token"
        assert desk.value("SELECT value FROM handles WHERE kind = 'wallet'") == "maya"
        assert token not in left_behind(page)
        page.keyboard.press("Escape")
        page.locator("yingda-chat .launch").wait_for()
        number = int(str(desk.value("SELECT max(id) FROM conversations")))
        desk.run(desk.stage.answer(desk.cast.bailu, number, "It is not. You see it within the hour."))
        page.locator("yingda-chat .badge").get_by_text("1").wait_for()
        assert page.title() == "(1) Little Lotus"
        assert desk.value("SELECT state FROM deliveries") == "pending", "a closed panel is no evidence"
        page.locator("yingda-chat .launch").click()
        page.get_by_text("within the hour", exact=False).last.wait_for()
        wait_until(page, lambda: page.title() == "Little Lotus", "read")


def test_words_stay_in_the_field_until_the_wallet_says_whose_they_are(chromium: Browser, desk: RunningDesk) -> None:
    tokens = {"value": token_for(desk, "maya")}
    with wallet_page(desk.url, desk.widget_key, tokens) as (url, _), visitor(chromium, locale="en") as customer:
        allow(desk, url)
        customer.context.route("**/token", lambda route: route.abort())
        page = customer.open(f"{url}/?signed")
        page.locator("yingda-chat .launch").click()
        write(page, "Is it gone?")
        page.locator("yingda-chat .strip").get_by_text("cannot be reached").wait_for()
        assert page.locator("yingda-chat textarea").input_value() == "Is it gone?"
        customer.context.unroute("**/token")
        page.locator("yingda-chat .strip").wait_for(state="hidden")
        page.locator("yingda-chat textarea").press("Enter")
        receipt(page)
        assert said_in(page) == ["Is it gone?"]


def test_a_guest_elsewhere_is_alone_on_each_page_and_leaves_no_token(chromium: Browser, desk: RunningDesk) -> None:
    with wallet_page(desk.url, desk.widget_key, {}) as (url, _), visitor(chromium, locale="en", viewport=PHONE) as customer:
        allow(desk, url)
        one, other = customer.open(url), customer.open(url)
        for page, text in ((one, "first page"), (other, "second page")):
            page.locator("yingda-chat .launch").click()
            write(page, text)
            receipt(page)
        assert said_in(one) == ["first page"]
        assert said_in(other) == ["second page"]
        assert '"g_' not in left_behind(one)
        assert "g_" not in "".join(path for _, path in desk.requests)


def test_a_page_that_is_not_on_the_wallets_list_gets_nothing(chromium: Browser, desk: RunningDesk) -> None:
    with wallet_page(desk.url, desk.widget_key, {}) as (url, _), visitor(chromium, locale="en") as customer:
        customer.faults = _Deaf()
        page = customer.open(url)
        page.locator("yingda-chat .launch").click()
        write(page, "hello")
        page.locator("yingda-chat .row.waiting, yingda-chat .row.refused, yingda-chat .strip").first.wait_for()
        assert desk.value("SELECT count(*) FROM lines") == 0


class _Deaf(list):
    """The browser says in its console that CORS refused: here that is what must happen."""

    def append(self, text: str) -> None:
        assert "CORS" in text, text


def test_a_recovery_phrase_is_stopped_before_it_leaves_the_device(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium, locale="en", viewport=DESKTOP) as customer:
        page = customer.open(f"{desk.url}/chat")
        bodies: list[str] = []
        page.on("request", lambda r: bodies.append(r.post_data or ""))
        write(page, f"my words are {PHRASE} please restore")
        card = page.locator("yingda-chat .guard")
        card.wait_for()
        assert "recovery phrase" in card.inner_text()
        assert page.locator("yingda-chat textarea").input_value() == f"my words are {PHRASE} please restore"
        assert not any("sausage" in body for body in bodies)
        card.get_by_role("button", name="Remove it and send").click()
        receipt(page)
        assert said_in(page) == ["my words are ●●●● please restore"]
        assert not any("sausage" in body for body in bodies)


def test_a_file_goes_with_a_message_and_both_sides_can_save_it(chromium: Browser, desk: RunningDesk) -> None:
    svg = (
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=\'pwned\'"><script>document.title="pwned"</script></svg>'
    )
    with visitor(chromium) as customer:
        page = customer.open(f"{desk.url}/chat")
        page.locator("yingda-chat input[type=file]").set_input_files(
            {"name": "截图 ‮gvs.svg", "mimeType": "image/svg+xml", "buffer": svg}
        )
        page.locator("yingda-chat .picked .name").wait_for()
        page.locator("yingda-chat .send[aria-disabled=false]").wait_for()
        write(page, "看截图")
        receipt(page)
        with page.expect_download() as saved:
            page.locator("yingda-chat .bubble .file").click()
        assert saved.value.path().read_bytes() == svg
        with page.expect_download() as transcript:
            page.locator("yingda-chat .menu summary").click()
            page.locator("yingda-chat .menu button").first.click()
        assert "看截图" in transcript.value.path().read_text("utf-8")
        with page.expect_download() as kept:
            page.locator("yingda-chat .receipt .quiet").click()
        assert '"signature"' in kept.value.path().read_text("utf-8")
        assert "pwned" not in page.title()


@pytest.mark.parametrize(
    ("locale", "said"), [("zh-CN", "说说发生了什么"), ("en-GB", "Tell us what happened"), ("fr-FR", "Tell us what happened")]
)
def test_the_chat_page_speaks_the_visitors_language(chromium: Browser, desk: RunningDesk, locale: str, said: str) -> None:
    with visitor(chromium, locale=locale, viewport={"width": 320, "height": 640}) as customer:
        page = customer.open(f"{desk.url}/chat")
        page.locator("yingda-chat .hello").get_by_text(said).wait_for()
        assert page.locator("html").get_attribute("lang") == locale[:2].replace("zh", "zh-CN").replace("fr", "en")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 320


def test_another_person_who_signs_in_on_the_same_page_sees_and_sends_nothing_of_the_first(
    chromium: Browser, desk: RunningDesk
) -> None:
    tokens = {"value": token_for(desk, "maya")}
    with wallet_page(desk.url, desk.widget_key, tokens) as (url, _), visitor(chromium, locale="en") as customer:
        allow(desk, url)
        page = customer.open(f"{url}/?signed")
        page.locator("yingda-chat .launch").click()
        write(page, "Maya's own words")
        receipt(page)
        page.clock.install()
        customer.context.route("**/chat/*/messages", lambda route: route.abort("internetdisconnected"))
        write(page, "Maya, still unsent")
        page.locator("yingda-chat .row.waiting").wait_for()
        tokens["value"] = token_for(desk, "lin")
        page.clock.run_for(6 * 60_000)  # Maya's token has run out, the page gives Lin's
        page.locator("yingda-chat .hello").get_by_text("Tell us what happened").wait_for()
        assert said_in(page) == []
        # Only now: while Maya's token lived, sending her message as hers would have been right.
        customer.context.unroute("**/chat/*/messages")
        write(page, "Lin's words")
        receipt(page)
        assert said_in(page) == ["Lin's words"]
        mine = "SELECT array_agg(l.text ORDER BY l.at) FROM lines l JOIN conversations c ON c.id = l.conversation_id" \
               " JOIN handles h ON h.customer_id = c.customer_id WHERE h.value = $1 AND l.kind = 'message'"  # fmt: skip
        assert desk.value(mine, "lin") == ["Lin's words"]
        assert desk.value(mine, "maya") == ["Maya's own words"]
