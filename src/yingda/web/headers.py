"""What every answer carries: a strict Content-Security-Policy and its companions. No inline script or style anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # types of the ASGI messages
    from litestar.types import Message, Scope

CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
))  # fmt: skip

# Referrer-Policy is not `no-referrer`: with it browsers send `Origin: null` with our own forms, and the origin is what we check.
COMMON = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}

# What a customer sent is bytes to keep, never a page of ours: it opens nowhere and runs nothing.
ATTACHMENT = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}


_COMMON_RAW = [(name.lower().encode(), value.encode()) for name, value in COMMON.items()]


async def add_security_headers(message: Message, scope: Scope) -> None:
    """A `before_send` hook of the application: what a handler set stands, the rest is added, on errors too."""
    if message["type"] != "http.response.start":
        return
    headers = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    message["headers"] = headers + [pair for pair in _COMMON_RAW if pair[0] not in present]
