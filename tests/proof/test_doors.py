"""A door that writes has a scene in which its process is killed: a new one without fails here."""

from __future__ import annotations

from tests.proof.kill import SCENES
from tests.proof.writes import RECORD, Function, all_functions, functions, write_statements, writing_doors
from tests.tidy.source import Python, none_of

# Doors without a scene of their own, with the reason. It may only shrink.
EXCUSED: dict[str, str] = {}


def covered() -> set[str]:
    return {name for scene in SCENES.values() for name in scene.covers}


def test_every_door_that_writes_is_killed_in_a_scene():
    none_of(writing_doors() - covered() - set(EXCUSED), "Give the door a scene in tests/proof/scenes_of_….py")


def test_scenes_and_excuses_name_doors_that_exist():
    none_of(covered() - set(all_functions()), "Rename or remove what the scene covers")
    none_of(set(EXCUSED) - writing_doors(), "Remove the excuse: there is no such door any more")
    none_of(set(EXCUSED) & covered(), "Remove the excuse: a scene covers it")


def test_no_two_scenes_have_one_name():
    assert len(SCENES) > 30 and len(write_statements()) > 30


def test_the_rule_sees_a_door_that_writes_however_deep():
    text = (
        'from yingda.conversations.line import say\nADD = "INSERT INTO x VALUES (1)"\n'
        "async def plain(tx):\n    await tx.execute(ADD)\n"
        'async def literal(tx):\n    await tx.execute("UPDATE x SET a = 1")\n'
        "async def recorded(tx):\n    await tx.record(1, fact)\n"
        "async def deep(tx):\n    await _inner(tx)\n"
        "async def _inner(tx):\n    await say(tx)\n"
        'async def reads(tx):\n    await tx.fetch("SELECT 1 FROM x FOR UPDATE")\n'
        'class Reception:\n    async def receive(self):\n        await tx.fetch("SELECT * FROM receive_message($1)")\n'
        "    async def twice(self):\n        await self.receive()\n"
    )
    found: dict[str, Function] = {f.name.removeprefix("yingda.x."): f for f in functions(Python("src/yingda/x.py", text))}
    assert {name for name, f in found.items() if f.statements} == {"plain", "literal", "Reception.receive"}
    assert RECORD in found["recorded"].calls
    assert "yingda.x._inner" in found["deep"].calls and "yingda.conversations.line.say" in found["_inner"].calls
    assert "yingda.x.Reception.receive" in found["Reception.twice"].calls
    assert not found["_inner"].is_door and found["deep"].is_door
