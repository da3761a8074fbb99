"""Files: kept in the database, typed by their content, handed out per request to those who may see the conversation."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass

import filetype
import regex

from yingda.conversations.access import visible
from yingda.conversations.line import FileView
from yingda.conversations.secrets import mask
from yingda.db.desk import Row, Tx
from yingda.errors import Refused
from yingda.people.viewer import AgentViewer, CustomerViewer, Viewer, not_found

FILE_BYTES_MAX = 10 * 1024 * 1024
FILES_PER_MESSAGE_MAX = 10
NAME_CHARACTERS_MAX = 150
NAME_BYTES_MAX = 255  # what file systems hold
ENDING_CHARACTERS_MAX = 10
LOOSE_FILES_PER_CUSTOMER_MAX = 30
LOOSE_LIFE_HOURS = 24
FILE_ID_BYTES = 16

# What could run or confuse: separators, controls, and the marks that reorder text (U+202A–202E, U+2066–2069, U+200E/F, U+061C).
# Not the joiners U+200C and U+200D: emoji families and whole scripts are made with them.
_HOSTILE = re.compile('[\\x00-\\x1f\\x7f-\\x9f/\\\\:*?"<>|\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u061c\ufeff\ud800-\udfff]')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_MARKUP = re.compile(rb"\s*(<\?xml|<!doctype|<!--|<svg|<html|<head|<body|<script|<math)", re.IGNORECASE)
_HEAD_BYTES, _TEXT_BYTES = 1024, 4096  # how much of a file is looked at


@dataclass(frozen=True, slots=True)
class FileRef:
    id: str
    name: str
    type: str
    size: int
    sha256: str


def safe_name(name: str) -> str:
    """A file name that is only a name: no path, no control or reordering character, no reserved device; never empty."""
    # Masked first: with a `_` in the place of a quotation mark or of a joint without width a secret is not recognised.
    name = _HOSTILE.sub("_", mask(name).text).strip(" .")
    if not name or _RESERVED.match(name):
        name = f"file_{name}" if name else "file"
    return _shortened(name)


def _shortened(name: str) -> str:
    """At most NAME_CHARACTERS_MAX and NAME_BYTES_MAX, cut between graphemes, with its ending."""
    if len(name) <= NAME_CHARACTERS_MAX and len(name.encode()) <= NAME_BYTES_MAX:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > ENDING_CHARACTERS_MAX:
        stem, dot, ending = name, "", ""
    kept, rest = "", dot + ending
    for cluster in regex.finditer(r"\X", stem):
        longer = kept + cluster[0]
        if len(longer + rest) > NAME_CHARACTERS_MAX or len((longer + rest).encode()) > NAME_BYTES_MAX:
            break
        kept = longer
    return (kept or "file") + rest


def type_of(data: bytes) -> str:
    """The media type by the content alone; what the client says counts for nothing. Unknown binary is octet-stream."""
    if _MARKUP.match(_beginning(data)):
        return "text/xml"  # SVG, HTML, XHTML, MathML: all may hold script, none is ever shown inline
    kind = filetype.guess(data)
    if kind is not None:
        return str(kind.mime)
    head = data[:_TEXT_BYTES]
    try:
        # Only a character that the cut went through may be incomplete.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(data) <= _TEXT_BYTES)
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "application/octet-stream" if b"\0" in head else "text/plain"


def _beginning(data: bytes) -> bytes:
    """The first bytes as a browser would read them: without a byte order mark, UTF-16 as UTF-8."""
    head = data[:_HEAD_BYTES]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "ignore").encode(errors="replace")
    return head.removeprefix(codecs.BOM_UTF8)


async def keep_file(tx: Tx, viewer: CustomerViewer, name: str, data: bytes) -> FileRef:
    """Store an upload that no message holds yet. Refused: file_empty, file_too_large (413), files_waiting_max (429)."""
    if not data:
        raise Refused("file_empty", "body")
    if len(data) > FILE_BYTES_MAX:
        raise Refused("file_too_large", "body", status=413)
    loose = await tx.fetchval(
        "SELECT count(*) FROM files WHERE conversation_id IS NULL AND account_id = $1 AND handle_kind = $2 AND handle_value = $3",
        viewer.account_id, viewer.handle_kind, viewer.handle_value,
    )  # fmt: skip
    if loose >= LOOSE_FILES_PER_CUSTOMER_MAX:
        raise Refused("files_waiting_max", "body", status=429)
    digest = hashlib.sha256(data)
    ref = FileRef(tx.desk.chance.token(FILE_ID_BYTES), safe_name(name), type_of(data), len(data), digest.hexdigest())
    await tx.execute(
        "INSERT INTO files (id, account_id, handle_kind, handle_value, name, type, size, sha256, data)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        ref.id, viewer.account_id, viewer.handle_kind, viewer.handle_value, ref.name, ref.type, ref.size, digest.digest(), data,
    )  # fmt: skip
    return ref


async def own_loose_files(tx: Tx, viewer: CustomerViewer, ids: list[str]) -> tuple[FileRef, ...]:
    """The viewer's own uploads, oldest first, as the message commits to them. Refused: files_max, file_unknown."""
    if len(ids) > FILES_PER_MESSAGE_MAX or len(set(ids)) != len(ids):
        raise Refused("files_max", "files")
    rows = await tx.fetch(
        "SELECT id, name, type, size, encode(sha256, 'hex') AS sha256 FROM files"
        " WHERE id = ANY ($1) AND account_id = $2 AND handle_kind = $3 AND handle_value = $4"
        " ORDER BY created_at, id",
        ids, viewer.account_id, viewer.handle_kind, viewer.handle_value,
    )  # fmt: skip
    if len(rows) != len(ids):
        raise Refused("file_unknown", "files")
    return tuple(FileRef(row["id"], row["name"], row["type"], row["size"], row["sha256"]) for row in rows)


