"""Real servers under real load, killed at random: client processes keep a ledger of every yes, staff processes of every reply."""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import os
import random
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.house import KID, SECRET, WIDGET_KEY, stage
from tests.open_desk import rows
from tests.processes import Process, Say
from tests.proof.reopened import MASTER, faults_of, reopened, settle

from yingda.clock import SystemClock
from yingda.commands import serve
from yingda.conversations.reply import reply
from yingda.errors import Refused, Temporary
from yingda.people.wallet_token import sign_customer_token

CLIENTS, SERVERS = 4, 2
CUSTOMERS_PER_CLIENT = 8
PORTS = (20000, 30000)
PAUSE_SECONDS = 0.02
STARTING_SECONDS_MAX = 60.0
TRY_SECONDS_MAX = 10.0
# The next kill comes when so many more messages were acknowledged, and a moment later: somewhere in the next ones.
MESSAGES_BETWEEN_KILLS = (1, 6)
MOMENT_SECONDS_MAX = 0.1

WAITING = """
SELECT c.id, c.seq FROM conversations c WHERE c.waiting_since IS NOT NULL AND c.state = 'open'
   AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.conversation_id = c.id AND d.state = 'pending')
 ORDER BY c.waiting_since, c.id LIMIT 5
"""
REPLIES_DOUBLED = """
SELECT agent_id, key FROM staff_keys k
 WHERE (SELECT count(*) FROM lines l
         WHERE l.conversation_id = k.conversation_id AND l.kind = 'reply' AND l.text = 'answer ' || k.key) <> 1
UNION ALL SELECT l.agent_id, l.text FROM lines l WHERE l.kind = 'reply'
   AND NOT EXISTS (SELECT 1 FROM staff_keys k WHERE 'answer ' || k.key = l.text AND k.seq = l.seq)
"""
# A reply and its delivery job exist together; before its time no job can have ended.
JOBS_ASTRAY = """
SELECT d.conversation_id, d.seq, count(j.id) FROM deliveries d
  LEFT JOIN jobs j ON j.kind = 'deliver' AND (j.args ->> 'conversation')::bigint = d.conversation_id
   AND (j.args ->> 'seq')::bigint = d.seq
 GROUP BY 1, 2, d.state HAVING count(j.id) > 1 OR (count(j.id) = 0 AND d.state = 'pending')
"""


