"""The three kinds of error. What people read (`code`, turned into words by the catalogue) is apart from what logs read."""

from __future__ import annotations


class YingdaError(Exception):
    """Base of the three kinds; never raised itself.

    `code` is a stable snake_case word that has a sentence in every catalogue (`error.<code>`); `where` names the
    field, line or header at fault; `detail` is for logs only and must never hold a customer's words.
    """

    def __init__(self, code: str, where: str = "", detail: str = "") -> None:
        super().__init__(f"{code} {where} {detail}".strip())
        self.code, self.where, self.detail = code, where, detail


class Refused(YingdaError):
    """The caller's fault: nothing was changed, trying the same again will not help. `status` is the HTTP status."""

    def __init__(self, code: str, where: str = "", detail: str = "", status: int = 400) -> None:
        super().__init__(code, where, detail)
        self.status = status


class Temporary(YingdaError):
    """Nobody's fault or ours: try again after `retry_after_seconds`."""

    def __init__(self, code: str, where: str = "", detail: str = "", retry_after_seconds: int = 5) -> None:
        super().__init__(code, where, detail)
        self.retry_after_seconds = retry_after_seconds


class Permanent(YingdaError):
    """It will never work as it is: give it to a person."""
