"""A trained model as one file: a line of name and version, a JSON header, then plain arrays that can be mapped into memory.

No pickle: reading a file never runs what stands in it.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yingda.errors import Refused

VERSION = 2
MAGIC = b"yingda-model "
FIRST_LINE = MAGIC + b"%d\n" % VERSION
HEADER_BYTES_MAX = 64 * 1024 * 1024
ALIGNMENT = 64
KINDS = {"float32": np.float32, "uint32": np.uint32}

Arrays = dict[str, NDArray[Any]]


def write(path: Path, meta: dict[str, Any], arrays: Arrays) -> None:
    """Whole or not at all: written beside its place and moved there. Refused `file_unwritable`."""
    digest, entries, offset = hashlib.sha256(), {}, 0
    for name, array in arrays.items():
        entries[name] = {"kind": str(array.dtype), "shape": list(array.shape), "offset": offset}
        data = np.ascontiguousarray(array).tobytes()
        data += bytes(-len(data) % ALIGNMENT)
        digest.update(data)
        offset += len(data)
    header = json.dumps({"meta": meta, "arrays": entries, "bytes": offset}, ensure_ascii=True, sort_keys=True).encode()
    digest.update(header)
    header = digest.hexdigest().encode() + b"\n" + header
    header += b" " * (-(len(FIRST_LINE) + 8 + len(header)) % ALIGNMENT)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(FIRST_LINE + len(header).to_bytes(8, "big") + header)
            for array in arrays.values():
                data = np.ascontiguousarray(array).tobytes()
                file.write(data + bytes(-len(data) % ALIGNMENT))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Refused("file_unwritable", str(path)) from error


def read(path: Path) -> tuple[dict[str, Any], Arrays]:
    """The header's `meta`, and arrays that lie in the mapped file, read-only.

    Refused: `file_unreadable`, `model_malformed` (no model, cut off, changed), `model_version` (made by another version).
    """
    try:
        with path.open("rb") as file:
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: an empty file
        if isinstance(error, ValueError):
            raise Refused("model_malformed", str(path)) from error
        raise Refused("file_unreadable", str(path)) from error
    if whole[: len(MAGIC)] != MAGIC:
        raise Refused("model_malformed", str(path))
    if whole[: len(FIRST_LINE)] != FIRST_LINE:
        raise Refused("model_version", str(path))
    try:
        return _content(whole)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Refused("model_malformed", str(path), str(error)) from error


def _content(whole: mmap.mmap) -> tuple[dict[str, Any], Arrays]:
    start = len(FIRST_LINE) + 8
    length = int.from_bytes(whole[len(FIRST_LINE) : start], "big")
    body = start + length
    if length > HEADER_BYTES_MAX or body > len(whole):
        raise ValueError("the header is cut off")
    wanted, _, text = whole[start:body].rstrip(b" ").partition(b"\n")
    header = json.loads(text)
    if len(whole) - body != header["bytes"]:
        raise ValueError("the file is cut off")
    digest = hashlib.sha256(memoryview(whole)[body:])
    digest.update(text)
    if digest.hexdigest().encode() != wanted:
        raise ValueError("the hash differs")
    arrays: Arrays = {}
    for name, entry in header["arrays"].items():
        shape = tuple(int(side) for side in entry["shape"])
        size = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(whole, KINDS[entry["kind"]], size, body + int(entry["offset"]))
        arrays[name] = flat.reshape(shape)
    return header["meta"], arrays


def malformed(path: Path, error: Exception) -> Refused:
    return Refused("model_malformed", str(path), str(error))
