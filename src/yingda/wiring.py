"""The wiring: which work follows which fact, which folder serves which channel, what runs by the clock. One screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from yingda.channels.chat import send as chat
from yingda.channels.chat.inbound import Doorkeeper
from yingda.channels.chat.limits import Bucket
from yingda.channels.outbox import Outbox
from yingda.conversations import files, sweep
from yingda.conversations.live import Live
from yingda.conversations.policy import Policies
from yingda.conversations.receive import Reception
from yingda.db.desk import Desk, Tx
from yingda.jobs.periodic import Door
from yingda.jobs.work import Handler, release_lapsed
from yingda.people import agents, guests
from yingda.people.accounts import Accounts
from yingda.people.master_key import MasterKey
from yingda.trust.receipt import Signer

# fact → the kinds of job that follow it, written in the fact's own transaction
FOLLOWS: dict[str, tuple[str, ...]] = {
    "replied": ("deliver",),
}

# channel → what brings one reply to the customer
SENDS = {"chat": chat.send}


@dataclass
class House:
    """What the pages, the jobs and the simulator are given: one of each, built once."""

    desk: Desk
    master: MasterKey
    signer: Signer
    policies: Policies = field(init=False)
    reception: Reception = field(init=False)
    accounts: Accounts = field(init=False)
    doorkeeper: Doorkeeper = field(init=False)
    live: Live = field(init=False)
    handlers: dict[str, Handler] = field(init=False)
    doors: dict[str, Door] = field(init=False)
    message_limit: Bucket = field(init=False)
    guest_limit: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self.policies = Policies(self.desk)
        self.reception = Reception(self.desk, self.policies)
        self.accounts = Accounts(self.desk, self.master)
        self.doorkeeper = Doorkeeper(self.desk)
        self.live = Live(self.desk.wakes)
        self.handlers = {"deliver": Outbox(self.policies, SENDS).deliver}
        self.doors = {door.name: door for door in _doors(self)}
        self.message_limit = Bucket(self.desk.clock, "too_fast", burst=30, per_minute=60)
        self.guest_limit = Bucket(self.desk.clock, "too_fast", burst=30, per_minute=30)


def _doors(house: House) -> list[Door]:
    return [
        Door("sweep", sweep.SWEEP_EVERY_SECONDS, 5.0, partial(_sweep, house)),
        Door("leases", 5.0, 30.0, lambda desk: desk.transaction(release_lapsed)),
        Door("forget", 600.0, 3600.0, lambda desk: desk.transaction(_forget)),
    ]


async def _sweep(house: House, desk: Desk) -> None:
    await sweep.sweep(desk, house.policies)


async def _forget(tx: Tx) -> None:
    await guests.forget_expired(tx)
    await agents.forget_expired(tx)
    await files.forget_loose(tx)