async def run_server(say: Say, url: str, data: str, port: int) -> None:
    """`yingda serve`, forked instead of started anew."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    os.environ["YINGDA_MASTER_KEY"] = base64.urlsafe_b64encode(MASTER).decode()
    wanted = argparse.Namespace(data=data, database=url, host="127.0.0.1", port=str(port), demo=False, connections="8")
    await serve.run(wanted)


async def run_client(say: Say, name: str, ports: list[int], stop: str) -> None:
    """Customers who write until somebody says yes, the same message each time. Says (client, message id) for every yes."""
    chance, clock = random.Random(name), SystemClock()
    async with httpx.AsyncClient(timeout=TRY_SECONDS_MAX, trust_env=False) as http:
        number = 0
        while not Path(stop).exists():
            number += 1
            customer = f"{name}-{chance.randrange(CUSTOMERS_PER_CLIENT * (1 + number // 100))}"
            token = sign_customer_token(KID, WIDGET_KEY, SECRET, customer, clock.now())
            body = {"message_id": f"m{number}", "text": f"{customer} asks {number}", "language": chance.choice(["zh-CN", "en"])}
            said = await insist(http, ports, "messages", token, body)
            say((f"wallet:{customer}", f"m{number}"))
            if chance.random() < 0.5:  # some look at what they were told, and at replies
                seen = {"conversation": said["conversation"], "shown_seq": said["latest_shown_seq"]}
                await insist(http, ports, "shown", token, seen)
            await asyncio.sleep(PAUSE_SECONDS)


async def insist(http: httpx.AsyncClient, ports: list[int], call: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask one server after the other until one says yes. A no is a failure of the proof."""
    tries = 0
    while True:
        tries += 1
        url = f"http://127.0.0.1:{ports[tries % len(ports)]}/chat/{WIDGET_KEY}/{call}"
        try:
            answer = await http.post(url, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError:
            await asyncio.sleep(0.02)
            continue
        if answer.status_code in (200, 201):
            found: dict[str, Any] = answer.json()
            return found
        assert answer.status_code >= 500 or answer.status_code == 429, f"{call}: {answer.status_code} {answer.text}"
        await asyncio.sleep(0.05)


async def run_staff(say: Say, url: str, who: int, stop: str) -> None:
    """An agent who answers the longest waiting, by the doors themselves. Says the key of every reply that was committed."""
    async with reopened(url) as s:
        agent = (s.cast.guyu, s.cast.bailu)[who]
        while not Path(stop).exists():
            for number, seq in await rows(s.desk, WAITING):
                key = f"{number}-{seq}"  # the same after a kill, as a page keeps it
                try:
                    await s.desk.transaction(
                        lambda tx, n=number, q=seq, k=key: reply(
                            tx, agent, n, text=f"answer {k}", seen_through=q, key=k, anyway=True
                        )
                    )
                    say(key)
                except (Refused, Temporary):
                    continue
            await asyncio.sleep(PAUSE_SECONDS)


@dataclass
class Outcome:
    """What was acknowledged while `kills` processes were killed, and what is wrong: nothing, when all is well."""

    kills: int
    messages: list[tuple[str, str]] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Victim:
    """A process that is started again whenever it is killed. `port`: it is up once it listens there."""

    start: Callable[[], Process]
    port: int | None
    process: Process


async def under_load(url: str, kills: int, seed: int) -> Outcome:
    """Load on two servers and two agents, of which one after another is killed at a random moment."""
    chance, outcome = random.Random(seed), Outcome(kills)
    async with stage(url):
        pass  # the cast
    with tempfile.TemporaryDirectory(prefix="yingda-proof-") as folder:
        stop = str(Path(folder) / "stop")
        ports = [free_port() for _ in range(SERVERS)]
        starts: list[tuple[Callable[[], Process], int | None]] = [
            (lambda p=port: Process(run_server, url, folder, p), port) for port in ports
        ]
        starts += [(lambda w=who: Process(run_staff, url, w, stop), None) for who in range(2)]
        victims = [Victim(start, port, start()) for start, port in starts]
        for victim in victims:
            await up(victim)
        clients = [Process(run_client, f"client{n}", ports[n % 2 :] + ports[: n % 2], stop) for n in range(CLIENTS)]
        try:
            for _ in range(kills):
                await acknowledged(outcome, clients, chance.randint(*MESSAGES_BETWEEN_KILLS))
                await asyncio.sleep(chance.uniform(0, MOMENT_SECONDS_MAX))
                await kill(chance.choice(victims), outcome)
            Path(stop).touch()
            for client in clients:
                assert await asyncio.to_thread(client.wait) == 0, "a client was told no, or never yes"
                outcome.messages += client.heard()
        finally:
            for process in [*(victim.process for victim in victims), *clients]:
                process.kill()
        outcome.replies += [key for victim in victims if victim.port is None for key in victim.process.heard()]
    outcome.wrong = await wrong(url, outcome)
    return outcome


async def acknowledged(outcome: Outcome, clients: list[Process], more: int) -> None:
    """Wait until the clients have heard so many more yes."""
    enough = len(outcome.messages) + more
    async with asyncio.timeout(STARTING_SECONDS_MAX):
        while len(outcome.messages) < enough:
            await asyncio.sleep(0.005)
            outcome.messages += [yes for client in clients for yes in client.heard()]


async def kill(victim: Victim, outcome: Outcome) -> None:
    victim.process.kill()
    if victim.port is None:
        outcome.replies += victim.process.heard()
    victim.process = victim.start()
    await up(victim)


async def up(victim: Victim) -> None:
    if victim.port is None:
        return
    async with asyncio.timeout(STARTING_SECONDS_MAX):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", victim.port)
            except OSError:
                assert victim.process.lives(), "a server ended by itself"
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


def free_port() -> int:
    """A free port below those that systems give to outgoing connections: a client that keeps knocking at such a port while
    its server is down is in the end connected to itself, and then the server finds its port taken."""
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


async def wrong(url: str, outcome: Outcome) -> list[str]:
    """Missing, doubled, or against an invariant, once so much time has passed that no allowance is left."""
    async with reopened(url) as s:
        found = [f"reply doubled or without its key: {row}" for row in await rows(s.desk, REPLIES_DOUBLED)]
        found += [f"delivery job missing or doubled: {row}" for row in await rows(s.desk, JOBS_ASTRAY)]
        kept = {key for (key,) in await rows(s.desk, "SELECT key FROM staff_keys")}
        found += [f"reply missing: {key}" for key in sorted(set(outcome.replies) - kept)]
        await settle(s.house)
        return found + await faults_of(s.house, outcome.messages)
