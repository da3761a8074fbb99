"""The wallet's word on who its customer is: a JWS (RFC 7515) with `kid`, `sub`, `aud`, `iat`, `exp` of at most ten minutes.

The algorithm is the key's, never the token's: a token that names another one is refused (the `alg` confusion of RFC 8725, 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yingda.errors import Refused
from yingda.people.accounts import Account, WalletKey
from yingda.people.viewer import CustomerViewer

TOKEN_LIFE_SECONDS_MAX = 600
CLOCK_SKEW_SECONDS_MAX = 60
TOKEN_CHARACTERS_MAX = 4096
SUBJECT_CHARACTERS_MAX = 200
_UNSTORABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, and halves of surrogate pairs


def refused(why: str) -> Refused:
    """401, with the reason: the wallet's engineers need it, and it helps no attacker without the key."""
    return Refused(f"token_{why}", "Authorization", status=401)


def customer_of_token(account: Account, token: str, now: datetime) -> tuple[CustomerViewer, datetime]:
    """The customer and the moment the token expires. Raises `Refused` 401 with what is wrong."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise refused("malformed")
    claims = _claims(account.keys, account.widget_key, token)
    issued, expires = _instants(claims)
    if expires - issued > timedelta(seconds=TOKEN_LIFE_SECONDS_MAX):
        raise refused("life_too_long")
    if issued > now + timedelta(seconds=CLOCK_SKEW_SECONDS_MAX):
        raise refused("from_the_future")
    if now >= expires:
        raise refused("expired")
    subject = claims["sub"]
    if not 1 <= len(subject) <= SUBJECT_CHARACTERS_MAX or _UNSTORABLE.search(subject):
        raise refused("subject")
    viewer = CustomerViewer(
        account.id,
        "wallet",
        subject,
        _text(claims, "name"),
        _text(claims, "language") or None,
        _text(claims, "zone") or None,
    )
    return viewer, expires


def sign_customer_token(kid: str, widget_key: str, secret: bytes, subject: str, now: datetime, **extra: str) -> str:
    """What a wallet's server does; used by `yingda replay`, the simulator and the demo page."""
    issued = int(now.timestamp())
    claims = {"sub": subject, "aud": widget_key, "iat": issued, "exp": issued + TOKEN_LIFE_SECONDS_MAX, **extra}
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid})


def _claims(keys: Sequence[WalletKey], widget_key: str, token: str) -> dict[str, Any]:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise refused("malformed") from error
    key = next((k for k in keys if k.kid == kid), None)
    if key is None:
        raise refused("key_unknown")
    verifier: Any = key.key if key.algorithm == "HS256" else Ed25519PublicKey.from_public_bytes(key.key)
    try:
        # Times are ours to judge, by the desk's clock: the library would ask the machine's.
        return jwt.decode(
            token,
            verifier,
            algorithms=[key.algorithm],
            audience=widget_key,
            options={"require": ["sub", "aud", "iat", "exp"], "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except jwt.InvalidAudienceError as error:
        raise refused("audience") from error
    except jwt.MissingRequiredClaimError as error:
        raise refused("claim_missing") from error
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise refused("signature") from error


def _instants(claims: dict[str, Any]) -> tuple[datetime, datetime]:
    values = [claims["iat"], claims["exp"]]
    if not all(type(v) in (int, float) and 0 <= v < 2**33 for v in values):
        raise refused("times")
    from_epoch = [datetime.fromtimestamp(v, tz=UTC) for v in values]
    return from_epoch[0], from_epoch[1]


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name, "")
    return _UNSTORABLE.sub(" ", value) if isinstance(value, str) else ""