async def open_file(tx: Tx, viewer: Viewer, file: str) -> Row:
    """name, type and data of a file of a conversation the viewer may see, or of their own upload. Refused not_found."""
    if "\0" in file:  # no text in the database can hold one
        raise not_found()
    row = await tx.fetchrow(
        "SELECT account_id, handle_kind, handle_value, conversation_id, name, type, data FROM files WHERE id = $1", file
    )
    if row is None:
        raise not_found()
    if row["conversation_id"] is not None:
        await visible(tx, viewer, row["conversation_id"])
    elif isinstance(viewer, AgentViewer) or (row["account_id"], row["handle_kind"], row["handle_value"]) != (
        viewer.account_id,
        viewer.handle_kind,
        viewer.handle_value,
    ):
        raise not_found()
    return row


async def files_of(tx: Tx, conversation: int, seqs: list[int]) -> dict[int, tuple[FileView, ...]]:
    rows = await tx.fetch(
        "SELECT seq, id, name, type, size, encode(sha256, 'hex') AS sha256 FROM files"
        " WHERE conversation_id = $1 AND seq = ANY ($2) ORDER BY seq, created_at, id",
        conversation,
        seqs,
    )
    found: dict[int, tuple[FileView, ...]] = {}
    for row in rows:
        view = FileView(row["id"], row["name"], row["type"], row["size"], row["sha256"])
        found[row["seq"]] = (*found.get(row["seq"], ()), view)
    return found


async def forget_loose(tx: Tx) -> None:
    """Periodic: uploads that no message took within a day."""
    await tx.execute(
        "DELETE FROM files WHERE id IN (SELECT id FROM files WHERE conversation_id IS NULL"
        " AND created_at < desk_now() - make_interval(hours => $1) ORDER BY created_at, id LIMIT 100)",
        LOOSE_LIFE_HOURS,
    )
