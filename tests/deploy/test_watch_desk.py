"""The script for an outside cron: it wakes somebody once when the desk is silent, and says once that it is well again."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.processes import ROOT

SCRIPT = ROOT / "deploy" / "watch-desk.sh"
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the script needs curl")


class Desk(ThreadingHTTPServer):
    status, asked = 200, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert self.path == "/health" and isinstance(self.server, Desk)
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


class Cron:
    """Runs the script again and again with one state; what the command was told stands in `told`."""

    def __init__(self, folder: Path) -> None:
        self.state, self.log, self.pager = folder / "desk state", folder / "told", folder / "page somebody"
        self.pager.write_text(
            '#!/bin/sh\necho "$DESK_STATE|$DESK_URL|$DESK_REASON|$DESK_SINCE|$*" >>"$LOG"\nexit "${PAGER_EXIT:-0}"\n'
        )
        self.pager.chmod(0o755)

    def run(self, url: str, **environment: str) -> int:
        argv = ["sh", str(SCRIPT), url, str(self.state), str(self.pager), "on call", "$(touch never)"]
        full = {**os.environ, "LOG": str(self.log), "SECONDS_MAX": "2", "no_proxy": "*", **environment}
        return subprocess.run(argv, env=full, timeout=30, capture_output=True, cwd=self.state.parent).returncode

    @property
    def told(self) -> list[list[str]]:
        return [line.split("|") for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def cron(tmp_path: Path) -> Cron:
    return Cron(tmp_path)


def test_a_desk_that_is_well_wakes_nobody(desk: Desk, cron: Cron):
    assert [cron.run(desk.url + "/") for _ in range(4)] == [0] * 4
    assert cron.told == [] and desk.asked == 4


def test_somebody_is_woken_once_after_three_failures_in_a_row_and_told_once_when_it_is_well(desk: Desk, cron: Cron):
    desk.status = 503
    assert [cron.run(desk.url) for _ in range(2)] == [1, 1] and cron.told == []
    desk.status = 200
    assert cron.run(desk.url) == 0
    desk.status = 503
    assert [cron.run(desk.url) for _ in range(6)] == [1] * 6
    assert [t[:3] for t in cron.told] == [["silent", desk.url, "HTTP 503"]]
    assert cron.told[0][3].endswith("Z") and cron.told[0][4] == "on call $(touch never)"
    desk.status = 200
    assert [cron.run(desk.url) for _ in range(3)] == [0] * 3
    assert [t[0] for t in cron.told] == ["silent", "well"] and cron.told[1][3] == cron.told[0][3]
    assert not (cron.state.parent / "never").exists()


def test_no_answer_at_all_is_silence_too(desk: Desk, cron: Cron):
    nowhere = "http://127.0.0.1:9"
    assert [cron.run(nowhere) for _ in range(3)] == [1] * 3
    assert cron.told[0][0] == "silent" and cron.told[0][2]


def test_whoever_could_not_be_told_is_told_at_the_next_run(desk: Desk, cron: Cron):
    desk.status = 500
    for _ in range(4):
        cron.run(desk.url, PAGER_EXIT="1")
    assert len(cron.told) == 2, "the third and the fourth run"
    cron.run(desk.url)
    cron.run(desk.url)
    assert len(cron.told) == 3


def test_a_damaged_state_begins_anew_and_wrong_use_is_said(desk: Desk, cron: Cron):
    desk.status = 500
    cron.state.write_text("rubbish\n")
    assert [cron.run(desk.url, FAILURES_MAX="1")] == [1] and len(cron.told) == 1
    done = subprocess.run(["sh", str(SCRIPT), desk.url], capture_output=True, text=True)
    assert done.returncode == 2 and "use:" in done.stderr
