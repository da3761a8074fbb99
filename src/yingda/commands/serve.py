"""`yingda serve`: web and workers in one process, on the embedded database or on yours."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import ipaddress
import logging
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from yingda.commands import demo
from yingda.commands.opened import opened_house, publish_keys, say
from yingda.config import Settings, settings
from yingda.db.wake import JOBS
from yingda.errors import Refused, Temporary
from yingda.jobs.periodic import Rounds
from yingda.jobs.periodic import run_forever as rounds_forever
from yingda.jobs.work import Worker, work_forever
from yingda.web.app import build_app
from yingda.wiring import House

CLOCK_SYNC_SECONDS = 30.0
BACKLOG = 2048
LIVE_POLL_SECONDS = 5.0
COLLECT_AFTER = (20_000, 20, 50)  # objects, and rounds of the younger generations (gc.set_threshold)
STOP_SECONDS_MAX = 3  # open streams are cut after this; their clients come back with where they stand

log = logging.getLogger("yingda")


def add(parsers: Any) -> None:
    parser = parsers.add_parser("serve", help="run the desk", description="Run the desk: pages, API and background work.")
    parser.add_argument("--data", metavar="DIR", help="folder of keys and of the embedded database (default ./data)")
    parser.add_argument("--database", metavar="URL", help="your own PostgreSQL 15 or newer instead of the embedded one")
    parser.add_argument("--host", metavar="H", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", metavar="N", help="port to listen on (default 8500; 0: a free one)")
    parser.add_argument("--demo", action="store_true", help="make demo people and keys, and write DIR/demo.json")
    parser.set_defaults(run=run, json=False)


async def run(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    wanted = settings(vars(args))
    listener = listen(wanted)
    try:
        async with opened_house(wanted, live=True) as house:
            url = wanted.url or _address(listener, wanted.host)
            await publish_keys(house, wanted)
            if args.demo:
                await demo.prepare(house, wanted, url)
            await serve(house, listener, wanted, url)
    finally:
        listener.close()
    return 0


def listen(wanted: Settings) -> socket.socket:
    """The listening socket, bound before anything slow: a port in use is said at once. Refused port_in_use."""
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((wanted.host, wanted.port))
        listener.listen(BACKLOG)  # at once: until somebody listens, two may bind the same port
    except OSError as error:
        listener.close()
        raise Refused("port_in_use", f"{wanted.host}:{wanted.port}", str(error)) from error
    return listener


async def serve(house: House, listener: socket.socket, wanted: Settings, url: str) -> None:
    """Serve until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        build_app(house, demo_allowed=on_loopback(wanted.host)), log_config=None, access_log=False, server_header=False,
        date_header=True, ws="none", http="httptools", loop="none", proxy_headers=True,
        forwarded_allow_ips=wanted.trusted_proxies, timeout_graceful_shutdown=STOP_SECONDS_MAX, backlog=BACKLOG,
    )  # fmt: skip
    server = uvicorn.Server(config)
    # What stands now stands for good: the collector need not walk it again, and looks seldom, since a look that walks
    # thousands of open streams is a pause that all of them feel.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    async with background(house, wanted):
        say(f"Yingda is serving at {url}  (customers: {url}/chat, agents: {url}/desk, health: {url}/health)")
        await server.serve(sockets=[listener])


@asynccontextmanager
async def background(house: House, wanted: Settings) -> AsyncIterator[None]:
    """Workers, periodic rounds, the clock and the slow look at live rows, beside whatever runs inside."""
    something = asyncio.Event()
    house.desk.wakes.listen(lambda topics: something.set() if JOBS in topics else None)
    name = house.desk.chance.token(6)
    loops: list[Coroutine[Any, Any, None]] = [
        work_forever(Worker(house.desk, house.handlers, f"{name}:{lane}"), something) for lane in range(wanted.workers)
    ]
    loops += [rounds_forever(Rounds(house.desk, house.doors, name)), _keep_time(house), _look(house)]
    tasks = [asyncio.create_task(_shown(loop)) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _shown(loop: Coroutine[Any, Any, None]) -> None:
    """A background loop that ends is a fault of ours: it is said, and the process is told to stop so that it is restarted."""
    try:
        await loop
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("a background loop died; stopping so that whoever watches this process starts it again")
        signal.raise_signal(signal.SIGTERM)


async def _keep_time(house: House) -> None:
    while True:
        await house.desk.clock.sleep(CLOCK_SYNC_SECONDS)
        with contextlib.suppress(Temporary):
            await house.desk.sync_clock()


async def _look(house: House) -> None:
    """Hints may be lost; rows are not."""
    while True:
        await house.desk.clock.sleep(LIVE_POLL_SECONDS)
        with contextlib.suppress(Temporary):
            await house.live.look(house.desk)


def on_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(listener: socket.socket, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
