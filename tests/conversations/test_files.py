"""Files: typed by their content, named harmlessly, handed out per request to those who may see the conversation."""

from __future__ import annotations

import io
import zipfile

import pytest
from tests.house import Stage, play

from yingda.conversations import files
from yingda.conversations.files import FILE_BYTES_MAX, keep_file, open_file, own_loose_files, safe_name, type_of
from yingda.errors import Refused


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "a")
    return out.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
CONTENTS = [
    ("png", b"\x89PNG\r\n\x1a\n" + bytes(32), "image/png"),
    ("jpeg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(32), "image/jpeg"),
    ("gif", b"GIF89a" + bytes(32), "image/gif"),
    ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    ("zip", zipped(), "application/zip"),
    ("exe", b"MZ\x90\x00" + bytes(60), "application/x-msdownload"),
    ("svg", SVG, "text/xml"),
    ("svg after a declaration", b'<?xml version="1.0"?>\n' + SVG, "text/xml"),
    ("svg after a byte order mark", b"\xef\xbb\xbf" + SVG, "text/xml"),
    ("svg after a comment", b"<!-- a picture -->\n" + SVG, "text/xml"),
    ("svg in UTF-16", SVG.decode().encode("utf-16"), "text/xml"),
    ("html", b"  <HTML><script>alert(1)</script>", "text/xml"),
    ("html without a head", b"<script>alert(1)</script>", "text/xml"),
    ("text", "转账记录".encode(), "text/plain"),
    ("text in GB 18030", "转账记录没有到账".encode("gb18030"), "application/octet-stream"),
    ("text cut in the middle of a character", ("字" * 2000).encode()[:5000], "text/plain"),
    ("binary after a page of text", b"a" * 100 + b"\xff\xfe\xfd" * 2000, "application/octet-stream"),
    ("text with a zero", b"abc\0def", "application/octet-stream"),
]


@pytest.mark.parametrize(("data", "type"), [c[1:] for c in CONTENTS], ids=[c[0] for c in CONTENTS])
def test_the_type_is_found_from_the_content_alone(data: bytes, type: str):
    assert type_of(data) == type


NAMES = [
    ("../../etc/passwd", "_.._etc_passwd"),
    ("..\\..\\windows\\system32", "_.._windows_system32"),
    ("/etc/shadow", "_etc_shadow"),
    ("CON", "file_CON"),
    ("con.txt", "file_con.txt"),
    ("LPT1.tar.gz", "file_LPT1.tar.gz"),
    ("console.txt", "console.txt"),
    ("photo\u202egnp.exe", "photo_gnp.exe"),
    ("\u2066evil\u2069\u200f.txt", "_evil__.txt"),
    ("a\0b\x1f.txt", "a_b_.txt"),
    ("....", "file"),
    ("", "file"),
    (" . . ", "file"),
    ('<img src=x onerror="alert(1)">.png', "_img src=x onerror=_alert(1)__.png"),
    ("截图 2026-12-01.png", "截图 2026-12-01.png"),
    ("👨\u200d👩\u200d👧.png", "👨\u200d👩\u200d👧.png"),
    ("\ud800.txt", "_.txt"),
    ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x"),
    ("卡号4111 1111 1111 1111.png", "卡号●●●●1111.png"),
]


@pytest.mark.parametrize(("name", "safe"), NAMES, ids=[repr(n[0]) for n in NAMES])
def test_a_name_is_only_a_name(name: str, safe: str):
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_ending_and_fits_a_file_system():
    for name in ("x" * 300 + ".jpeg", "字" * 300 + ".jpeg", "👨\u200d👩\u200d👧" * 60 + ".jpeg", "y" * 300, "." + "z" * 300):
        safe = safe_name(name)
        assert 0 < len(safe) <= 150 and len(safe.encode()) <= 255
        assert safe.endswith(".jpeg") == name.endswith(".jpeg")
        assert safe.isprintable() or "\u200d" in safe


async def keep(s: Stage, who, data: bytes, name: str = "a.txt"):
    return await s.desk.transaction(lambda tx: keep_file(tx, who, name, data))


async def fetch(s: Stage, who, file: str):
    return await s.desk.read(lambda tx: open_file(tx, who, file))


async def assert_hidden(s: Stage, who, file: str) -> None:
    with pytest.raises(Refused) as refused:
        await fetch(s, who, file)
    assert (refused.value.code, refused.value.status) == ("not_found", 404)


def test_ten_megabytes_are_kept_and_one_byte_more_is_not(database_url):
    async def scene(s: Stage):
        ref = await keep(s, s.cast.lin, b"x" * FILE_BYTES_MAX)
        assert (ref.size, len((await fetch(s, s.cast.lin, ref.id))["data"])) == (FILE_BYTES_MAX, FILE_BYTES_MAX)
        for data, code in ((b"x" * (FILE_BYTES_MAX + 1), "file_too_large"), (b"", "file_empty")):
            with pytest.raises(Refused, match=code):
                await keep(s, s.cast.lin, data)

    play(database_url, scene)


def test_a_file_is_fetched_by_those_who_may_see_its_conversation_and_nobody_else(database_url):
    async def scene(s: Stage):
        ref = await keep(s, s.cast.lin, b"mine")
        assert (await fetch(s, s.cast.lin, ref.id))["data"] == b"mine"
        for who in (s.cast.maya, s.cast.guyu, s.cast.xiazhi):
            await assert_hidden(s, who, ref.id)
        refs = await s.desk.read(lambda tx: own_loose_files(tx, s.cast.lin, [ref.id]))
        await s.write(s.cast.lin, "看图", files=refs)
        for who in (s.cast.lin, s.cast.guyu, s.cast.xiazhi):
            assert (await fetch(s, who, ref.id))["data"] == b"mine"
        await assert_hidden(s, s.cast.maya, ref.id)
        for nonsense in ("", "\0", "x" * 5000, "'; DROP TABLE files; --"):
            await assert_hidden(s, s.cast.lin, nonsense)

    play(database_url, scene)


def test_loose_files_are_limited_and_forgotten_after_a_day_and_used_ones_stay(database_url):
    async def scene(s: Stage):
        refs = [await keep(s, s.cast.lin, b"%d" % i) for i in range(files.LOOSE_FILES_PER_CUSTOMER_MAX)]
        with pytest.raises(Refused, match="files_waiting_max"):
            await keep(s, s.cast.lin, b"more")
        assert await keep(s, s.cast.maya, b"another customer")
        used = await s.desk.read(lambda tx: own_loose_files(tx, s.cast.lin, [refs[0].id]))
        await s.write(s.cast.lin, "看图", files=used)
        assert await keep(s, s.cast.lin, b"room again")
        age = "UPDATE files SET created_at = created_at - interval '25 hours' WHERE handle_value = 'lin'"
        await s.desk.transaction(lambda tx: tx.execute(age))
        await s.desk.transaction(files.forget_loose)
        kept = await s.desk.read(lambda tx: tx.fetch("SELECT id, handle_value FROM files ORDER BY created_at"))
        assert [k["handle_value"] for k in kept] == ["lin", "maya"] and kept[0]["id"] == refs[0].id

    play(database_url, scene)


def test_two_messages_at_once_cannot_use_one_file(database_url):
    import asyncio  # beside its only use

    async def scene(s: Stage):
        ref = await keep(s, s.cast.lin, b"one")
        refs = await s.desk.read(lambda tx: own_loose_files(tx, s.cast.lin, [ref.id]))
        results = await asyncio.gather(*(s.write(s.cast.lin, f"{i}", files=refs) for i in range(4)), return_exceptions=True)
        refused = [r for r in results if isinstance(r, Refused)]
        assert len(refused) == 3 and {r.code for r in refused} == {"file_unknown"}
        assert len(await s.lines(s.cast.lin, next(r for r in results if not isinstance(r, Refused)).conversation)) == 2

    play(database_url, scene)
