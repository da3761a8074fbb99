"""The shelf: what will not work by itself lies where a person sees it, and can be put back."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from tests.open_desk import let_pass, open_desk, rows

from yingda.db.desk import Desk
from yingda.errors import Permanent, Refused
from yingda.jobs import work
from yingda.jobs.shelf import SHELF_MAX, retry, shelf
from yingda.jobs.work import Worker, enqueue


def on_desk(url: str, scene: Any) -> None:
    async def run() -> None:
        async with open_desk(url) as desk:
            await scene(desk)

    asyncio.run(run())


async def fails_with(desk: Desk, error: Exception) -> Worker:
    async def handler(desk: Desk, args: dict) -> None:
        raise error

    await desk.transaction(lambda tx: enqueue(tx, "note", {"number": 1}))
    return Worker(desk, {"note": handler}, "w")


@pytest.mark.parametrize("error", [Permanent("delivery_unknown"), Refused("not_found", status=404)], ids=["permanent", "refused"])
def test_what_cannot_work_lies_on_the_shelf_at_once(database_url, error):
    async def scene(desk: Desk) -> None:
        await (await fails_with(desk, error)).step()
        found = await desk.read(shelf)
        assert [(job["kind"], job["args"], job["attempts"], job["error"]) for job in found] == [
            ("note", {"number": 1}, 1, error.code)
        ]

    on_desk(database_url, scene)


def test_a_kind_that_nobody_handles_lies_on_the_shelf(database_url):
    async def scene(desk: Desk) -> None:
        await desk.transaction(lambda tx: enqueue(tx, "forgotten", {}))
        await Worker(desk, {}, "w").step()
        assert [job["error"] for job in await desk.read(shelf)] == ["no handler for this kind of job"]

    on_desk(database_url, scene)


def test_an_unexpected_error_is_tried_often_and_then_shelved_without_the_words_it_quotes(database_url, caplog):
    async def scene(desk: Desk) -> None:
        worker = await fails_with(desk, ValueError("invalid input: 'my words'"))
        for attempt in range(1, work.ATTEMPTS_MAX + 1):
            assert await desk.read(shelf) == []
            assert await worker.step() == 1
            ((attempts, error),) = await rows(desk, "SELECT attempts, error FROM jobs")
            assert attempts == attempt and re.fullmatch(r"ValueError in test_shelf\.py:\d+", error)
            await let_pass(desk, 1.5 * work.BACKOFF_SECONDS_MAX + 1)
        assert len(await desk.read(shelf)) == 1
        assert await worker.step() == 0, "what lies on the shelf is not worked on"
        assert "ValueError in test_shelf.py" in caplog.text and "my words" not in caplog.text

    on_desk(database_url, scene)


def test_a_job_that_never_ends_is_cut_off_and_tried_again(database_url, monkeypatch):
    monkeypatch.setattr(work, "JOB_SECONDS_MAX", 0.05)
    monkeypatch.setattr(work, "BATCH_SECONDS_MAX", 0.05)

    async def scene(desk: Desk) -> None:
        async def handler(desk: Desk, args: dict) -> None:
            await asyncio.Event().wait()

        await desk.transaction(lambda tx: enqueue(tx, "note", {}))
        assert await Worker(desk, {"note": handler}, "w").step() == 1
        assert await rows(desk, "SELECT attempts, worker, left(error, 12) FROM jobs") == [(1, None, "TimeoutError")]

    on_desk(database_url, scene)


def test_a_shelved_job_put_back_starts_anew_and_can_be_put_back_once(database_url):
    async def scene(desk: Desk) -> None:
        worker = await fails_with(desk, Permanent("delivery_unknown"))
        await worker.step()
        (job,) = await desk.read(shelf)
        woken: list[frozenset[str]] = []
        desk.wakes.listen(woken.append)
        await desk.transaction(lambda tx: retry(tx, job["id"]))
        assert woken == [frozenset({"jobs"})]
        assert await desk.read(shelf) == []
        with pytest.raises(Refused, match="not_found"):
            await desk.transaction(lambda tx: retry(tx, job["id"]))
        ran = []

        async def handler(desk: Desk, args: dict) -> None:
            ran.append(args)

        assert await Worker(desk, {"note": handler}, "w2").step() == 1
        assert ran == [{"number": 1}] and await rows(desk, "SELECT * FROM jobs") == []

    on_desk(database_url, scene)


def test_the_shelf_shows_the_newest_first_and_never_too_many(database_url):
    async def scene(desk: Desk) -> None:
        await desk.statement(
            lambda tx: tx.execute(
                "INSERT INTO jobs (kind, args, failed_at) SELECT 'note', '{}', desk_now() - n * interval '1 s'"
                " FROM generate_series(1, 150) n"
            )
        )
        found = await desk.read(lambda tx: shelf(tx, 1000))
        assert len(found) == SHELF_MAX
        times = [job["failed_at"] for job in found]
        assert times == sorted(times, reverse=True)

    on_desk(database_url, scene)
