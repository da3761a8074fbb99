"""The embedded PostgreSQL: started, adopted, watched and stopped by us.

One server per data folder, whoever asks and however many ask at once: a file lock is held from the look at what runs
until the server answers. A server found running on the data is adopted, never doubled. If our process is killed, the
server stays up on purpose (no PR_SET_PDEATHSIG: it would cut off a second process that has adopted it) and the next
start adopts it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from yingda.chance import Chance, SystemChance
from yingda.clock import Clock, SystemClock
from yingda.db import cluster, launch, places, postmaster, readiness
from yingda.db.binaries import Prefer
from yingda.db.launch import Running, Say, Wish
from yingda.errors import YingdaError

STOP_SECONDS_MAX = 60.0
CUT_OFF_SECONDS_MAX = 10.0
RESTART_WAIT_SECONDS_MIN, RESTART_WAIT_SECONDS_MAX = 0.1, 30.0
STEADY_SECONDS = 60.0
WATCH_SECONDS = 0.25


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@dataclass
class Server:
    """A running server. `url` is for `asyncpg.connect` and stays the same across restarts; `superuser_url` is for what
    only a superuser may (extensions that are not trusted), never for serving. `version` is the major version."""

    url: str
    superuser_url: str
    version: int
    data_dir: Path
    bin_dir: Path
    _running: Running = field(repr=False)
    _wish: Wish = field(repr=False)
    _stopped: bool = field(default=False, repr=False)

    @property
    def pid(self) -> int:
        return self._running.at.pid

    @property
    def adopted(self) -> bool:
        """True if somebody else started it, and so somebody else stops it."""
        return self._running.child is None

    @property
    def log(self) -> Path:
        return self._wish.place.log

    def alive(self) -> bool:
        return self._running.alive(self.data_dir)

    async def stop(self, *, adopted_too: bool = False) -> None:
        """Stop the server that we started; leave one that we adopted to its owner, unless `adopted_too`.

        Fast shutdown: open transactions are rolled back and a checkpoint is written. After `STOP_SECONDS_MAX` the server
        is cut off without one, which the next start repairs from its log; nothing committed is lost.
        """
        self._stopped = True
        if self.adopted and not adopted_too:
            return
        for number, seconds_max in ((signal.SIGINT, STOP_SECONDS_MAX), (signal.SIGQUIT, CUT_OFF_SECONDS_MAX)):
            if self.alive():
                postmaster.send(self.pid, number)
            if await self._gone(seconds_max):
                return
            self._wish.say(f"The database has not stopped after {seconds_max:.0f} s.")
        postmaster.send(self.pid, signal.SIGKILL)
        await self._gone(CUT_OFF_SECONDS_MAX)

    async def watch(self) -> None:
        """Restart the server whenever it dies, until `stop` or cancellation, and keep its log small.

        A start that fails is said and tried again, after twice the wait each time, up to `RESTART_WAIT_SECONDS_MAX`.
        """
        clock, wait_seconds = self._wish.clock, RESTART_WAIT_SECONDS_MIN
        steady_at = clock.monotonic() + STEADY_SECONDS
        while not self._stopped:
            if self.alive():
                cluster.limit_log(self.log)
                await clock.sleep(WATCH_SECONDS)
                continue
            if clock.monotonic() > steady_at:
                wait_seconds = RESTART_WAIT_SECONDS_MIN
            self._wish.say(f"The database has died; starting it again in {wait_seconds:.1f} s.")
            await clock.sleep(wait_seconds)
            await self._restart()
            wait_seconds = min(2 * wait_seconds, RESTART_WAIT_SECONDS_MAX)
            steady_at = clock.monotonic() + STEADY_SECONDS

    async def _restart(self) -> None:
        if self._stopped:
            return
        try:
            self._running = await launch.bring_up(self._wish)
        except YingdaError as error:
            self._wish.say(f"The database does not start: {error}")

    async def _gone(self, seconds_max: float) -> bool:
        clock = self._wish.clock
        deadline = clock.monotonic() + seconds_max
        while self.alive():
            if clock.monotonic() > deadline:
                return False
            await clock.sleep(0.02)
        return True

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()


async def start(
    data: Path,
    *,
    say: Say = _print,
    tcp_port: int | None = None,
    prefer: Prefer = None,
    extra_settings: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    chance: Chance | None = None,
) -> Server:
    """A server on `data` that answers: adopted if one runs there, else started; the data is made on first use.

    `prefer` names the programs: the wheel's, an installed PostgreSQL's, or those in a folder; None takes what fits the
    data, the wheel first. No TCP unless `tcp_port`. Waits for recovery as long as it takes, saying so. Raises `Refused`
    (folder not usable, other major version, port taken), `Temporary` (disk full) or `Permanent`, each with what
    PostgreSQL said in `detail`.
    """
    try:
        place = await asyncio.to_thread(places.prepare, data)
    except OSError as error:
        raise cluster.failure("database_folder_unusable", str(error)) from error
    wish = Wish(place, say, tcp_port, prefer, extra_settings or {}, clock or SystemClock(), chance or SystemChance())
    running = await launch.bring_up(wish)
    password, at = place.password(), running.at
    if at.listens_on:
        # So that a restart of ours brings an adopted server back under the same URL.
        wish = replace(wish, tcp_port=at.port)
    return Server(
        url=readiness.url(at.sockets, at.port, password),
        superuser_url=launch.superuser_url(place, at),
        version=running.programs.version,
        data_dir=place.cluster,
        bin_dir=running.programs.folder,
        _running=running,
        _wish=wish,
    )


def database_url(data: Path) -> str | None:
    """The URL of the server that runs on `data`, or None. Starts nothing and does not ask whether it answers."""
    if not data.is_dir():
        return None
    place = places.prepare(data)
    at = postmaster.running(place.cluster)
    return readiness.url(at.sockets, at.port, place.password()) if at and at.port else None
