"""What a failure at the edge of background work leaves for people to read."""

from __future__ import annotations

ERROR_CHARACTERS_MAX = 300


def shown(error: BaseException) -> str:
    """The kind of error and the first line of what it says: a database's later lines quote the values of rows."""
    first, _, _ = str(error).partition("\n")
    return f"{type(error).__name__}: {first}"[:ERROR_CHARACTERS_MAX]
