"""The master key: made once, for its owner's eyes only, however many processes start at the same moment."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.processes import ROOT

from yingda.chance import SystemChance
from yingda.errors import Permanent, Refused
from yingda.people.master_key import KEY_BYTES, MasterKey, load_master_key

LOAD = """
import sys, time
from pathlib import Path
from yingda.chance import SystemChance
from yingda.people.master_key import load_master_key
while time.time() < float(sys.argv[2]): pass
wrapped = load_master_key(Path(sys.argv[1]), None, SystemChance()).wrap(b"same", "test")
sys.stdout.buffer.write(wrapped)
"""


def test_it_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path):
    first = load_master_key(tmp_path / "new" / "data", None, SystemChance())
    path = tmp_path / "new" / "data" / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(path.read_bytes()) == KEY_BYTES
    again = load_master_key(tmp_path / "new" / "data", None, SystemChance())
    assert again.unwrap(first.wrap(b"words", "purpose"), "purpose") == b"words"
    assert [p.name for p in path.parent.iterdir()] == ["master.key"]


def test_processes_that_start_at_the_same_moment_share_one_key(tmp_path: Path):
    import time  # the moment at which they start

    at = str(time.time() + 1.5)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    started = [
        subprocess.Popen([sys.executable, "-c", LOAD, str(tmp_path), at], env=environment, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    wrapped = [process.communicate(timeout=30)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    key = load_master_key(tmp_path, None, SystemChance())
    assert [key.unwrap(value, "test") for value in wrapped] == [b"same"] * 4


def test_a_process_killed_while_making_it_stops_nobody(tmp_path: Path):
    (tmp_path / "master.new").write_bytes(b"half")
    key = load_master_key(tmp_path, None, SystemChance())
    assert load_master_key(tmp_path, None, SystemChance()).unwrap(key.wrap(b"x", "p"), "p") == b"x"


def test_the_setting_wins_over_the_file(tmp_path: Path):
    given = base64.urlsafe_b64encode(b"g" * 32).decode()
    for text in (given, given.rstrip("=")):
        key = load_master_key(tmp_path, text, SystemChance())
        assert MasterKey(b"g" * 32, SystemChance()).unwrap(key.wrap(b"x", "p"), "p") == b"x"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", ["short", "界", "A" * 44, "A" * 42, "!" * 43])
def test_a_setting_that_is_no_key_is_refused(tmp_path: Path, given: str):
    with pytest.raises(Refused, match="master_key_form"):
        load_master_key(tmp_path, given, SystemChance())


def test_a_file_that_is_no_key_is_refused_and_never_replaced(tmp_path: Path):
    (tmp_path / "master.key").write_bytes(b"damaged")
    with pytest.raises(Refused, match="master_key_form"):
        load_master_key(tmp_path, None, SystemChance())
    assert (tmp_path / "master.key").read_bytes() == b"damaged"


def test_another_key_another_purpose_or_a_changed_byte_opens_nothing():
    key = MasterKey(b"k" * 32, SystemChance())
    wrapped = key.wrap(b"words", "purpose")
    assert wrapped != key.wrap(b"words", "purpose"), "a nonce of its own each time"
    attempts = [(MasterKey(b"j" * 32, SystemChance()), wrapped, "purpose"), (key, wrapped, "other"), (key, b"", "purpose"),
                (key, wrapped[:11], "purpose")]  # fmt: skip
    attempts += [(key, wrapped[:i] + bytes([wrapped[i] ^ 1]) + wrapped[i + 1 :], "purpose") for i in range(len(wrapped))]
    for other, value, purpose in attempts:
        with pytest.raises(Permanent, match="master_key_wrong"):
            other.unwrap(value, purpose)
