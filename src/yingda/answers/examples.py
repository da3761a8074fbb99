"""Examples for the engine: rows of a CSV file with a text and its label."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from yingda.errors import Refused

TEXT_COLUMNS = ("text", "question", "message")
LABEL_COLUMNS = ("label", "category")
CELL_CHARACTERS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    label: str


def read_examples(path: Path) -> list[Example]:
    """Rows that have a text and a label; empty ones are left out. UTF-8 with or without byte order mark.

    Refused: file_unreadable, not_utf8, csv_malformed, csv_no_text, csv_no_label, examples_none.
    """
    rows = [Example(text.strip(), label.strip()) for text, label in _columns(path, need_label=True)]
    kept = [row for row in rows if row.text and row.label]
    if not kept:
        raise Refused("examples_none", str(path))
    return kept


def read_texts(path: Path) -> list[str]:
    """The texts of every row in order, empty ones too. Refused as `read_examples`, which needs labels besides."""
    return [text for text, _ in _columns(path, need_label=False)]


def _columns(path: Path, need_label: bool) -> list[tuple[str, str]]:
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            names = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
            text = next((names[column] for column in TEXT_COLUMNS if column in names), None)
            label = next((names[column] for column in LABEL_COLUMNS if column in names), None)
            if text is None:
                raise Refused("csv_no_text", f"{path}, line 1")
            if label is None and need_label:
                raise Refused("csv_no_label", f"{path}, line 1")
            return [(row[text] or "", (row[label] or "") if label is not None else "") for row in rows]
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise Refused("not_utf8", str(path)) from error
        raise Refused("file_unreadable", str(path), str(error)) from error
    except csv.Error as error:
        raise Refused("csv_malformed", str(path), str(error)) from error
