"""The master key: outside the database, so that a stolen dump opens nothing that is wrapped.

It stands in `<data>/master.key` (0600, made on first start) or in YINGDA_MASTER_KEY (base64url of 32 bytes), which every
process of one desk must share. AES-256-GCM with the purpose as associated data: a value wrapped for one purpose does not
open for another.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yingda.chance import Chance
from yingda.errors import Permanent, Refused

KEY_BYTES = 32
NONCE_BYTES = 12


class MasterKey:
    def __init__(self, key: bytes, chance: Chance) -> None:
        assert len(key) == KEY_BYTES
        self._cipher, self._chance = AESGCM(key), chance

    def wrap(self, plain: bytes, purpose: str) -> bytes:
        nonce = self._chance.bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, purpose.encode())

    def unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise Permanent("master_key_wrong", detail=purpose) from error


def load_master_key(data: Path, given: str | None, chance: Chance) -> MasterKey:
    """`given` (YINGDA_MASTER_KEY) wins; else the file in `data`, made once, readable by its owner only."""
    if given:
        try:
            key = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        except (binascii.Error, ValueError) as error:
            raise Refused("master_key_form", "YINGDA_MASTER_KEY") from error
        if len(key) != KEY_BYTES:
            raise Refused("master_key_form", "YINGDA_MASTER_KEY")
        return MasterKey(key, chance)
    path = data / "master.key"
    data.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make(path, chance)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Refused("master_key_form", str(path))
    return MasterKey(key, chance)


def _make(path: Path, chance: Chance) -> None:
    """Whole or not at all, durable, and never in place of a key that is there: of processes starting at once one wins."""
    new = path.with_name(f"master.{chance.token(6)}.new")  # a name of its own: one left over from a kill is in nobody's way
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(chance.bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        new.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # what is wrapped by the key outlives a power cut, so its name must too
    finally:
        os.close(folder)
