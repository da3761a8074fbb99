"""Receipts that anyone can check: what we took, who owes the answer, by when, signed with the desk's Ed25519 key (RFC 8032).

The signature covers the RFC 8785 form of the receipt without `signature` and `salt`. Ed25519 is deterministic, so a receipt is
signed when it is shown and needs no place of its own. The salt is for the customer: with it and the message's own words,
`message_hash` can be recomputed; without it the hash betrays nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from yingda.chance import Chance
from yingda.conversations.receive import Received
from yingda.db.desk import Tx
from yingda.db.event import canonical, commitment, content_of
from yingda.errors import Refused
from yingda.people.master_key import MasterKey

RECEIPT_VERSION = 1
SIGNED = ("version", "desk", "number", "conversation", "seq", "message_hash", "received_at", "owner", "due", "key")
KEY_ID_CHARACTERS = 16


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def key_id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:KEY_ID_CHARACTERS]


@dataclass(frozen=True)
class Signer:
    """The desk's receipt key."""

    desk_id: str
    kid: str
    private: Ed25519PrivateKey

    @property
    def public_bytes(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def receipt(self, received: Received) -> dict[str, Any]:
        """The signed receipt of a message, as JSON types. The same message gives the same bytes, always."""
        content = content_of(received.text, list(received.file_hashes))
        body: dict[str, Any] = {
            "version": RECEIPT_VERSION,
            "desk": self.desk_id,
            "number": str(received.conversation),
            "conversation": received.conversation,
            "seq": received.seq,
            "message_hash": commitment(received.salt, content),
            "received_at": iso(received.at),
            "owner": received.owner,
            "due": iso(received.due),
            "key": self.kid,
        }
        signature = self.private.sign(canonical(body))
        return {**body, "salt": b64(received.salt), "signature": b64(signature)}


async def make_signing_key(tx: Tx, master: MasterKey, chance: Chance) -> str:
    """A new receipt key, its private half wrapped. Returns its kid."""
    private = Ed25519PrivateKey.from_private_bytes(chance.bytes(32))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    kid = key_id(public)
    await tx.execute(
        "INSERT INTO desk_keys (kid, purpose, public_key, wrapped_private_key) VALUES ($1, 'receipt', $2, $3)",
        kid,
        public,
        master.wrap(secret, f"receipt-key:{kid}"),
    )
    return kid


async def load_signer(tx: Tx, master: MasterKey) -> Signer:
    row = await tx.fetchrow(
        "SELECT kid, wrapped_private_key FROM desk_keys WHERE purpose = 'receipt' ORDER BY created_at DESC, kid LIMIT 1"
    )
    assert row is not None, "the key is made at first start"
    private = Ed25519PrivateKey.from_private_bytes(master.unwrap(row["wrapped_private_key"], f"receipt-key:{row['kid']}"))
    return Signer(await tx.fetchval("SELECT id FROM desk"), row["kid"], private)


async def public_keys(tx: Tx) -> dict[str, Any]:
    """What stands at /.well-known/yingda-receipt-key.json, and in the data folder for `receipt verify`."""
    rows = await tx.fetch("SELECT kid, public_key FROM desk_keys WHERE purpose = 'receipt' ORDER BY created_at DESC, kid")
    return {
        "desk": await tx.fetchval("SELECT id FROM desk"),
        "keys": [{"kid": r["kid"], "algorithm": "Ed25519", "public_key": b64(r["public_key"])} for r in rows],
    }


def verify(receipt: object, keys: dict[str, bytes]) -> str | None:
    """None when the receipt is valid, else the reason as a code. `keys`: raw public keys by kid. Never raises."""
    if not isinstance(receipt, dict) or any(name not in receipt for name in (*SIGNED, "signature")):
        return "not_a_receipt"
    if receipt["version"] != RECEIPT_VERSION:
        return "version_unknown"
    if not isinstance(receipt["key"], str) or receipt["key"] not in keys:
        return "key_unknown"
    if set(receipt) - {*SIGNED, "signature", "salt"}:
        return "fields_unknown"
    try:
        signature = unb64(receipt["signature"])
        if b64(signature) != receipt["signature"]:
            return "signature_wrong"  # decoding forgives; one signature has one spelling
        signed = canonical({name: receipt[name] for name in SIGNED})
        Ed25519PublicKey.from_public_bytes(keys[receipt["key"]]).verify(signature, signed)
    except InvalidSignature:
        return "signature_wrong"
    except (TypeError, ValueError, AttributeError, binascii.Error, RecursionError):
        return "not_a_receipt"
    return None


def parse_public_keys(data: object) -> dict[str, bytes]:
    """Keys by kid from the published file. Refused key_file_form when it is not one."""
    try:
        keys = {k["kid"]: unb64(k["public_key"]) for k in data["keys"]}  # type: ignore[index]
    except (TypeError, KeyError, ValueError, AttributeError, binascii.Error) as error:
        raise Refused("key_file_form", "--key") from error
    if any(len(k) != 32 for k in keys.values()):
        raise Refused("key_file_form", "--key")
    return keys
