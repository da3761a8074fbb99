"""A desk of one's own, without the demo: the first agent signs in, the wallet's key opens the chat, a retired one does not."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.house import EN, play

from yingda.__main__ import build_parser
from yingda.errors import Refused
from yingda.people.accounts import parse_customer_key
from yingda.people.agents import sign_in
from yingda.people.wallet_token import customer_of_token, sign_customer_token

OPEN_SESAME = "open sesame 1\n"


def yingda(tmp_path: Path, url: str, *words: str, typed: str = "") -> tuple[int, dict]:
    env = {**os.environ, "PYTHONPATH": "src", "YINGDA_MASTER_KEY": "bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0"}
    command = [sys.executable, "-m", "yingda", *words, "--database", url, "--data", str(tmp_path), "--json"]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, env=env, timeout=60)
    return done.returncode, json.loads(done.stdout)


def test_the_first_agent_and_key_of_a_desk_work_through_the_front_door(database_url, tmp_path):
    lin = ("--email", "lin@wallet.example", "--name", "小林", "--role", "lead")
    code, agent = yingda(tmp_path, database_url, "agent", "add", *lin,
                         typed=OPEN_SESAME)  # fmt: skip
    assert (code, agent["role"]) == (0, "lead")
    code, again = yingda(
        tmp_path, database_url, "agent", "add", "--email", "LIN@wallet.example", "--name", "x", typed="open sesame 1\n"
    )
    assert (code, again["error"]["code"], again["error"]["where"]) == (2, "agent_known", "--email")
    code, short = yingda(
        tmp_path, database_url, "agent", "add", "--email", "a@b.example", "--name", "x", "--lang", "zh-CN", typed="short\n"
    )
    assert (code, short["error"]["message"]) == (2, "密码应为 10 到 200 个字符。")
    code, key = yingda(tmp_path, database_url, "key", "add", "--account", "shop", "--origin", "https://shop.example")
    assert code == 0
    kid, widget_key, secret = parse_customer_key(key["customer_key"])

    async def scene(s):
        _, viewer = await sign_in(s.desk, "lin@wallet.example", OPEN_SESAME.strip(), "192.0.2.1")
        assert viewer.leads
        account = await s.house.accounts.by_widget_key(widget_key)
        assert account.origins == ("https://shop.example",)
        token = sign_customer_token(kid, widget_key, secret, "maya", s.desk.clock.now(), language=EN)
        assert customer_of_token(account, token, s.desk.clock.now())[0].handle_value == "maya"
        arguments = ("key", "retire", kid)
        assert (await asyncio.to_thread(yingda, tmp_path, database_url, *arguments))[0] == 0
        s.house.accounts._known.clear()  # what ACCOUNT_AGE_SECONDS_MAX does in time
        account = await s.house.accounts.by_widget_key(widget_key)
        with pytest.raises(Refused, match="token_key_unknown"):
            customer_of_token(account, token, s.desk.clock.now())

    play(database_url, scene)


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/path", "javascript:alert(1)", "https://"])
def test_an_origin_that_is_not_one_is_refused_before_anything_is_opened(origin):
    args = build_parser().parse_args(["key", "add", "--account", "shop", "--origin", origin, "--json"])
    with pytest.raises(Refused, match="origin_form"):
        asyncio.run(args.run(args))


def test_a_password_that_is_too_short_is_refused_before_anything_is_opened(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    args = build_parser().parse_args(["agent", "add", "--email", "a@b.example", "--name", "x", "--json"])
    with pytest.raises(Refused, match="password_length"):
        asyncio.run(args.run(args))
