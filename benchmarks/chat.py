"""Accepted chat messages a second through the public API, one process, against a bare handler with one durable insert.

Five interleaved rounds in one run; the figure is the median of the rounds' ratios, so the machine's mood cancels out.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.desk import bare_server, running_desk
from benchmarks.load import hammer, post
from yingda.people.accounts import parse_customer_key
from yingda.people.wallet_token import sign_customer_token

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
CONNECTIONS = 32
CUSTOMERS = 400
TEXT = "I topped up from my bank an hour ago, the bank says it was taken, and the wallet still shows nothing."


def bodies(prefix: str) -> Iterator[bytes]:
    return (json.dumps({"message_id": f"{prefix}-{i}", "text": TEXT}).encode() for i in itertools.count())


class Asker:
    """Signed customers, so that signing costs the load generator nothing while it measures."""

    def __init__(self, demo: dict) -> None:
        self.kid, self.widget_key, self.secret = parse_customer_key(demo["customer_key"])
        self.path = f"/chat/{self.widget_key}/messages"

    def header(self, subject: str) -> str:
        token = sign_customer_token(self.kid, self.widget_key, self.secret, subject, datetime.now(UTC))
        return f"Authorization: Bearer {token}\r\n"

    def known(self, prefix: str, count: int) -> Iterator[bytes]:
        headers = [self.header(f"{prefix}-{i}") for i in range(count)]
        return (post("desk", self.path, body, headers[i % count]) for i, body in enumerate(bodies(self.kid + prefix)))

    def new(self, prefix: str, count: int) -> Iterator[bytes]:
        headers = [self.header(f"{prefix}-{i}") for i in range(count)]
        return (post("desk", self.path, next(iter(bodies("m"))), h) for h in headers)


async def measure() -> list[dict]:
    async with running_desk() as desk, bare_server(desk) as bare_port:
        asker = Asker(desk.demo)
        await hammer("127.0.0.1", desk.port, itertools.islice(asker.known("known", CUSTOMERS), CUSTOMERS), 60, CONNECTIONS)
        ratios: dict[str, list[float]] = {"append": [], "new": []}
        rates: dict[str, list[float]] = {"append": [], "new": [], "bare": []}
        for number in range(ROUNDS):
            bare = await hammer("127.0.0.1", bare_port, (post("bare", "/bare", b) for b in bodies("b")), SECONDS, CONNECTIONS)
            append = await hammer("127.0.0.1", desk.port, renamed(asker, number), SECONDS, CONNECTIONS)
            new = await hammer("127.0.0.1", desk.port, asker.new(f"new{number}", int(4000 * SECONDS)), SECONDS, CONNECTIONS)
            for name, result in (("bare", bare), ("append", append), ("new", new)):
                assert result.refused == 0, name
                rates[name].append(result.per_second)
                if name != "bare":
                    ratios[name].append(result.per_second / bare.per_second)
        return [figure(name, must, ratios[name], rates) for name, must in (("append", 0.5), ("new", 0.45))]


def renamed(asker: Asker, number: int) -> Iterator[bytes]:
    """The same customers, with message ids of this round."""
    headers = [asker.header(f"known-{i}") for i in range(CUSTOMERS)]
    return (post("desk", asker.path, body, headers[i % CUSTOMERS]) for i, body in enumerate(bodies(f"round{number}")))


def figure(name: str, must: float, ratios: list[float], rates: dict[str, list[float]]) -> dict:
    return {
        "name": f"chat_{name}",
        "ratio": round(statistics.median(ratios), 3),
        "must": must,
        "ours_per_second": round(statistics.median(rates[name])),
        "bare_per_second": round(statistics.median(rates["bare"])),
        "rounds": [round(r, 3) for r in ratios],
    }


def main() -> int:
    figures = asyncio.run(measure())
    for one in figures:
        print(json.dumps(one), flush=True)
    return int(any(one["ratio"] < one["must"] for one in figures))


if __name__ == "__main__":
    sys.exit(main())
