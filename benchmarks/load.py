"""A small load generator: N connections, one request in flight on each, in one process of its own, counting answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Result:
    answers: int
    refused: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds


class _Connection(asyncio.Protocol):
    """Writes a request, waits for the whole answer, writes the next; answers carry Content-Length."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.requests, self.until = requests, until
        self.buffer = b""
        self.ok = self.bad = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        request = next(self.requests, None) if time.perf_counter() < self.until else None
        if request is None:
            self.transport.close()
            return
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        if len(rest) < int(lower[at : lower.find(b"\r\n", at) if b"\r\n" in lower[at:] else None]):
            return
        self.buffer = b""
        if head[9:10] == b"2":
            self.ok += 1
        else:
            self.bad += 1
            self.last_bad = head + rest
        self.next()

    def connection_lost(self, error) -> None:
        if not self.done.done():
            self.done.set_result(None)


def post(host: str, path: str, body: bytes, headers: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def hammer(host: str, port: int, requests: Iterator[bytes], seconds: float, connections: int) -> Result:
    """Answers with a 2xx within `seconds`, over `connections` at once."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    all_of = [
        (await loop.create_connection(lambda: _Connection(requests, began + seconds), host, port))[1] for _ in range(connections)
    ]
    await asyncio.gather(*(c.done for c in all_of))
    took = time.perf_counter() - began
    bad = [c for c in all_of if c.bad]
    if bad:
        print("refused:", bad[0].last_bad[-300:])
    return Result(sum(c.ok for c in all_of), sum(c.bad for c in all_of), took)
