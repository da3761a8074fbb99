"""Every command, option and setting is documented, and nothing is documented that is not there."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import re
from collections.abc import Iterator
from types import ModuleType

import pytest
from tests.tidy.source import PACKAGE, ROOT, none_of, python, read

COMMANDS = ROOT / "docs" / "commands.md"
SETTINGS = ROOT / "docs" / "settings.md"
# A section of docs/commands.md is a command's when its heading is `## check` or `## `yingda receipt verify``.
HEADING = re.compile(r"^#{2,3} +`?(?:yingda )?([a-z][a-z-]*(?: [a-z][a-z-]*)*)`?\s*$", re.MULTILINE)
ENVIRONMENT = re.compile(r"\bYINGDA_[A-Z][A-Z0-9_]*\b")


def module(name: str) -> ModuleType:
    if not (PACKAGE / f"{name}.py").exists():
        pytest.skip(f"yingda/{name}.py is not there")
    return importlib.import_module(f"yingda.{name}")


def commands(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """(name as typed, its parser) of every command that can be run; of groups, their members."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for group in groups:
        for name, child in group.choices.items():
            yield from commands(child, f"{prefix}{name} ")
    if not groups and prefix:
        yield prefix.strip(), parser


def sections(text: str) -> dict[str, str]:
    """Command → its section; "" → everything above the first, which speaks for all commands."""
    parts = HEADING.split(text)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def undocumented(parser: argparse.ArgumentParser, text: str) -> Iterator[str]:
    documented = sections(text)
    registered = dict(commands(parser))
    yield from (f"{name}: no section" for name in registered if name not in documented)
    yield from (f"{name}: a section, and no such command" for name in documented if name and name not in registered)
    for name, command in registered.items():
        words = documented[""] + documented.get(name, "")
        options = [option for action in command._actions for option in action.option_strings if option.startswith("--")]
        yield from (f"{name}: {option}" for option in options if option != "--help" and not mentions(words, option))


def mentions(text: str, option: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text))


def test_every_command_and_option_is_documented_and_every_documented_one_exists() -> None:
    parser = module("__main__").build_parser()
    assert COMMANDS.exists(), "Write docs/commands.md: one section a command"
    none_of(undocumented(parser, read(COMMANDS)), "Bring docs/commands.md and the parser together")


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    fields = dataclasses.fields(module("config").Settings)
    assert SETTINGS.exists(), "Write docs/settings.md: one line a setting"
    settings = {field.metadata["env"]: field.metadata["help"] for field in fields if "env" in field.metadata}
    documented = set(ENVIRONMENT.findall(read(SETTINGS)))
    none_of(settings.keys() - documented, "Document these in docs/settings.md")
    none_of(documented - settings.keys(), "Remove these from docs/settings.md: config.Settings has no such field")
    none_of((name for name, text in settings.items() if not text), "Say what the setting does in its field's metadata")


def test_settings_are_read_in_one_place() -> None:
    reading = re.compile(r"""(?:environ(?:\.get\(|\[)|getenv\()\s*["']YINGDA_""")
    elsewhere = (file for file in python(PACKAGE) if file.parts != ("config",))
    none_of(
        (file.place for file in elsewhere if reading.search(file.text)),
        "Make it a field of config.Settings and hand the value in",
    )


def test_no_text_names_a_setting_that_is_not_there() -> None:
    fields = dataclasses.fields(module("config").Settings)
    settings = {field.metadata.get("env") for field in fields}
    literals = ((file.place, line, text) for file in python(PACKAGE) for line, text in file.literals())
    named = ((f"{where}:{line} {name}", name) for where, line, text in literals for name in ENVIRONMENT.findall(text))
    none_of((finding for finding, name in named if name not in settings), "Name a field of config.Settings")


def test_the_rule_sees_what_is_missing_on_either_side() -> None:
    parser = argparse.ArgumentParser()
    group = parser.add_subparsers()
    group.add_parser("check").add_argument("--ledger")
    group.add_parser("receipt").add_subparsers().add_parser("verify").add_argument("--json")
    complete = "All take `--json`.\n## check\n`--ledger FILE`\n## `yingda receipt verify`\nIt …\n"
    assert list(undocumented(parser, complete)) == []
    assert list(undocumented(parser, complete.replace("--ledger", "--ledgers"))) == ["check: --ledger"]
    assert list(undocumented(parser, complete + "## serve\n")) == ["serve: a section, and no such command"]
    assert list(undocumented(parser, complete.replace("## check", "## checks"))) != []
