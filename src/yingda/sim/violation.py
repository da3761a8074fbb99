"""A broken invariant. It ends the simulation: what follows a fault tells nothing of it."""

from __future__ import annotations


class Violation(Exception):
    """`invariant` is one of the eight, or `record` for the chain of hashes. No words of anybody stand in `what`."""

    def __init__(self, invariant: str, conversation: int | None, what: str) -> None:
        super().__init__(f"{invariant}: {what}" + (f" (conversation {conversation})" if conversation else ""))
        self.invariant, self.conversation, self.what = invariant, conversation, what
