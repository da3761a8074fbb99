"""Real processes for tests that kill them: forked from a server that has imported everything, so one costs milliseconds."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.jobs.lanes", "tests.db.writers", "tests.proof.kill", "tests.proof.load"])
WAIT_SECONDS_MAX = 30.0

Say = Callable[[Any], None]
Work = Callable[..., Coroutine[Any, Any, None]]


class Process:
    """Runs `work(say, *args)` in a process of its own. `work` is a coroutine function at the top of a module that is no test."""

    def __init__(self, work: Work, *args: object) -> None:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])  # the fork server is told by nothing else
        self._said, theirs = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=_run, args=(theirs, work, args), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def hear(self, seconds: float = WAIT_SECONDS_MAX) -> Any:
        """The next thing it said. EOFError when it ended without, TimeoutError when it says nothing."""
        if not self._said.poll(seconds):
            raise TimeoutError(f"nothing said within {seconds} s")
        return self._said.recv()

    def heard(self) -> list[Any]:
        """All that it said and that nobody has heard yet, without waiting."""
        said = []
        try:
            while self._said.poll():
                said.append(self._said.recv())
        except EOFError:
            pass
        return said

    def kill(self) -> None:
        """SIGKILL: it is given no chance to do anything."""
        self._process.kill()
        self.wait()

    def lives(self) -> bool:
        return self._process.is_alive()

    def wait(self, seconds: float = WAIT_SECONDS_MAX) -> int | None:
        """Its exit code once it has ended: negative for the number of the signal that ended it."""
        self._process.join(seconds)
        return self._process.exitcode

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid


def _run(connection: Connection, work: Work, args: tuple[object, ...]) -> None:
    asyncio.run(work(connection.send, *args))
