"""Secrets come in by every door a customer or an agent has, and none of them stands anywhere afterwards."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from tests.conversations.secret_samples import Sample, every_sample
from tests.web.api import Api

from yingda.conversations.masking.folding import fold

COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
 WHERE table_schema = 'public' AND data_type IN ('text', 'bytea', 'jsonb', 'json', 'ARRAY', 'character varying')
 ORDER BY table_name, ordinal_position
"""
PASSWORD = re.compile(r"(?:Hunter|xiaoming|Qwerty|wallet)\d+(?:!|@a|#)?")
CARD_DIGITS, KEY_CHARACTERS, PHRASE_WORDS = 10, 16, 3  # what is long enough to be found by no accident
SPREAD = 13  # in everyday tests: every so many-th of the samples


class Haystack:
    """Everything that was written anywhere, in the forms in which a secret could be read out of it."""

    def __init__(self, texts: list[str]) -> None:
        folded = [fold(text).lower for text in texts]
        self.raw = "\n".join([*texts, *folded])
        self.solid = "\n".join(re.sub(r"[\W_]", "", text) for text in folded)
        self.letters = "\n".join(re.sub(r"[\W\d_]", "", text) for text in folded)

    def holds(self, sample: Sample) -> bool:
        match sample.kind:
            case "one_time_code":  # not the microseconds of a time
                return bool(re.search(rf"(?<![\d.]){sample.pieces[0]}(?!\d)", self.raw))
            case "password":
                return PASSWORD.search(sample.text)[0] in self.raw
            case "seed_phrase":
                return any(run in self.letters for run in runs(sample))
            case "card":
                digits = re.sub(r"\D", "", fold(sample.text).lower)
                return any(digits[i : i + CARD_DIGITS] in self.solid for i in range(len(digits) - CARD_DIGITS + 1))
        solid = re.sub(r"[\W_]", "", fold("".join(sample.pieces)).lower)
        return any(solid[i : i + KEY_CHARACTERS] in self.solid for i in range(0, len(solid) - KEY_CHARACTERS + 1, 4))


def runs(sample: Sample) -> Iterator[str]:
    words = [re.sub(r"[\W\d_]", "", fold(piece).lower) for piece in sample.pieces]
    for at in range(len(words) - PHRASE_WORDS + 1):
        yield "".join(words[at : at + PHRASE_WORDS])


def dump(api: Api) -> list[str]:
    """Every column of every table that can hold a word."""

    async def read(tx) -> list[str]:
        texts = []
        for table, column, kind in [tuple(row.values()) for row in await tx.fetch(COLUMNS)]:
            for row in await tx.fetch(f'SELECT "{column}" AS value FROM "{table}"'):
                if row["value"] is not None:
                    texts.append(row["value"].decode("utf-8", "replace") if kind == "bytea" else str(row["value"]))
        return texts

    return api.run(api.stage.desk.read(read))


def through_every_door(api: Api, samples: list[Sample]) -> None:
    for place, sample in enumerate(samples):
        api.clock.ahead_seconds += 1
        token = api.token(api.somebody(), name=sample.text)
        language = ("zh-CN", "en")[place % 2]
        answer = api.send(token, sample.text, language=language)
        said = answer.json()
        assert answer.status_code == 201 and sample.kind in said["masked"], sample.text
        warnings = [line for line in said["lines"] if line["code"] == "secret_masked"]
        assert len(warnings) == 1 and warnings[0]["language"] == language, "warned at once"
        assert not Haystack([answer.text]).holds(sample)
        if place % 10 == 0:
            api.run(api.stage.answer(api.stage.cast.xiazhi, said["conversation"], sample.text))
            name = quote(sample.text, safe="")
            assert api.ask("POST", "files", token, content=b"x", headers={"X-File-Name": name}).status_code == 201
            wrong = {"message_id": "m2", "text": sample.text, "oops": sample.text}
            assert api.ask("POST", "messages", token, json=wrong).status_code == 400
            assert not Haystack([api.ask("GET", "lines", token).text]).holds(sample)


def assert_nowhere(api: Api, samples: list[Sample], caplog) -> None:
    caplog.set_level(logging.DEBUG)
    through_every_door(api, samples)
    everything = dump(api)
    assert len(everything) > len(samples) * 5
    haystack = Haystack([*everything, caplog.text])
    assert [sample.text for sample in samples if haystack.holds(sample)] == []
    jobs = api.read("SELECT count(*) FROM jobs WHERE kind = 'deliver'")
    assert jobs == len(samples[::10])


def test_the_search_would_find_every_sample_if_it_stood_somewhere():
    samples = every_sample()
    missed = [s.text for s in samples if not Haystack([f"before {s.text} after"]).holds(s)]
    # Numbered words ("Word 1: …") are found word by word in a conversation, but not in one run.
    assert len(missed) < len(samples) * 0.25 and not Haystack(["nothing of the kind"]).holds(samples[0])


def test_a_hundred_secrets_leave_no_trace(api: Api, caplog):
    assert_nowhere(api, every_sample()[::SPREAD], caplog)


@pytest.mark.slow
def test_every_secret_leaves_no_trace(api: Api, caplog):
    api.write("DELETE FROM jobs")
    assert_nowhere(api, every_sample(), caplog)


def test_an_unexpected_failure_is_logged_without_the_customers_words(api: Api, caplog, monkeypatch):
    async def fail(inbound) -> None:
        raise ValueError(f"invalid input for query argument $3: {inbound.text!r}")

    monkeypatch.setattr(api.house.reception, "receive", fail)
    answer = api.send(api.token(api.somebody()), "my words")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "my words" not in caplog.text + answer.text
    assert "ValueError" in caplog.text and "send_message" in caplog.text, "where it happened is on record"
