"""The model of a new desk: trained on its articles' questions when it is first asked, and kept until they change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from yingda.answers import model_file
from yingda.answers.bot import PERSON
from yingda.answers.examples import Example
from yingda.answers.model import OUT_OF_SCOPE, Model, load
from yingda.answers.training import train
from yingda.errors import Refused
from yingda.knowledge.articles import Article

ENGINE_VERSION = 1
"""Raised with every change of training that an old model should not survive."""

TARGET_PRECISION = 0.93
FOLDS = 4
"""Fewer than for a history: somebody waits for it."""


def examples_of(articles: Iterable[Article]) -> list[Example]:
    """Titles and questions under their slugs, wishes for a person, and messages that no article covers."""
    found = [Example(text, article.slug) for article in articles for text in (article.title, *article.questions)]
    found += [Example(text, PERSON) for text in _lines("person.txt")]
    return found + [Example(text, OUT_OF_SCOPE) for text in _lines("out_of_scope.txt")]


def first_model(articles: Sequence[Article], folder: Path) -> Model:
    """From `folder` when it was trained on just these examples, else trained now and left there. A bad folder refuses nothing."""
    examples = examples_of(articles)
    content = json.dumps([[ENGINE_VERSION, model_file.VERSION], *([example.text, example.label] for example in examples)])
    path = folder / f"answers-{hashlib.sha256(content.encode()).hexdigest()[:32]}.model"
    try:
        return load(path)
    except Refused:
        model = train(examples, target_precision=TARGET_PRECISION, folds=FOLDS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        model.save(path)
    except (OSError, Refused):
        return model  # a read-only folder costs the training again, not the answer
    return model


def _lines(name: str) -> list[str]:
    text = (resources.files("yingda.answers") / "data" / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
