"""Case A01: Enter that accepts a candidate of an input method never sends, at the customer's and at the agent's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator
from tests.web.browser import receipt, said_in, sign_in, visitor, write
from tests.web.running import RunningDesk

pytestmark = pytest.mark.browser
SEQUENCES = json.loads((Path(__file__).parents[1] / "cases/A01-ime-enter/input.json").read_text("utf-8"))
QUIET_MS = 400

# What an input method makes a browser dispatch. keyCode is read-only in a synthetic event, so it is defined on it.
DISPATCH = """
(field, [step, more]) => {
  const key = (init) => {
    const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, composed: true, ...init, ...more });
    Object.defineProperty(event, "keyCode", { value: init.keyCode });
    return field.dispatchEvent(event);
  };
  if (step.value !== undefined) { field.value = step.value; field.dispatchEvent(new InputEvent("input", { bubbles: true })); }
  if (step.compositionstart) field.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
  if (step.key) key(step);
  if (step.compositionend !== undefined) {
    field.value = step.compositionend;
    field.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: step.compositionend }));
    if (step.then) key(step.then);
  }
}
"""


def play(field: Locator, steps: list[dict[str, object]], **more: object) -> None:
    for step in steps:
        field.evaluate(DISPATCH, [step, more])


def test_the_customers_enter_sends_only_what_is_finished(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer:
        chat = customer.open(f"{desk.url}/chat")
        field = chat.locator("yingda-chat textarea")
        field.wait_for()
        first, second, third = (sequence["events"] for sequence in SEQUENCES)
        play(field, first)
        play(field, second)
        chat.wait_for_timeout(QUIET_MS)
        assert said_in(chat) == []
        # Safari: the composition ends, and the keydown that ended it follows in the same task without any sign.
        play(field, [{"compositionstart": 1}, {"compositionend": "你好", "then": {"key": "Enter", "keyCode": 13}}])
        chat.wait_for_timeout(QUIET_MS)
        assert said_in(chat) == []
        play(field, third)
        receipt(chat)
        assert said_in(chat) == ["你好"]
        assert desk.value("SELECT count(*) FROM lines WHERE kind = 'message'") == 1


def test_shift_enter_breaks_the_line_and_a_held_enter_sends_once(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer:
        chat = customer.open(f"{desk.url}/chat")
        field = chat.locator("yingda-chat textarea")
        field.press_sequentially("第一行")
        field.press("Shift+Enter")
        field.press_sequentially("第二行")
        assert field.input_value() == "第一行\n第二行"
        for _ in range(3):
            chat.keyboard.down("Enter")
        chat.keyboard.up("Enter")
        receipt(chat)
        assert said_in(chat) == ["第一行\n第二行"]
        assert desk.value("SELECT count(*) FROM lines WHERE kind = 'message'") == 1


def test_the_agents_enter_sends_only_with_control_and_never_while_composing(chromium: Browser, desk: RunningDesk) -> None:
    with visitor(chromium) as customer, visitor(chromium) as agent:
        chat = customer.open(f"{desk.url}/chat")
        write(chat, "在吗")
        receipt(chat)
        console = agent.open(f"{desk.url}/desk")
        sign_in(console, "谷雨@desk.example", desk.password)
        console.locator("#list .row").click()
        field = console.locator("#reply")
        field.press_sequentially("您好")
        field.press("Enter")
        field.press_sequentially("我在")
        play(field, [{"compositionstart": 1}, {"key": "Enter", "isComposing": True, "keyCode": 229}], ctrlKey=True)
        play(field, [{"compositionend": "您好\n我在"}, {"key": "Enter", "keyCode": 229}], ctrlKey=True)
        console.wait_for_timeout(QUIET_MS)
        assert desk.value("SELECT count(*) FROM lines WHERE kind = 'reply'") == 0
        field.press("Control+Enter")
        chat.get_by_text("我在").wait_for()
        assert said_in(chat) == ["在吗", "您好\n我在"]
