"""The engine, on a few topics in two languages: it learns, it is the same twice, and it is silent when it should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yingda.answers import svm
from yingda.answers.examples import Example
from yingda.answers.measuring import evaluate
from yingda.answers.model import Model, load
from yingda.answers.model_file import FIRST_LINE
from yingda.answers.ngrams import Ngrams, count
from yingda.answers.precision import NEVER, threshold_for
from yingda.answers.training import train
from yingda.clock import SystemClock
from yingda.errors import Refused

WORDS = {
    "card": ["where is my card", "my card has not come", "card lost in the post", "when do I get my card", "我的卡还没寄到"],
    "top_up": ["how do I top up", "add money to my account", "top up by bank card", "how can I load funds", "怎么充值"],
    "limits": ["what is the daily limit", "raise my limit", "how much can I send a day", "limit too low", "限额是多少"],
}
EXAMPLES = [Example(text, label) for label, texts in WORDS.items() for text in texts]


@pytest.fixture(scope="module")
def model() -> Model:
    return train(EXAMPLES)


def first(model: Model, text: str) -> str:
    return model.labels[model.guess([text]).order[0, 0]]


@pytest.mark.parametrize(
    ("text", "label"),
    [("my card has not arived", "card"), ("我想充值", "top_up"), ("每日限額多少", "limits"), ("ＴＯＰ  ＵＰ ??", "top_up")],
)
def test_it_finds_the_topic_in_other_words_with_typos_and_in_either_script(model: Model, text: str, label: str) -> None:
    assert first(model, text) == label


def test_the_same_examples_give_the_same_file(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "one")
    train(EXAMPLES).save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_loaded_model_says_what_the_trained_one_says(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    texts = ["where is the card", "充值", ""]
    before, after = model.guess(texts), load(tmp_path / "model").guess(texts)
    assert (before.order == after.order).all()
    assert np.array_equal(before.confidence, after.confidence)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: data[:-100], "model_malformed"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "model_malformed"),
        (lambda data: data[: len(FIRST_LINE) + 3], "model_malformed"),
        (lambda data: b"yingda-model 999\n" + data[len(FIRST_LINE) :], "model_version"),
        (lambda data: b"PK\x03\x04" + data, "model_malformed"),
        (lambda data: b"", "model_malformed"),
    ],
)
def test_a_file_that_is_cut_off_changed_or_of_another_version_is_refused(model: Model, tmp_path: Path, change, code: str) -> None:
    model.save(tmp_path / "model")
    (tmp_path / "other").write_bytes(change((tmp_path / "model").read_bytes()))
    with pytest.raises(Refused) as refused:
        load(tmp_path / "other")
    assert refused.value.code == code


def test_a_file_that_is_not_there_or_cannot_be_written_is_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="file_unreadable"):
        load(tmp_path / "none")
    with pytest.raises(Refused, match="file_unwritable"):
        model.save(tmp_path / "none" / "model")


def test_one_topic_alone_is_refused() -> None:
    with pytest.raises(Refused, match="labels_too_few"):
        train([Example("where is my card", "card"), Example("weather", "oos")])


def test_topics_with_one_example_each_cannot_be_tested_and_are_refused() -> None:
    with pytest.raises(Refused, match="examples_too_few"):
        train([Example("where is my card", "card"), Example("top up", "top_up")])


def test_what_evaluate_prints_has_the_promised_keys_and_counts_unknown_labels_as_out_of_scope(model: Model) -> None:
    result = evaluate(model, [*EXAMPLES, Example("will it rain", "weather"), Example("tell me a joke", "oos")], SystemClock())
    assert result["rows"] == 17
    assert result["accuracy"] == result["top3"] == result["macro_f1"] == 1.0
    at = result["at_threshold"]
    assert set(at) == {"threshold", "coverage", "precision", "in_scope_accuracy", "out_of_scope_recall"}
    assert at["out_of_scope_recall"] == 1.0
    assert set(result["coverage_at"]) == {"0.95", "0.98", "0.99"}
    assert result["curve"][-1] == [1.0, pytest.approx(15 / 17, abs=1e-6)]
    assert result["per_label"]["card"] == {"rows": 5, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert result["milliseconds"]["p50"] <= result["milliseconds"]["p99"]


def test_validation_rows_set_the_threshold() -> None:
    held = [
        Example("card not here", "card"),
        Example("load money", "top_up"),
        Example("limit", "limits"),
        Example("pizza", "oos"),
    ]
    model = train(EXAMPLES, validation=held)
    assert 0 < model.threshold <= NEVER


def test_the_machine_separates_what_can_be_separated_and_its_optimum_needs_no_luck() -> None:
    """On separable rows every margin reaches one at the optimum of a dear cost."""
    rows = [(np.array([i % 3, 3 + i % 2]), np.array([1, 0.3], np.float32)) for i in range(12)]
    labels = np.array([i % 3 for i in range(12)])
    weights = svm.train(rows, labels, 3, 5, cost=1000.0)
    margins = svm.margins(weights, rows)
    sides = np.where(np.arange(3) == labels[:, None], 1, -1)
    assert (margins * sides).min() > 0.97


def test_rows_have_each_column_once_and_two_parts_of_length_one() -> None:
    counts = [count("top up top up 充值"), count("limit")]
    columns, values = Ngrams.fit(counts).row(counts[0])
    assert len(set(columns.tolist())) == len(columns)
    assert float(values @ values) == pytest.approx(2.0, abs=1e-5)


def test_the_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32)
    right = np.array([True, True, True, False, True])
    assert threshold_for(confidence, right, 0.75) == pytest.approx(0.7)
    assert threshold_for(confidence, right, 0.99) == NEVER
