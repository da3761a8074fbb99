"""all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019) in numpy: the six-layer BERT of its published weights.

The package that carries the weights asks for gigabytes of libraries to run them. A forward pass without gradients is this page.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LAYERS, HEADS = 6, 12
TOKENS_MAX = 128
EPSILON = 1e-12
UNKNOWN, BEGIN, END = 100, 101, 102
WORD_LETTERS_MAX = 100


def read_weights(path: Path) -> dict[str, Floats]:
    """The safetensors format: eight bytes of length, a JSON header, then the arrays."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    weights = {}
    for name, entry in json.loads(data[8:start]).items():
        if entry.get("dtype") == "F32":
            first, last = entry["data_offsets"]
            weights[name] = np.frombuffer(data, np.float32, (last - first) // 4, start + first).reshape(entry["shape"])
    return weights


class WordPieces:
    """BERT's uncased tokens: letters without accents, punctuation and Chinese characters apart, then the longest known pieces."""

    def __init__(self, vocabulary: Path) -> None:
        self._numbers = {piece: number for number, piece in enumerate(vocabulary.read_text("utf-8").split("\n"))}

    def numbers(self, text: str) -> list[int]:
        plain = unicodedata.normalize("NFD", text.lower())
        letters = (sign for sign in plain if unicodedata.category(sign) != "Mn")
        spaced = "".join(sign if sign.isspace() or (sign.isalnum() and not _is_han(sign)) else f" {sign} " for sign in letters)
        pieces = [number for word in spaced.split() for number in self._pieces(word)]
        return [BEGIN, *pieces[: TOKENS_MAX - 2], END]

    def _pieces(self, word: str) -> list[int]:
        found: list[int] = []
        start = 0
        while start < len(word):
            lead = "##" if start else ""
            ends = range(len(word), start, -1) if len(word) <= WORD_LETTERS_MAX else ()
            end = next((end for end in ends if lead + word[start:end] in self._numbers), None)
            if end is None:
                return [UNKNOWN]
            found.append(self._numbers[lead + word[start:end]])
            start = end
        return found


def _is_han(sign: str) -> bool:
    return "\u3400" <= sign <= "\u9fff" or "\uf900" <= sign <= "\ufaff"


class Bert:
    def __init__(self, weights: dict[str, Floats]) -> None:
        self._weights = weights

    def encode(self, numbers: list[int]) -> Floats:
        """The mean of the last layer's rows, of length one."""
        states = self._embed(numbers)
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            states = self._norm(self._attend(states, f"{name}.attention") + states, f"{name}.attention.output.LayerNorm")
            inner = _gelu(self._linear(states, f"{name}.intermediate.dense"))
            states = self._norm(self._linear(inner, f"{name}.output.dense") + states, f"{name}.output.LayerNorm")
        mean: Floats = states.mean(axis=0)
        return mean / np.float32(np.linalg.norm(mean))

    def _embed(self, numbers: list[int]) -> Floats:
        place = "embeddings.{}_embeddings.weight"
        words = self._weights[place.format("word")][numbers]
        places = self._weights[place.format("position")][: len(numbers)]
        return self._norm(words + places + self._weights[place.format("token_type")][0], "embeddings.LayerNorm")

    def _attend(self, states: Floats, name: str) -> Floats:
        def heads(part: str) -> Floats:
            return self._linear(states, f"{name}.self.{part}").reshape(len(states), HEADS, -1).transpose(1, 0, 2)

        query, key, value = heads("query"), heads("key"), heads("value")
        weight = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[2]))
        weight = np.exp(weight - weight.max(axis=2, keepdims=True))
        weight /= weight.sum(axis=2, keepdims=True)
        mixed = (weight @ value).transpose(1, 0, 2).reshape(states.shape)
        return self._linear(mixed, f"{name}.output.dense")

    def _linear(self, rows: Floats, name: str) -> Floats:
        found: Floats = rows @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return found

    def _norm(self, rows: Floats, name: str) -> Floats:
        centred = rows - rows.mean(axis=1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + np.float32(EPSILON))
        found: Floats = centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return found


def _gelu(rows: Floats) -> Floats:
    """x times the normal distribution function at x, by Abramowitz and Stegun 7.1.26 (error below 2e-7)."""
    sized = np.abs(rows) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * sized)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * np.float32(1.061405429)))))
    tail = series * np.exp(-sized * sized)
    found: Floats = (rows * np.where(rows >= 0, 2 - tail, tail) / 2).astype(np.float32)
    return found
