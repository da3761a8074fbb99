"""A wallet's page on an origin of its own, under a policy that allows no inline script, no style, and only the desk besides."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Little Lotus</title>
<script type="module" src="/wallet.js"></script><script type="module" src="{desk}/static/widget.js"></script></head>
<body><h1>Little Lotus</h1><yingda-chat desk="{desk}" widget-key="{key}"></yingda-chat></body></html>"""
SCRIPT = """const chat = document.querySelector("yingda-chat");
if (location.search === "?signed") chat.token = async () => (await fetch("/token")).text();"""
POLICY = (
    "default-src 'none'; script-src 'self' {desk}; connect-src 'self' {desk}; style-src 'none'; img-src 'none'; base-uri 'none'"
)


@contextmanager
def wallet_page(desk: str, key: str, token: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The page's address, and how often its server was asked for a token. `token["value"]` may change meanwhile."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = self._answer()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY.format(desk=desk))
            self.end_headers()
            self.wfile.write(body.encode())

        def _answer(self) -> tuple[str, str]:
            if self.path == "/token":
                asked.append(self.path)
                return token["value"], "text/plain"
            if self.path == "/wallet.js":
                return SCRIPT, "text/javascript"
            return PAGE.format(desk=desk, key=key), "text/html"

        def log_message(self, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
