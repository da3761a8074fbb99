"""Who is asking. Rows are got only through functions that take one of these; there is no other way in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yingda.errors import Refused

Role = Literal["agent", "lead", "admin"]


@dataclass(frozen=True, slots=True)
class CustomerViewer:
    """A customer on one channel account, by a handle that was proven (the wallet's signature, or a guest token)."""

    account_id: int
    handle_kind: Literal["wallet", "guest"]
    handle_value: str
    name: str = ""
    language: str | None = None
    zone: str | None = None

    @property
    def actor(self) -> str:
        return "customer"


@dataclass(frozen=True, slots=True)
class AgentViewer:
    agent_id: int
    name: str
    role: Role
    language: str
    zone: str

    @property
    def actor(self) -> str:
        return f"agent:{self.agent_id}"

    @property
    def leads(self) -> bool:
        return self.role in ("lead", "admin")


Viewer = CustomerViewer | AgentViewer


def not_found() -> Refused:
    """The one answer for what is not there and for what the viewer may not see: it must not betray which."""
    return Refused("not_found", status=404)


def require_lead(viewer: AgentViewer) -> None:
    if not viewer.leads:
        raise not_found()
