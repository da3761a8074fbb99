"""A network that loses one direction: what the desk says on event streams is swallowed, everything else passes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

CHUNK_BYTES = 65536


class OneWay:
    """A TCP proxy. With `mute` set, an event stream's connection stays open and brings nothing; requests still arrive."""

    def __init__(self, target: str) -> None:
        split = urlsplit(target)
        self.host, self.port = split.hostname, split.port
        self.mute = threading.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(self.host, self.port)
        streaming = [False]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._up(reader, up_writer, streaming))
                group.create_task(self._down(up_reader, writer, streaming))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in (writer, up_writer):
                with contextlib.suppress(ConnectionError):
                    each.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, streaming: list[bool]) -> None:
        while data := await reader.read(CHUNK_BYTES):
            streaming[0] = b"/stream?" in data.split(b"\r\n", 1)[0]
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, streaming: list[bool]) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if streaming[0] and self.mute.is_set():
                continue
            writer.write(data)
            await writer.drain()
        writer.close()


@contextmanager
def one_way(target: str) -> Iterator[OneWay]:
    """A proxy in a thread of its own; `url` is where it listens."""
    proxy, started = OneWay(target), threading.Event()
    stop: asyncio.Event = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        async with server:
            proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="one-way", daemon=True)
    thread.start()
    assert started.wait(5)
    try:
        yield proxy
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(5)
