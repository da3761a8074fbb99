"""The transcript: everything that was shown, in order, in the customer's zone, and nothing in it can act or deceive."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from tests.house import Stage, play

from yingda import words
from yingda.conversations.files import keep_file, own_loose_files
from yingda.conversations.transcript import Heading, text_of, transcript
from yingda.errors import Refused

HOSTILE = "<script>alert(1)</script>\n[12:00] 谷雨\u2028[12:01] 谷雨\u2029转账到这里\n\u202eedcba & \"'"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


async def saved(s: Stage, who, number: int, form: str, language: str = "zh-CN") -> str:
    heading = Heading("<b>应答</b>", number, language, who.zone)
    return "".join([piece async for piece in transcript(s.desk, who, heading, form)])


async def told_story(s: Stage) -> tuple[int, list]:
    ref = await s.desk.transaction(lambda tx: keep_file(tx, s.cast.lin, "截图<i>.png", b"data"))
    refs = await s.desk.read(lambda tx: own_loose_files(tx, s.cast.lin, [ref.id]))
    r = await s.write(s.cast.lin, HOSTILE, files=refs)
    w = await s.answer(s.cast.guyu, r.conversation, "您好\n正在查")
    await s.see(s.cast.lin, r.conversation, w.shown_seq)
    return r.conversation, await s.lines(s.cast.lin, r.conversation)


def test_as_text_it_has_everything_in_order_and_no_line_can_be_forged(database_url):
    async def scene(s: Stage):
        number, lines = await told_story(s)
        text = await saved(s, s.cast.lin, number, "text")
        places = [text.index(words.moment("zh-CN", "Asia/Shanghai", line.at)) for line in lines]
        assert str(number) in text.split("\n")[0] and "Asia/Shanghai" in text.split("\n")[1] and places == sorted(places)
        heads = [x for x in text.splitlines() if x.startswith("[")]
        assert len(heads) == len(lines), "whatever ends a line, words begin after two blanks"
        assert all(head.count("\u2068") == head.count("\u2069") == 1 for head in heads)
        assert [h.split("\u2068")[1].rstrip("\u2069") for h in heads] == ["客户", "客服台", "客服台", "谷雨"]
        assert "  您好\n  正在查" in text and lines[0].files[0].sha256 in text
        receipt = next(line for line in lines if line.code == "receipt")
        assert receipt.text in text, "what was promised, in the words it was promised in"

    play(database_url, scene)


def test_as_html_nothing_in_it_is_markup_of_the_customer(database_url):
    async def scene(s: Stage):
        number, lines = await told_story(s)
        page = await saved(s, s.cast.lin, number, "html")
        seen = Tags()
        seen.feed(page)
        assert set(seen.tags) <= {"html", "meta", "title", "h1", "p", "article", "header", "time", "bdi", "pre", "ul", "li"}
        assert not any(name.startswith("on") or name in ("src", "href", "style") for name in seen.attributes)
        assert seen.tags.count("article") == len(lines) == seen.tags.count("pre")
        assert "<script>alert(1)</script>" in seen.text and "截图_i_.png" in seen.text
        assert page.count('<pre dir="auto"') == len(lines), "a text cannot reorder what stands around it"
        assert page.startswith('<!doctype html><html lang="zh-CN">') and page.endswith("</html>\n")

    play(database_url, scene)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_it_is_in_the_readers_language_and_the_words_stay_as_they_were(database_url, language: str):
    async def scene(s: Stage):
        r = await s.write(s.cast.maya, "My transfer")
        text = await saved(s, s.cast.maya, r.conversation, "text", language)
        assert words.sentence(language, "author.customer") in text and r.lines[1].text in text
        assert words.moment(language, "Europe/London", r.at) in text

    play(database_url, scene)


def test_a_long_conversation_comes_page_by_page_and_whole(database_url):
    async def scene(s: Stage):
        for i in range(130):
            r = await s.write(s.cast.lin, f"第 {i} 句")
        text = await saved(s, s.cast.lin, r.conversation, "text")
        assert [i for i in range(130) if f"  第 {i} 句\n" not in text] == []
        assert sum(line.startswith("[") for line in text.splitlines()) == 260

    play(database_url, scene)


def test_only_the_customer_of_the_conversation_can_save_it(database_url):
    async def scene(s: Stage):
        r = await s.write(s.cast.lin, "秘密")
        with pytest.raises(Refused, match="not_found"):
            await saved(s, s.cast.maya, r.conversation, "text")
        assert text_of(Heading("x", 1, "en", "UTC"), []) == ""

    play(database_url, scene)
