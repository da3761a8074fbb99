"""What a scene of the proof is: a door, how the desk stands before it, what its sender does, and does again after a kill."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.house import Stage

Made = dict[str, Any]
Act = Callable[[Stage, Made], Awaitable[Any]]


async def nothing(s: Stage, made: Made) -> None: ...


async def prepare_nothing(s: Stage) -> Made:
    return {}


@dataclass(frozen=True)
class Scene:
    """`act` is the sender's call, and `again` what the sender does who got no answer: the same call, unless stated otherwise.

    `settled` names the refusals that a sender may hear who repeats what had in truth succeeded. `without` names tables in
    which a repeated call may leave a second row that nobody can see; then `holds` proves what the sender was told.
    `is_concurrent`: which call comes first and how they share statements is open, so the last points may not come.
    `ledger` gives the (client, message) pairs of which the sender has heard yes.
    """

    name: str
    covers: tuple[str, ...]
    act: Act
    prepare: Callable[[Stage], Awaitable[Made]] = prepare_nothing
    again: Act | None = None
    settled: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    holds: Callable[[Stage, Made, Any], Awaitable[None]] | None = None
    ledger: Callable[[Made], list[tuple[str, str]]] = field(default=lambda made: [])
    is_first_start: bool = False
    is_concurrent: bool = False
