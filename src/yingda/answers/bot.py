"""The bot: what it does about a message. It says an article's own answer or nothing; no input can make it say anything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from yingda.answers.matters import parts
from yingda.answers.model import OUT_OF_SCOPE, Guess, Model
from yingda.answers.person import wants_person
from yingda.answers.text import clean, language
from yingda.answers.urgency import is_urgent
from yingda.knowledge.articles import Article

PERSON = "person"
"""The label of wishes for a person; not an article."""

CHOICES_MAX = 3
CRITICAL_CONFIDENCE_MIN = 0.99
CLARIFY_CONFIDENCE_MIN = 0.25
MATTER_CONFIDENCE_MIN = 0.8
BELIEF_MIN = 0.5
"""From here on the message is taken for a wish for a person, or for out of scope."""

Decision = Literal["answer", "clarify", "hand_over"]


@dataclass(frozen=True)
class Understood:
    """`answer` is the text of `article`: with `hand_over` first aid, when money is at risk. `choices`, `matters`: slugs."""

    language: str
    topic: str | None
    confidence: float
    decision: Decision
    article: str | None = None
    answer: str | None = None
    choices: tuple[str, ...] = ()
    urgent: bool = False
    matters: tuple[str, ...] = ()


class Bot:
    """Articles and a model whose labels are their slugs. Encoders run in `understand`: give it a worker thread."""

    def __init__(self, articles: Iterable[Article], model: Model) -> None:
        self._articles = {(article.slug, article.language): article for article in articles}
        self.model = model
        self._critical = {slug for (slug, _), article in self._articles.items() if article.critical}
        self._first_aid = {slug for (slug, _), article in self._articles.items() if article.urgent}

    def understand(self, text: str) -> Understood:
        """Never raises for any text."""
        tongue = language(text)
        if not clean(text):
            return Understood(tongue, None, 0.0, "hand_over")
        pieces = parts(text)
        guess = self.model.guess([text, *pieces] if len(pieces) > 1 else [text])
        best, confidence = self._topic(guess, 0), float(guess.confidence[0])
        matters = self._matters(guess)
        if self._is_urgent(text, guess):
            return self._first_aid_for(guess, tongue, confidence, matters)
        if wants_person(text) or self._belief(guess, 0, PERSON) >= BELIEF_MIN:
            return Understood(tongue, PERSON, confidence, "hand_over", matters=tuple(m for m in matters if m != PERSON))
        if len(matters) > 1:
            return Understood(tongue, best, confidence, "clarify", choices=matters[:CHOICES_MAX], matters=matters)
        return self._one_matter(guess, tongue, best, confidence, matters)

    def _one_matter(self, guess: Guess, tongue: str, best: str, confidence: float, matters: tuple[str, ...]) -> Understood:
        needed = max(self.model.threshold, CRITICAL_CONFIDENCE_MIN if best in self._critical else 0.0)
        article = self._article(best, tongue)
        is_outside = self._belief(guess, 0, OUT_OF_SCOPE) >= BELIEF_MIN
        if article is not None and confidence >= needed and not is_outside:
            return Understood(tongue, best, confidence, "answer", best, article.answer, matters=matters or (best,))
        choices = [slug for slug in self._ranked(guess, 0) if self._article(slug, tongue)][:CHOICES_MAX]
        if choices and confidence >= CLARIFY_CONFIDENCE_MIN and not is_outside:
            return Understood(tongue, best, confidence, "clarify", choices=tuple(choices), matters=matters)
        return Understood(tongue, None if is_outside else best, confidence, "hand_over", matters=matters)

    def _is_urgent(self, text: str, guess: Guess) -> bool:
        rows = range(len(guess.order))
        belief = max(sum(self._belief(guess, row, slug) for slug in self._first_aid) for row in rows)
        return is_urgent(text, belief)

    def _first_aid_for(self, guess: Guess, tongue: str, confidence: float, matters: tuple[str, ...]) -> Understood:
        row = max(range(len(guess.order)), key=lambda row: sum(self._belief(guess, row, slug) for slug in self._first_aid))
        slug = next((slug for slug in self._ranked(guess, row) if slug in self._first_aid), None)
        article = self._article(slug, tongue) if slug else None
        answer = article.answer if article else None
        return Understood(
            tongue, slug, confidence, "hand_over", slug, answer, urgent=True, matters=matters or ((slug,) if slug else ())
        )

    def _matters(self, guess: Guess) -> tuple[str, ...]:
        """The topics of the parts that are clear by themselves; of a message of one part, its own when it is clear."""
        rows = range(1, len(guess.order)) if len(guess.order) > 1 else range(1)
        found = [self._topic(guess, row) for row in rows if guess.confidence[row] >= MATTER_CONFIDENCE_MIN]
        return tuple(dict.fromkeys(slug for slug in found if slug != PERSON))

    def _topic(self, guess: Guess, row: int) -> str:
        return self.model.labels[int(guess.order[row, 0])]

    def _ranked(self, guess: Guess, row: int) -> list[str]:
        return [self.model.labels[int(i)] for i in guess.order[row]]

    def _belief(self, guess: Guess, row: int, label: str) -> float:
        return float(guess.belief[row, self.model.labels.index(label)]) if label in self.model.labels else 0.0

    def _article(self, slug: str, tongue: str) -> Article | None:
        """In the customer's language, else in the other: an answer to translate is better than none."""
        other = next((article for (name, _), article in self._articles.items() if name == slug), None)
        return self._articles.get((slug, tongue), other)
