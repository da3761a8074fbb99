"""A real `yingda serve` in a process of its own, and the other commands beside it, as a person at a terminal runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.db import folder
from tests.processes import ROOT

START_SECONDS_MAX = 60.0
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if not k.startswith("YINGDA_")}, "PYTHONPATH": str(ROOT / "src")}


class Serving:
    """A running desk. `said` is what it printed so far."""

    def __init__(self, data: Path, *options: str) -> None:
        self.began = time.monotonic()
        argv = [sys.executable, "-m", "yingda", "serve", "--data", str(data), *options]
        self.process = subprocess.Popen(argv, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.data, self.said, self.url = data, "", ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        until(lambda: bool(self.url) or self.process.poll() is not None, START_SECONDS_MAX)
        assert self.url, self.said
        until(lambda: self.get("/health") is not None, START_SECONDS_MAX)
        self.first_page_seconds = time.monotonic() - self.began

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if "is serving at " in line:
                self.url = line.split("is serving at ")[1].split()[0]

    def get(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(self.url + path, timeout=10, trust_env=False)
        except httpx.HTTPError:
            return None

    @property
    def demo(self) -> dict[str, Any]:
        return json.loads((self.data / "demo.json").read_text("utf-8"))

    def kill(self) -> None:
        """SIGKILL: it is given no chance to do anything. Its database lives on until somebody adopts or stops it."""
        self.process.kill()
        self._ended()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        code = self.process.wait(30)
        self._reader.join(10)
        self.process.stderr.close()
        return code


def until(true: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@contextmanager
def serving(data: Path, *options: str) -> Iterator[Serving]:
    desk = Serving(data, *options)
    try:
        yield desk
    finally:
        if desk.process.poll() is None:
            desk.stop()


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for a desk; whatever still runs on it is ended, and it is deleted."""
    data = folder.new_folder()
    try:
        yield data
    finally:
        folder.end(data)


def command(*argv: str, seconds: float = 120) -> tuple[int, dict[str, Any]]:
    """Exit code and the one JSON object of a command with --json."""
    full = [sys.executable, "-m", "yingda", *argv, "--json"]
    done = subprocess.run(full, env=ENVIRONMENT, capture_output=True, text=True, timeout=seconds, encoding="utf-8")
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout + done.stderr
    return done.returncode, json.loads(lines[0])
