"""Bring a server up on a data folder: adopt the one that runs, or make what is missing and start one."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from yingda.chance import Chance
from yingda.clock import Clock
from yingda.db import binaries, cluster, postmaster, readiness
from yingda.db.binaries import Binaries, Prefer
from yingda.db.places import Place
from yingda.db.postmaster import Postmaster
from yingda.errors import Refused

Say = Callable[[str], None]

PROGRESS_SECONDS = 3.0
KNOCK_WAIT_SECONDS_MIN, KNOCK_WAIT_SECONDS_MAX = 0.01, 0.5
CUT_OFF_SECONDS_MAX = 10.0


@dataclass(frozen=True)
class Wish:
    """What a start was asked for; kept, so that a restart asks for the same."""

    place: Place
    say: Say
    tcp_port: int | None
    prefer: Prefer
    settings: Mapping[str, str]
    clock: Clock
    chance: Chance


@dataclass(frozen=True)
class Running:
    """A server that answered: where it is, the programs that fit it, and our child, None if it was adopted."""

    at: Postmaster
    programs: Binaries
    child: subprocess.Popen[bytes] | None

    def alive(self, data_dir: Path) -> bool:
        # `poll` also reaps the child: an unreaped one would look alive to others by its number.
        return self.child.poll() is None if self.child else postmaster.is_server(self.at.pid, data_dir)


async def bring_up(wish: Wish) -> Running:
    """Under the folder's lock, so that of any number of starters one starts and the others adopt."""
    place = wish.place
    async with _locked(wish):
        try:
            found = await asyncio.to_thread(binaries.find, wish.prefer, cluster.version(place.cluster))
            programs = await asyncio.to_thread(binaries.ready, found)
            at = await _until_it_answers(wish, lambda: postmaster.running(place.cluster))
            if at is None:
                return await _launch(wish, programs)
            _refuse_other_port(wish, at)
            await readiness.ensure_database(superuser_url(place, at), place.password())
            return Running(at, programs, None)
        except (OSError, asyncpg.PostgresError) as error:
            raise cluster.failure("database_start_failed", str(error)) from error


def superuser_url(place: Place, at: Postmaster) -> str:
    return readiness.url(at.sockets, at.port, place.password(), role=cluster.SUPERUSER, database="postgres")


async def _launch(wish: Wish, programs: Binaries) -> Running:
    place = wish.place
    with place.alive.open("w") as alive:
        await _clear_away(wish, alive.fileno())
        if not place.cluster.exists():
            wish.say("Making the database (once, a few seconds).")
            await asyncio.to_thread(cluster.initialise, place, programs, wish.chance, alive.fileno())
        cluster.limit_log(place.log)
        offset = place.log.stat().st_size if place.log.exists() else 0
        command = cluster.command(place, programs, wish.tcp_port, wish.settings)
        child = place.account.launch(command, place.log, alive.fileno())
    at = Postmaster(child.pid, wish.tcp_port or cluster.PORT, place.sockets, "")
    try:
        if await _until_it_answers(wish, lambda: at if child.poll() is None else None):
            await readiness.ensure_database(superuser_url(place, at), place.password())
            return Running(at, programs, child)
    except BaseException:
        # Cancelled or refused: nobody would own the child. It obeys SIGQUIT at once, recovery or not.
        _cut_off(child)
        raise
    said = cluster.log_tail(place.log, offset)
    if "could not bind IPv4" in said:
        raise Refused("database_port_taken", str(wish.tcp_port), said)
    raise cluster.failure("database_start_failed", said)


async def _until_it_answers(wish: Wish, look: Callable[[], Postmaster | None]) -> Postmaster | None:
    """The server that `look` sees, once it answers, or None once `look` sees none.

    There is no limit: recovery takes as long as it takes, and giving up would not make it faster.
    """
    began = said_at = wish.clock.monotonic()
    wait_seconds = KNOCK_WAIT_SECONDS_MIN
    while (at := look()) is not None:
        # A server that is only just coming up has not yet written where it listens.
        answer = await readiness.knock(superuser_url(wish.place, at)) if at.port else readiness.Answer.SILENT
        if answer is readiness.Answer.READY:
            return at
        present = wish.clock.monotonic()
        if present - said_at >= PROGRESS_SECONDS:
            state = "is starting, recovering or stopping" if answer is readiness.Answer.BUSY else "does not answer yet"
            wish.say(f"The database {state}: {present - began:.0f} s so far, waiting on. Its log: {wish.place.log}")
            said_at = present
        await wish.clock.sleep(wait_seconds)
        wait_seconds = min(1.5 * wait_seconds, KNOCK_WAIT_SECONDS_MAX)
    return None


async def _clear_away(wish: Wish, alive: int) -> None:
    began = said_at = wish.clock.monotonic()
    while not await asyncio.to_thread(postmaster.clear_away, wish.place.cluster, wish.place.sockets, alive):
        present = wish.clock.monotonic()
        if present - said_at >= PROGRESS_SECONDS:
            wish.say(f"Processes of an earlier start still hold {wish.place.home}: {present - began:.0f} s so far, waiting on.")
            said_at = present
        await wish.clock.sleep(0.05)


@asynccontextmanager
async def _locked(wish: Wish) -> AsyncIterator[None]:
    """The folder's lock. The system frees it when its holder dies, however it dies."""
    said_at = wish.clock.monotonic()
    with wish.place.lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await wish.clock.sleep(0.05)
            if wish.clock.monotonic() - said_at >= PROGRESS_SECONDS:
                said_at = wish.clock.monotonic()
                wish.say("Another process is starting the database here; waiting for it.")
        yield


def _refuse_other_port(wish: Wish, at: Postmaster) -> None:
    if wish.tcp_port is not None and (at.port != wish.tcp_port or not at.listens_on):
        raise Refused("database_already_running", str(wish.place.cluster), f"without TCP port {wish.tcp_port}; stop it first")


def _cut_off(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGQUIT)
        try:
            child.wait(CUT_OFF_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
