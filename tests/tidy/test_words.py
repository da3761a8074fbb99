"""Both catalogues say the same things, and every code that people may meet has its sentence in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from babel.messages.pofile import read_po
from tests.tidy.source import PACKAGE, Python, none_of, place, python

LOCALE = PACKAGE / "locale"
ERRORS = {"Refused", "Temporary", "Permanent"}
PLACE = re.compile(r"\{[a-z_]*[^}]*\}")


@cache
def catalogues() -> dict[str, dict[str, str]]:
    """Language → key → sentence."""
    found = {}
    for path in sorted(LOCALE.glob("*.po")):
        with path.open("rb") as file:
            found[path.stem] = {str(message.id): str(message.string or "") for message in read_po(file) if message.id}
    return found


def error_codes(file: Python) -> Iterator[tuple[int, str]]:
    """(line, code) of every error made with its code written down."""
    for node in file.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args):
            continue
        chosen = node.args[0]
        for code in (chosen.body, chosen.orelse) if isinstance(chosen, ast.IfExp) else (chosen,):
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield node.lineno, code.value


def test_every_catalogue_has_every_sentence() -> None:
    all_keys = {key for catalogue in catalogues().values() for key in catalogue}
    none_of(
        (f"{language}: {key}" for language, catalogue in catalogues().items() for key in all_keys if not catalogue.get(key)),
        f"Write the sentence into the catalogue under {place(LOCALE)}, anew in its language",
    )


def test_a_sentence_has_the_same_places_in_every_language() -> None:
    english, *others = (catalogues()[language] for language in sorted(catalogues(), key=lambda name: name != "en"))
    none_of(
        (
            key
            for other in others
            for key, text in other.items()
            if set(PLACE.findall(text)) != set(PLACE.findall(english.get(key, "")))
        ),
        "Give both sentences the same {places}",
    )


def test_every_error_has_its_sentence() -> None:
    sentences = set(catalogues()["en"])
    codes = ((f"{file.place}:{line} {code}", code) for file in python(PACKAGE) for line, code in error_codes(file))
    missing = (finding for finding, code in codes if f"error.{code}" not in sentences)
    none_of(missing, "Say in both catalogues, under error.CODE, what happened and what to do")


def test_the_rule_reads_the_codes_of_errors() -> None:
    text = "raise Refused('one', 'where') from error\nraise Temporary('two' if x else 'three')\nraise ValueError('four')"
    assert [code for _, code in error_codes(Python("src/yingda/x.py", text))] == ["one", "two", "three"]
