"""Pages in a real Chromium, and what every page must hold: nothing blocked by its policy, no error in its console."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
WAIT_MS = 10_000
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
# The network failing is what some tests are about; the browser says so in its console.
EXPECTED = (
    "net::ERR_",
    "Failed to load resource",
    "the server responded with a status of",
    "htmx:sendError",
    "htmx:afterRequest",
)


def chromium() -> str | None:
    """Where the browser is, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("YINGDA_TEST_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield launched
        launched.close()


@dataclass
class Visitor:
    """One person's browser profile. `faults` are errors and policy violations of any of its pages."""

    context: BrowserContext
    faults: list[str] = field(default_factory=list)

    def open(self, url: str) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda m: self._note(f"{m.text} ({m.location})") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._note(f"page error: {error}"))
        page.goto(url)
        return page

    def _note(self, text: str) -> None:
        if not any(known in text for known in EXPECTED):
            self.faults.append(text)


@contextmanager
def visitor(
    browser: Browser, *, locale: str = "zh-CN", viewport: dict[str, int] | None = None, **options: object
) -> Iterator[Visitor]:
    """A new person with an empty browser; at the end no page of theirs may have had a fault."""
    context = browser.new_context(locale=locale, viewport=viewport or DESKTOP, timezone_id="Asia/Shanghai", **options)
    someone = Visitor(context)
    try:
        yield someone
    finally:
        context.close()
    assert not someone.faults, someone.faults


def write(page: Page, text: str) -> None:
    """Write into the chat and press Enter."""
    field = page.locator("yingda-chat textarea")
    field.fill(text)
    field.press("Enter")


def receipt(page: Page, count: int = 1) -> Locator:
    """The newest receipt, once there are `count`."""
    slips = page.locator("yingda-chat .receipt")
    slips.nth(count - 1).wait_for()
    return slips.nth(count - 1)


def sign_in(page: Page, email: str, password: str) -> None:
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("form button.btn--ink")
    page.wait_for_selector("#list")


def said_in(page: Page) -> list[str]:
    """The words of the bubbles, in order."""
    return page.locator("yingda-chat .bubble .text").all_text_contents()
