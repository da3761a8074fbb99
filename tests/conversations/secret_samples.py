"""Secrets made at test time from a seed, in the disguises people and programs give them; nothing here was ever in use."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mnemonic import Mnemonic

from yingda.conversations.masking.checksums import BITCOIN_ALPHABET, XRP_ALPHABET

ALPHABETIC = ("english", "french", "spanish", "italian", "portuguese", "czech", "russian", "korean", "japanese", "turkish")


class Sample(NamedTuple):
    """`pieces` are the parts of the secret of which no `window` in a row may be readable after masking."""

    kind: str
    text: str
    pieces: list[str]
    window: int = 3


def base58(data: bytes, alphabet: str = BITCOIN_ALPHABET) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return alphabet[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def base58check(body: bytes, alphabet: str = BITCOIN_ALPHABET) -> str:
    return base58(body + sha256(sha256(body).digest()).digest()[:4], alphabet)


def full_width(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text)


def numbered(words: list[str]) -> str:
    return "\n".join(f"{place}. {word}" for place, word in enumerate(words, 1))


LAYOUTS: tuple[Callable[[list[str]], str], ...] = (
    " ".join,
    ", ".join,
    "，".join,
    "、".join,
    " / ".join,
    "\n".join,
    "_".join,
    "-> ".join,
    "\u3000".join,
    numbered,
    lambda words: "\r\n".join(f"{place}) {word.upper()}" for place, word in enumerate(words, 1)),
    lambda words: "\n".join(f"Word {place}: {word}" for place, word in enumerate(words, 1)),
    lambda words: "；".join(f"第{place}个：{word}" for place, word in enumerate(words, 1)),
    lambda words: full_width(" ".join(words)),
    lambda words: " ".join("\u200b".join(word) for word in words),
    lambda words: " ".join(word.title() for word in words),
    lambda words: "\n".join(" ".join(words[at : at + 4]) for at in range(0, len(words), 4)),
    lambda words: json.dumps(words, ensure_ascii=False),
)
CHATTER = (
    ("", ""),
    ("my wallet does not open, here: ", ""),
    ("Please restore it for me\n\n", "\n\nthank you very much"),
    ("我的钱包打不开了，帮我恢复：", "，谢谢！"),
    ("help!! ", " why is my balance zero?"),
)


def phrases(chance: random.Random) -> Iterator[Sample]:
    for turn in range(20 * len(LAYOUTS)):
        language = "english" if turn % 2 else ALPHABETIC[turn // 2 % len(ALPHABETIC)]
        words = (
            Mnemonic(language)
            .to_mnemonic(chance.randbytes(chance.choice((16, 20, 24, 28, 32))))
            .replace("\u3000", " ")
            .split(" ")
        )
        before, after = CHATTER[turn % len(CHATTER)]
        yield Sample("seed_phrase", before + LAYOUTS[turn % len(LAYOUTS)](words) + after, words)


def damaged_phrases(chance: random.Random) -> Iterator[Sample]:
    """Typing errors, a wrong checksum, four-letter forms, no spaces, a word too few."""
    for turn in range(100):
        words = Mnemonic("english").to_mnemonic(chance.randbytes(16)).split()
        match turn % 5:
            case 0:
                words[5] = words[5][:2] + "q" + words[5][2:]
            case 1:
                words[0], words[1] = words[1], words[0]
            case 2:
                words = [word[:4] for word in words]
            case 3:
                words = words[:11]
        yield Sample("seed_phrase", ("" if turn % 5 == 4 else " ").join(words), words)


def chinese_phrases(chance: random.Random) -> Iterator[Sample]:
    for turn in range(200):
        language = ("chinese_simplified", "chinese_traditional")[turn % 2]
        words = Mnemonic(language).to_mnemonic(chance.randbytes(chance.choice((16, 20, 24, 28, 32)))).split()
        text = "".join(words)
        match turn % 8:
            case 0:
                text = " ".join(words)
            case 1:
                text = numbered(words)
            case 2:
                text = "、".join(words)
            case 3:
                text = f"我的助记词是：{text}"
            case 4:
                text = f"助記詞 {text}，請幫我恢復"
            case 5:
                text = "\n".join(words)
            case 6:
                text = f"备份：\n{text}\n打不开"
            case _:
                text = " ".join("".join(words[at : at + 3]) for at in range(0, len(words), 3)) + "（助记词）"
        yield Sample("seed_phrase", text, words)


def keys(chance: random.Random) -> Iterator[Sample]:
    for turn in range(16 * 18):
        text, label = _key(chance, turn % 16)
        before, after = ((label, ""), (f"{label}\n", "\nhelp"), (f"打不开 {label} ", "，请看"))[turn % 3]
        yield Sample("private_key", f"{before}{text}{after}", [text[at : at + 8] for at in range(0, len(text) - 8, 8)], 1)


def _key(chance: random.Random, form: int) -> tuple[str, str]:
    key = chance.randbytes(32)
    signer = Ed25519PrivateKey.from_private_bytes(key)
    solana = key + signer.public_key().public_bytes_raw()
    extended = chance.randbytes(41) + b"\0" + key
    forms: list[Callable[[], tuple[str, str]]] = [
        lambda: (base58check(b"\x80" + key), ""),
        lambda: (base58check(b"\x80" + key + b"\1"), ""),
        lambda: (base58check(b"\xef" + key + b"\1"), ""),
        lambda: (base58check(b"\x04\x88\xad\xe4" + extended), ""),
        lambda: (base58check(b"\x04\xb2\x43\x0c" + extended), ""),
        lambda: (base58(solana), ""),
        lambda: (str(list(solana)), ""),
        lambda: (stellar_seed(key), ""),
        lambda: (base58check(b"\x21" + key[:16], XRP_ALPHABET), ""),
        lambda: (base58check(b"\x01\xe1\x4b" + key[:16], XRP_ALPHABET), ""),
        lambda: (_pem(key), ""),
        lambda: (json.dumps({"version": 3, "crypto": {"ciphertext": key.hex(), "kdf": "scrypt"}}), ""),
        lambda: ("0x" + key.hex(), "private key: "),
        lambda: (key.hex(), "我的私钥是"),
        lambda: (key.hex().upper(), "Privatekey="),
        lambda: ("\n".join(base58check(b"\x80" + key)[at : at + 17] for at in range(0, 51, 17)), ""),
    ]
    return forms[form]()


def stellar_seed(key: bytes) -> str:
    from base64 import b32encode  # beside its only use: no other sample is base32

    body, crc = b"\x90" + key, 0
    for byte in body:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return b32encode(body + crc.to_bytes(2, "little")).decode()


def _pem(key: bytes) -> str:
    pair = ec.derive_private_key(int.from_bytes(key, "big") >> 1 or 1, ec.SECP256K1())
    return pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def card_number(chance: random.Random, prefix: str, length: int) -> str:
    body = prefix + "".join(chance.choice("0123456789") for _ in range(length - len(prefix) - 2)) + chance.choice("123456789")
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


NETWORKS = (
    ("4", 16),
    ("53", 16),
    ("2300", 16),
    ("37", 15),
    ("62", 16),
    ("62", 19),
    ("6011", 16),
    ("3530", 16),
    ("36", 14),
    ("4", 19),
)


def cards(chance: random.Random) -> Iterator[Sample]:
    for turn in range(150):
        number = card_number(chance, *NETWORKS[turn % len(NETWORKS)])
        fours = [number[at : at + 4] for at in range(0, len(number), 4)]
        layouts = (
            number,
            " ".join(fours),
            "-".join(fours),
            full_width(" ".join(fours)),
            ".".join(fours),
            " ".join(number),
            "\u200b".join(number),
        )
        before, after = (("", ""), ("my card ", " was charged twice"), ("卡号", "被扣了两次"), ("(", ")"))[turn % 4]
        yield Sample(
            "card", before + layouts[turn % len(layouts)] + after, [number[at : at + 5] for at in range(0, len(number) - 8, 5)], 1
        )


CODES = (
    "验证码 {}",
    "验证码：{}，过期了",
    "驗證碼是{}",
    "动态码为{}",
    "my OTP is {}",
    "OTP: {}",
    "verification code is {}.",
    "{} is my verification code",
    "【{}】是您的验证码",
    "The code is {}",
    "the 2FA code = {}",
    "短信验证码【{}】",
    "我的OTP是{}",
)
PASSWORDS = (
    "密码：{}",
    "密码是{}",
    "密碼 {}",
    "password is {}",
    "my password: {}",
    "pwd={}",
    'Password: "{}"',
    "口令：{}",
    "我的password是{}",
)


def told(chance: random.Random) -> Iterator[Sample]:
    for turn in range(104):
        code = "".join(chance.choice("123456789") for _ in range(6))
        yield Sample("one_time_code", CODES[turn % len(CODES)].format(code), [code], 1)
    for turn in range(72):
        word = (
            chance.choice(("Hunter", "xiaoming", "Qwerty", "wallet"))
            + str(chance.randrange(10, 9999))
            + chance.choice(("", "!", "@a", "#"))
        )
        yield Sample("password", PASSWORDS[turn % len(PASSWORDS)].format(word), [word[:6]], 1)


def every_sample(seed: int = 7) -> list[Sample]:
    chance = random.Random(seed)
    return [sample for make in (phrases, damaged_phrases, chinese_phrases, keys, cards, told) for sample in make(chance)]
