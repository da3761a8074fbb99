"""The kill proof as one run with its figures: python -m tests.proof [--kills 200] [--record FILE]

`make prove` makes the same proof as tests. This one counts, goes on after a failure, and appends what it found to FILE.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
from tests.db.folder import end, new_folder, start
from tests.db.server import TEMPLATE, migrated_template
from tests.proof.kill import SCENES, cloned, kill_at, make_ready
from tests.proof.load import Outcome, under_load
from tests.proof.writes import write_statements, writing_doors

from yingda.db.embedded import Server


@dataclass
class Count:
    scenes: int = 0
    statements: int = 0
    kills: int = 0
    met: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


async def every_statement(server: Server) -> Count:
    count = Count()
    for number, scene in enumerate(SCENES.values()):
        ready = await make_ready(server, TEMPLATE, scene, f"scene_{number}")
        count.scenes += 1
        count.statements += len(ready.statements)
        count.met.update(ready.statements)
        for point in ready.points:
            count.kills += 1
            count.wrong += await kill_at(server, ready, point)
        print(f"{scene.name}: {len(ready.points)} kills, {len(count.wrong)} wrong so far", flush=True)
    count.wrong += [f"met by no kill: {' '.join(statement.split())}" for statement in write_statements() - count.met]
    return count


async def at_random(server: Server, kills: int, seed: int) -> Outcome:
    async with cloned(server, TEMPLATE) as url:
        return await under_load(url, kills, seed)


def commit_now() -> str:
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def section(count: Count, outcome: Outcome, server: Server, minutes: float, commit: str) -> str:
    """What is appended to the results, with machine, date and commit."""
    memory = round(psutil.virtual_memory().total / 2**30)
    doors = f"{len(writing_doors())} doors in {count.scenes} scenes, {count.statements} statements"
    yes = f"{len(outcome.messages)} messages and {len(outcome.replies)} replies acknowledged"
    return f"""
## Killed at every statement, and at random under load

{datetime.now(UTC):%Y-%m-%d}, commit {commit}; {psutil.cpu_count()} cores ({platform.machine()}), {memory} GB,
Python {platform.python_version()}, PostgreSQL {server.version} with fsync on; {minutes:.0f} minutes. `python -m tests.proof`

| proof | size | kills (SIGKILL) | wrong |
|---|---|---|---|
| every statement of every door, before and after it, commits included | {doors} | {count.kills} | {len(count.wrong)} |
| servers and agents at random, under four client processes | {yes} | {outcome.kills} | {len(outcome.wrong)} |

Wrong is: acknowledged and missing, doubled, other than what stands there when nobody is killed, or a violation in `yingda check`.
"""


async def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the desk at every statement and at random; nothing may be lost.")
    parser.add_argument("--kills", type=int, default=200, help="random kills under load")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path, metavar="FILE", help="append the figures to FILE")
    args = parser.parse_args()
    folder, began, commit = new_folder(), datetime.now(UTC), commit_now()  # others may commit meanwhile
    server = await start(folder)
    try:
        await migrated_template(server)
        count = await every_statement(server)
        outcome = await at_random(server, args.kills, args.seed)
    finally:
        await server.stop(adopted_too=True)
        end(folder)
    text = section(count, outcome, server, (datetime.now(UTC) - began).total_seconds() / 60, commit)
    print(text, *count.wrong, *outcome.wrong, sep="\n")
    if args.record:
        with args.record.open("a", encoding="utf-8") as file:
            file.write(text)
    return 1 if count.wrong or outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
