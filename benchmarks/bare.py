"""What we compare with: a bare Litestar handler with one durable insert, on the same server, pool and loop."""

from __future__ import annotations

import os
import sys

import asyncpg
import msgspec
import uvicorn
from litestar import Litestar, Request, Response, post


class Body(msgspec.Struct):
    message_id: str
    text: str


def build(url: str) -> Litestar:
    @post("/bare", status_code=201)
    async def bare(request: Request) -> Response[bytes]:
        body = msgspec.json.decode(await request.body(), type=Body)
        async with request.app.state.pool.acquire() as connection:
            number = await connection.fetchval(
                "INSERT INTO bare (message_id, text) VALUES ($1, $2) RETURNING id", body.message_id, body.text
            )
        return Response(msgspec.json.encode({"id": number}), media_type="application/json", status_code=201)

    async def start(app: Litestar) -> None:
        app.state.pool = await asyncpg.create_pool(url, min_size=12, max_size=12)
        await app.state.pool.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, message_id text, text text)")

    return Litestar([bare], on_startup=[start], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    uvicorn.run(build(os.environ["BARE_DATABASE"]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning",
                access_log=False, loop="uvloop", http="httptools")  # fmt: skip
