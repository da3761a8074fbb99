"""The encodings that carry a proof of themselves: base58check, Stellar's strkey, Luhn, IBAN."""

from __future__ import annotations

from base64 import b32decode
from hashlib import sha256

BITCOIN_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
XRP_ALPHABET = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_VALUES = {
    alphabet: {character: value for value, character in enumerate(alphabet)} for alphabet in (BITCOIN_ALPHABET, XRP_ALPHABET)
}


def base58(text: str, alphabet: str = BITCOIN_ALPHABET) -> bytes:
    """The bytes `text` stands for; empty when it holds a character outside the alphabet."""
    values, number = _VALUES[alphabet], 0
    for character in text:
        value = values.get(character)
        if value is None:
            return b""
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58check(text: str, alphabet: str = BITCOIN_ALPHABET) -> bytes:
    """Version and payload when the four checksum bytes (double SHA-256) are right, otherwise empty."""
    data = base58(text, alphabet)
    body, checksum = data[:-4], data[-4:]
    return body if body and sha256(sha256(body).digest()).digest()[:4] == checksum else b""


def strkey(text: str) -> bytes:
    """Version and payload of 56 base32 characters whose CRC-16 (XModem, little-endian) is right, otherwise empty."""
    try:
        data = b32decode(text)
    except ValueError:
        return b""
    return data[:-2] if _crc16(data[:-2]).to_bytes(2, "little") == data[-2:] else b""


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


# By the code of an ASCII digit: its value, and the digit sum of its double.
_SINGLE = bytes(max(0, code - 48) if code < 58 else 0 for code in range(256))
_DOUBLED = bytes(value * 2 - 9 * (value > 4) for value in _SINGLE)


def luhn(digits: str) -> bool:
    """Whether ASCII `digits` end in their check digit (ISO/IEC 7812-1)."""
    codes = digits.encode("ascii")
    return (sum(codes[-1::-2].translate(_SINGLE)) + sum(codes[-2::-2].translate(_DOUBLED))) % 10 == 0


def iban(text: str) -> bool:
    """Whether `text` (upper case, no spaces) is an IBAN by ISO 7064 mod 97-10."""
    return 15 <= len(text) <= 34 and int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1
