"""The browser's rules and the server's are one: the same secrets are found in the same places."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mnemonic import Mnemonic
from tests.conversations.secret_samples import cards, chinese_phrases, damaged_phrases, keys, phrases

import yingda.web
from yingda.conversations.masking.word_lists import COMMON, ENGLISH, EVERYDAY_HAN
from yingda.conversations.secrets import find, mask

STATIC = Path(yingda.web.__file__).parent / "static"
ORDINARY = [
    line
    for line in (Path(__file__).parent / "ordinary_sentences.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
IN_BROWSER = {"seed_phrase", "private_key", "card"}
SENT_BYTES_MAX = 12 * 1024
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="without node the browser suite covers the widget's module")


def front_coded(words: list[str]) -> str:
    """Each word as the number of letters it shares with the one before, and the rest."""
    text, previous = "", ""
    for word in words:
        shared = next((at for at, (one, other) in enumerate(zip(previous, word, strict=False)) if one != other), len(previous))
        text, previous = f"{text}{shared}{word[shared:]}", word
    return text


def lines(name: str) -> list[str]:
    return (STATIC / name).read_text("utf-8").splitlines()


def compressed(*names: str) -> int:
    return sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in names)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module and its lists, where node takes `.js` for ES modules as browsers do."""
    folder = tmp_path_factory.mktemp("static")
    for path in (*STATIC.glob("secret*.js"), *STATIC.glob("words-bip39-*.txt")):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder / "secrets.js"


def in_browser(module: Path, texts: list[str]) -> list[dict[str, Any]]:
    assert NODE is not None
    script = Path(__file__).parent / "find_secrets.mjs"
    run = subprocess.run(
        [NODE, "--no-warnings", str(script), module.as_uri()], input=json.dumps(texts), capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    answers: list[dict[str, Any]] = json.loads(run.stdout)
    return answers


def inputs() -> list[str]:
    chance = random.Random(11)
    english = [sample.text for sample in phrases(chance) if all(word in ENGLISH for word in sample.pieces)]
    samples = [sample.text for make in (damaged_phrases, chinese_phrases, keys, cards) for sample in make(chance)]
    texts = chance.sample(english, 80) + chance.sample(samples, 260) + ORDINARY
    halves = [text[: len(text) // 2] for text in chance.sample(samples, 60)]
    joined = [f"{one} 😀 {other}" for one, other in zip(chance.sample(texts, 60), chance.sample(texts, 60), strict=True)]
    return [*texts, *halves, *joined, "", "😀", "\u200b", "１２３٤٥", "●●●●1111 4111"]


@needs_node
def test_browser_and_server_find_the_same_in_hundreds_of_texts(module: Path) -> None:
    # Codes and passwords are the server's: texts in which it finds some are compared elsewhere.
    texts = [text for text in inputs() if {found.kind for found in find(text)} <= IN_BROWSER]
    assert len(texts) >= 300
    differing = []
    for text, answer in zip(texts, in_browser(module, texts), strict=True):
        here = [[found.kind, text[found.start : found.end]] for found in find(text)]
        masked = mask(text)
        if answer["found"] != here or answer["masked"] != masked.text or answer["kinds"] != list(masked.kinds):
            differing.append((text, here, answer))
    assert differing == []


@needs_node
def test_the_browser_masks_once_and_for_all(module: Path) -> None:
    once = [answer["masked"] for answer in in_browser(module, inputs()[:200])]
    assert [answer["masked"] for answer in in_browser(module, once)] == once


def test_the_browsers_lists_are_those_of_bip39_and_of_the_server() -> None:
    coded, common = lines("words-bip39-en.txt")
    assert coded == front_coded(Mnemonic("english").wordlist)
    assert set(common.split(" ")) == {word for word in COMMON if word.isascii()}
    simplified, everyday = lines("words-bip39-zh.txt")
    assert list(simplified) == Mnemonic("chinese_simplified").wordlist
    assert set(everyday.split(" ")) == EVERYDAY_HAN
    (traditional,) = lines("words-bip39-zh-hant.txt")
    filled = [one if other == "." else other for one, other in zip(simplified, traditional, strict=True)]
    assert filled == Mnemonic("chinese_traditional").wordlist


def test_units_are_the_same_on_both_sides() -> None:
    units = "".join(word for word in COMMON if not word.isascii())
    source = (STATIC / "secret-phrases.js").read_text("utf-8")
    assert sorted(source.split('new Set("', 1)[1].split('"', 1)[0]) == sorted(units)


def test_what_one_message_makes_the_browser_load_stays_small() -> None:
    lists = compressed("words-bip39-en.txt", "words-bip39-zh.txt")
    assert lists <= SENT_BYTES_MAX
    for rule in (["secret-phrases.js", "words-bip39-en.txt"], ["secret-phrases.js", "words-bip39-zh.txt"], ["secret-keys.js"]):
        assert compressed("secrets.js", *rule) <= SENT_BYTES_MAX
