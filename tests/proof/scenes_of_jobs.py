"""Background work: jobs in all their ends, and the periodic doors. After a kill, leases must lapse first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.house import Stage
from tests.open_desk import let_pass
from tests.proof.scene import Made, Scene
from tests.proof.scenes_of_conversations import late, replied, uploaded, yes
from tests.proof.scenes_of_people import signed_in

from yingda.db.desk import Desk
from yingda.errors import Permanent, Temporary
from yingda.jobs import periodic, shelf, work
from yingda.jobs.periodic import Rounds
from yingda.jobs.work import Later, Worker, enqueue, release_lapsed
from yingda.people import agents, guests

JOBS = "yingda.jobs."
STEP = (f"{JOBS}work.Worker.step",)
ROUND = (f"{JOBS}periodic.Rounds.step",)
LANE = "lane"


async def note(desk: Desk, args: dict[str, Any]) -> None:
    """Idempotent, as a handler must be."""
    await desk.statement(lambda tx: tx.execute("INSERT INTO runs VALUES ($1) ON CONFLICT DO NOTHING", args["number"]))


async def enqueued(s: Stage) -> Made:
    async def three(tx: Any) -> None:
        await tx.execute("CREATE TABLE runs (number int PRIMARY KEY)")
        for number in (1, 2, 3):
            await enqueue(tx, "note", {"number": number})

    await s.desk.transaction(three)
    return {}


def lane(s: Stage, handler: Callable[[Desk, dict[str, Any]], Awaitable[None]] = note) -> Worker:
    return Worker(s.desk, {**s.house.handlers, "note": handler}, s.desk.chance.token(6))


async def work_off(s: Stage, made: Made) -> None:
    worker = lane(s)
    while await worker.step():
        pass


def failing(error: Exception) -> Any:
    async def handler(desk: Desk, args: dict[str, Any]) -> None:
        await note(desk, args)
        if args["number"] == 2:
            raise error

    async def act(s: Stage, made: Made) -> None:
        await lane(s, handler).step()

    return act


def lapsed(act: Callable[[Stage, Made], Awaitable[Any]]) -> Any:
    """What happens after a kill without anybody's doing: leases lapse, jobs are released, and another lane does `act`."""

    async def again(s: Stage, made: Made) -> Any:
        await let_pass(s.desk, work.LEASE_SECONDS + 1)
        await s.desk.transaction(release_lapsed)
        return await act(s, made)

    return again


async def held(s: Stage) -> Made:
    await enqueued(s)
    await s.desk.statement(lambda tx: tx.fetch(work.CLAIM, LANE, work.LEASE_SECONDS, 20))
    return {}


async def held_by_the_dead(s: Stage) -> Made:
    await held(s)
    await let_pass(s.desk, work.LEASE_SECONDS + 1)
    return {}


async def release(s: Stage, made: Made) -> None:
    await s.desk.transaction(release_lapsed)


async def beat_and_give_back(s: Stage, made: Made) -> None:
    worker = Worker(s.desk, s.house.handlers, LANE)
    await worker.beat()
    await worker.give_back()


async def shelved(s: Stage) -> Made:
    await enqueued(s)
    await failing(Permanent("delivery_unknown"))(s, {})
    (job,) = await s.desk.read(shelf.shelf)
    return {"job": job["id"]}


async def put_back(s: Stage, made: Made) -> None:
    await s.desk.transaction(lambda tx: shelf.retry(tx, made["job"]))


async def add_job(s: Stage, made: Made) -> None:
    async def once(tx: Any) -> None:
        """The cause decides whether there is a job: here it is a row that can be made once."""
        if await tx.fetchval("INSERT INTO runs VALUES (9) ON CONFLICT DO NOTHING RETURNING number") is not None:
            await enqueue(tx, "note", {"number": 9})

    await s.desk.transaction(once)


async def waiting_for_collection(s: Stage) -> Made:
    made = await replied(s)
    await let_pass(s.desk, 601)
    return made


async def much_is_due(s: Stage) -> Made:
    """A promise is late, a receipt untold, a session, a guest and a loose file past their time, a job's lease lapsed."""
    await signed_in(s)
    await s.desk.transaction(lambda tx: guests.admit_guest(tx, s.cast.account.id))
    await s.desk.transaction(lambda tx: tx.execute("INSERT INTO signin_failures (subject) VALUES ('')"))
    await uploaded(s)
    await held(s)
    await let_pass(s.desk, 31 * 86400)
    return await late(s)


async def run_doors(s: Stage, made: Made) -> None:
    rounds = Rounds(s.desk, s.house.doors, s.desk.chance.token(6))
    while await rounds.step() is not None:
        pass


async def doors_again(s: Stage, made: Made) -> None:
    await let_pass(s.desk, periodic.LEASE_SECONDS + 0.1)
    await run_doors(s, made)


async def leave(s: Stage, made: Made) -> None:
    rounds = Rounds(s.desk, s.house.doors, LANE)
    await s.desk.statement(lambda tx: tx.fetchrow(periodic.CLAIM, LANE, periodic.LEASE_SECONDS, sorted(s.house.doors)))
    await s.desk.statement(lambda tx: tx.fetchval(periodic.RENEW, "forget", LANE, periodic.LEASE_SECONDS))
    await rounds.leave()


async def forget(s: Stage, made: Made) -> None:
    await s.desk.transaction(agents.forget_expired)
    await s.desk.transaction(guests.forget_expired)


SCENES = [
    Scene("enqueue", (f"{JOBS}work.enqueue",), add_job, enqueued),
    Scene("job, done", STEP, work_off, enqueued, lapsed(work_off)),
    Scene("job, tried again", STEP, failing(Temporary("provider_away")), enqueued, lapsed(failing(Temporary("provider_away")))),
    Scene("job, later", STEP, failing(Later(3600)), enqueued, lapsed(failing(Later(3600)))),
    Scene("job, shelved", STEP, failing(Permanent("unknown")), enqueued, lapsed(failing(Permanent("unknown")))),
    Scene("job, delivery offered", (*STEP, "yingda.channels.outbox.Outbox.deliver", "yingda.channels.chat.send.send"),
          work_off, waiting_for_collection, lapsed(work_off), ledger=yes("m0")),
    Scene("job, given back", (f"{JOBS}work.Worker.beat", f"{JOBS}work.Worker.give_back"), beat_and_give_back, held),
    Scene("job, released", (f"{JOBS}work.release_lapsed",), release, held_by_the_dead),
    Scene("job, put back from the shelf", (f"{JOBS}shelf.retry",), put_back, shelved, settled=("not_found",)),
    Scene("periodic doors", (*ROUND, "yingda.conversations.sweep.sweep", "yingda.conversations.files.forget_loose"),
          run_doors, much_is_due, doors_again, ledger=yes("m0")),
    Scene("periodic, left", (f"{JOBS}periodic.Rounds.leave",), leave),
    Scene("forget", ("yingda.people.agents.forget_expired", "yingda.people.guests.forget_expired"), forget, much_is_due),
]  # fmt: skip
