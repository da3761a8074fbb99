"""What an installed package needs is in it: an editable clone would hide that a page or a migration was left behind."""

from __future__ import annotations

import tomllib

from tests.tidy.source import PACKAGE, ROOT, below, none_of, place, read

PATTERNS = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["setuptools"]["package-data"]["yingda"]


def test_every_file_that_is_no_code_is_packed() -> None:
    packed = {path for pattern in PATTERNS for path in PACKAGE.glob(pattern)}
    files = [path for path in below(PACKAGE) if path.suffix != ".py"]
    none_of((place(path) for path in files if path not in packed), "Add its folder to package-data in pyproject.toml")


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in below(PACKAGE, ".py")}
    none_of(
        (place(folder) for folder in folders if not (folder / "__init__.py").exists()),
        "Add an __init__.py: it would not be packed",
    )
