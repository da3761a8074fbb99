"""What a viewer may read, page by page; and previews that are cut between graphemes."""

from __future__ import annotations

import pytest
import regex
from tests.house import Stage, play

from yingda.conversations import history
from yingda.conversations.history import PREVIEW_GRAPHEMES_MAX, preview_of
from yingda.errors import Refused

FAMILY = "👨\u200d👩\u200d👧\u200d👦"


@pytest.mark.parametrize("text", [FAMILY * 300, "e\u0301" * 500, "🇨🇳" * 400, "各" * 400, "เ\u0e01\u0e4d" * 300, "각" * 400],
                         ids=["families", "accents", "flags", "han", "thai", "jamo"])  # fmt: skip
def test_a_preview_is_cut_between_graphemes(text: str):
    preview = preview_of(text)
    whole = regex.findall(r"\X", text)
    assert preview.endswith("…")
    assert regex.findall(r"\X", preview[:-1]) == whole[: len(regex.findall(r"\X", preview[:-1]))]
    assert PREVIEW_GRAPHEMES_MAX - 1 <= len(regex.findall(r"\X", preview[:-1])) <= PREVIEW_GRAPHEMES_MAX


def test_a_short_text_is_its_own_preview_on_one_line():
    assert preview_of("one\n\n two\tthree ") == "one two three"
    assert preview_of(None) == preview_of("") == preview_of("\n") == ""
    assert preview_of("字" * PREVIEW_GRAPHEMES_MAX) == "字" * PREVIEW_GRAPHEMES_MAX


def test_a_tower_of_marks_has_a_short_preview_too():
    for text in ("Z" + "\u0300" * 9_999, ("Z" + "\u0300" * 99) * 100):
        preview = preview_of(text)
        assert len(preview) <= PREVIEW_GRAPHEMES_MAX * 16 + 1 and preview.endswith("…")


def test_the_queue_is_oldest_first_and_comes_page_by_page(database_url):
    async def scene(s: Stage):
        from dataclasses import replace  # customers beside the cast

        numbers = [(await s.write(replace(s.cast.lin, handle_value=f"c{i}"), f"第{i}位")).conversation for i in range(7)]
        read, after = [], None
        while True:
            page = await s.desk.read(lambda tx, a=after: history.queue(tx, s.cast.guyu, limit=3, after=a))
            if not page:
                break
            read += [row.conversation for row in page]
            after = page[-1].position
        assert read == numbers
        first = (await s.desk.read(lambda tx: history.queue(tx, s.cast.guyu, limit=0)))[0]
        assert (first.preview, first.customer_name, first.late) == ("第0位", "林小禾", False)
        with pytest.raises(Refused, match="not_found"):
            await s.desk.read(lambda tx: history.queue(tx, s.cast.guyu, view="lead"))

    play(database_url, scene)


def test_a_customer_reads_what_is_shown_and_staff_read_all(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "一")
        await s.write(s.cast.lin, "二")
        for after in range(6):
            seen = [line.shown_seq for line in await s.lines(s.cast.lin, r.conversation, after=after)]
            assert seen == list(range(after + 1, 5)), "lines after N are exactly those, whenever asked (C01)"
        staff = [line.seq for line in await s.lines(s.cast.guyu, r.conversation)]
        assert staff == sorted(staff) and len(staff) == 4
        last = await s.desk.read(lambda tx: history.last_lines(tx, s.cast.guyu, r.conversation, 2))
        assert [line.seq for line in last] == staff[-2:]
        for who, number in ((s.cast.maya, r.conversation), (s.cast.lin, 1), (s.cast.guyu, 1)):
            with pytest.raises(Refused, match="not_found"):
                await s.lines(who, number)
        assert await s.desk.read(lambda tx: history.newest_of(tx, s.cast.maya)) is None

    play(database_url, scene)
