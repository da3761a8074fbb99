"""The first start is killed while it makes the master key: the next one makes it, and two at once agree on one."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

from tests.processes import Process, Say

from yingda.chance import SystemChance
from yingda.people.master_key import load_master_key

STEPS = ("open", "fsync", "link")


async def die_at(say: Say, folder: str, step: str) -> None:
    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(os, step, die if step != "open" else _after_the_first(os.open, die))
    load_master_key(Path(folder), None, SystemChance())
    say("survived")


def _after_the_first(original, die):
    def opened(*args: object, **kwargs: object) -> int:
        original(*args, **kwargs)
        die()
        return -1

    return opened


async def make(say: Say, folder: str) -> None:
    key = load_master_key(Path(folder), None, SystemChance())
    say(key.wrap(b"x" * 32, "proof"))


def test_a_start_that_was_killed_while_it_made_the_key_is_in_nobodys_way(tmp_path):
    for step in STEPS:
        folder = tmp_path / step
        with Process(die_at, str(folder), step) as process:
            assert process.wait() == -signal.SIGKILL
        key = load_master_key(folder, None, SystemChance())
        assert stat.S_IMODE((folder / "master.key").stat().st_mode) == 0o600
        assert load_master_key(folder, None, SystemChance()).unwrap(key.wrap(b"x" * 32, "proof"), "proof") == b"x" * 32


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    processes = [Process(make, str(tmp_path)) for _ in range(6)]
    wrapped = [process.hear() for process in processes]
    key = load_master_key(tmp_path, None, SystemChance())
    assert [key.unwrap(value, "proof") for value in wrapped] == [b"x" * 32] * 6
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]
