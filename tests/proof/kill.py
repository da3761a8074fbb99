"""Kill the process at one statement of a door, open the desk again, let the sender repeat, and look what stands there."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from tests.db.server import drop_database, fresh_database
from tests.house import Stage, stage
from tests.open_desk import open_desk
from tests.processes import Process, Say
from tests.proof import scenes_of_conversations, scenes_of_jobs, scenes_of_people
from tests.proof.portrait import Portrait, differences, portrait, unordered
from tests.proof.reopened import MASTER, faults_of, reopened, settle
from tests.proof.scene import Made, Scene

from yingda.chance import SystemChance
from yingda.commands.opened import build_house
from yingda.db.desk import SERVING
from yingda.db.embedded import Server
from yingda.errors import YingdaError
from yingda.people.master_key import MasterKey
from yingda.wiring import FOLLOWS

SCENES: dict[str, Scene] = {
    scene.name: scene for scene in (*scenes_of_conversations.SCENES, *scenes_of_people.SCENES, *scenes_of_jobs.SCENES)
}
MUTANTS: dict[str, Scene] = {scene.name: scene for scene in scenes_of_conversations.MUTANTS}
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Point:
    """The `place`-th statement of the door, before or after it. A commit is a statement; so is one that is its own commit."""

    place: int
    when: str


class Deadly:
    """Stands at the database's door, writes down what passes, and kills its process at `point` (never, when None)."""

    def __init__(self, point: Point | None) -> None:
        self.point, self.passed = point, list[str]()

    async def before(self, statement: str) -> None:
        self.passed.append(statement)
        self._meet(BEFORE)

    async def after(self, statement: str) -> None:
        self._meet(AFTER)

    def _meet(self, when: str) -> None:
        if self.point == Point(len(self.passed), when):
            os.kill(os.getpid(), signal.SIGKILL)


async def act(say: Say, url: str, name: str, made: Made, point: Point | None) -> None:
    """In a process of its own: go through the door. Says (statements, answer) if it lives to say it."""
    scene, deadly = (SCENES | MUTANTS)[name], Deadly(point)
    if scene.is_first_start:
        async with first_opened(url, deadly):
            say((deadly.passed, None))
        return
    async with reopened(url) as s:
        s.desk.faults = deadly
        answer = await scene.act(s, made)
        s.desk.faults = None
        say((deadly.passed, answer))


async def act_again(say: Say, url: str, name: str, made: Made) -> None:
    """In a process of its own, after the kill. Says ("answered", answer) or ("refused", the code)."""
    scene = (SCENES | MUTANTS)[name]
    async with opened_for(scene, url) as s:
        try:
            say(("answered", await (scene.again or scene.act)(s, made)))
        except YingdaError as error:
            say(("refused", error.code))
        except asyncpg.PostgresError as error:
            say(("refused", type(error).__name__))


def opened_for(scene: Scene, url: str) -> AbstractAsyncContextManager[Stage]:
    return first_opened(url) if scene.is_first_start else reopened(url)


@asynccontextmanager
async def first_opened(url: str, faults: Deadly | None = None) -> AsyncIterator[Stage]:
    """The desk at its first start: nobody works there yet."""
    async with open_desk(url, name=SERVING, follows=FOLLOWS, faults=faults) as desk:
        yield Stage(await build_house(desk, MasterKey(MASTER, SystemChance())), cast=None)


@dataclass(frozen=True)
class Ready:
    """A scene, its desk as it stands before (a database to clone), and what stands there when nobody is killed."""

    scene: Scene
    template: str
    made: Made
    expected: Portrait
    statements: list[str]

    @property
    def points(self) -> list[Point]:
        return [Point(place, when) for place in range(1, len(self.statements) + 1) for when in (BEFORE, AFTER)]


async def make_ready(server: Server, migrated: str, scene: Scene, name: str) -> Ready:
    url = await fresh_database(server, migrated, name)
    made: Made = {}
    if not scene.is_first_start:
        async with stage(url) as s:
            made = await scene.prepare(s)
    async with cloned(server, name) as undisturbed:
        with Process(act, undisturbed, scene.name, made, None) as process:
            statements, answer = await asyncio.to_thread(process.hear)
        expected = await seen(scene, undisturbed, made, ("answered", answer))
    return Ready(scene, name, made, expected, statements)


async def kill_at(server: Server, ready: Ready, point: Point) -> list[str]:
    """What is wrong after a kill at `point` and the sender's repetition: nothing, when all is well."""
    scene = ready.scene
    async with cloned(server, ready.template) as url:
        with Process(act, url, scene.name, ready.made, point) as process:
            exit_code = await asyncio.to_thread(process.wait)
            came = exit_code == -signal.SIGKILL or (exit_code == 0 and scene.is_concurrent)
            assert came, f"{scene.name} at {point}: not killed but ended with {exit_code}"
        with Process(act_again, url, scene.name, ready.made) as process:
            kind, answer = await asyncio.to_thread(process.hear)
        wrong = [] if kind == "answered" or answer in scene.settled else [f"the repetition was refused: {answer}"]
        try:
            wrong += differences(ready.expected, await seen(scene, url, ready.made, (kind, answer)))
        except AssertionError as error:
            wrong.append(str(error))
        return [f"{scene.name}, killed {point.when} statement {point.place}: {what}" for what in wrong]


async def seen(scene: Scene, url: str, made: Made, answer: tuple[str, Any]) -> Portrait:
    """The portrait, once the answer holds what it said; asserts that later, with no allowance left, `check` finds nothing."""
    async with opened_for(scene, url) as s:
        if scene.holds is not None and answer[0] == "answered":
            await scene.holds(s, made, answer[1])
        portrayed = await portrait(s.desk, without=scene.without)
        await settle(s.house)
        found = await faults_of(s.house, scene.ledger(made))
        assert not found, "; ".join(found)
    return unordered(portrayed) if scene.is_concurrent else portrayed


@asynccontextmanager
async def cloned(server: Server, template: str) -> AsyncIterator[str]:
    url = await fresh_database(server, template)
    try:
        yield url
    finally:
        await drop_database(server, url)
