"""Static files: read once, stripped of our own comments, compressed once, and cacheable for good under their digest.

A page names `/static/DIGEST/widget.js`; modules import each other by relative address and so stay within one digest.
A wallet's page names `/static/widget.js`, which is asked for anew each time and mostly answered 304.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from yingda.errors import Refused

VENDOR = "vendor/"  # other people's files are served as they came
DIGEST_CHARACTERS = 12
COMPRESSED = (".js", ".css", ".txt", ".svg")
# Only comments that stand on lines of their own, so that no string can be mistaken for one.
_BLOCK_COMMENT = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*$", re.DOTALL | re.MULTILINE)
_AROUND_MARKS = re.compile(r"\s*([{};])\s*")  # in our style sheets none of these stands inside a string
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    type: str
    body: bytes
    zipped: bytes | None
    etag: str


def without_comments(source: str) -> str:
    """JavaScript or CSS without whole-line comments, indentation and empty lines."""
    lines = (line.strip() for line in _BLOCK_COMMENT.sub("", source).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


@cache
def assets() -> dict[str, Asset]:
    """Every static file by its path below `static/`."""
    return {path: _asset(path, file.read_bytes()) for path, file in _files(resources.files("yingda.web") / "static", "")}


@cache
def digest() -> str:
    """Changes whenever any static file does."""
    whole = "".join(f"{path} {asset.etag}\n" for path, asset in sorted(assets().items()))
    return hashlib.sha256(whole.encode()).hexdigest()[:DIGEST_CHARACTERS]


def address(path: str) -> str:
    """Where a page of ours gets a static file, cached for good."""
    assert path in assets(), path
    return f"/static/{digest()}/{path}"


def _files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        path = prefix + entry.name
        found += _files(entry, path + "/") if entry.is_dir() else [(path, entry)]
    return found


def _asset(path: str, body: bytes) -> Asset:
    ending = "." + path.rsplit(".", 1)[-1]
    if ending in (".js", ".css") and not path.startswith(VENDOR):
        text = without_comments(body.decode())
        body = (_AROUND_MARKS.sub(r"\1", text) if ending == ".css" else text).encode()
    guessed = _TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    zipped = gzip.compress(body, 9, mtime=0) if ending in COMPRESSED else None
    return Asset(guessed, body, zipped, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


@get("/static/{path:path}", include_in_schema=False)
async def static_file(request: Request[Any, Any, Any], path: FromPath[str]) -> Response[bytes]:
    """One static file. Open to every origin: a wallet's page loads the widget as a module, which needs CORS."""
    wanted = path.lstrip("/")
    lasting = wanted.startswith(f"{digest()}/")
    # An old digest is served the present file: a page that stayed open over an upgrade still finds its modules.
    found = assets().get(wanted) or assets().get(wanted.partition("/")[2])
    if found is None:
        raise Refused("not_found", status=404)
    headers = {
        "ETag": found.etag,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "public, max-age=31536000, immutable" if lasting else "public, no-cache",
    }
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers, media_type=found.type)
    if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.zipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=found.type)
    return Response(found.body, headers=headers, media_type=found.type)
