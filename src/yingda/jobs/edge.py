"""What a failure at the edge of background work leaves for people to read: never the exception's own text.

What the driver or a library says of a value quotes it, and the value may be a customer's words. Our own errors hold none.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from yingda.errors import YingdaError

ERROR_CHARACTERS_MAX = 300


def shown(error: BaseException) -> str:
    """For the shelf and for watchers: the error if it is ours, else its kind and where it came from."""
    if isinstance(error, YingdaError):
        return str(error)[:ERROR_CHARACTERS_MAX]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"[:ERROR_CHARACTERS_MAX]


def traced(error: BaseException) -> str:
    """For the log: the same, and the way there."""
    return f"{shown(error)}\n{''.join(traceback.format_tb(error.__traceback__))}"
