"""Private keys in the forms wallets show them.

Whatever carries a proof of itself is masked wherever it stands: WIF and BIP-38 (base58check), extended private keys
(base58check, BIP-32: the key begins with 0x00), Stellar seeds (strkey 0x90), XRP family seeds, 64-byte Solana keys
(whose second half is the Ed25519 public key of the first; a transaction signature has the same length and does not
pass), PEM blocks and key files.

**64 hexadecimal digits prove nothing**: a private key, a transaction hash of Ethereum (with 0x) and of Bitcoin or TRON (without)
look the same, and customers paste hashes every day, which diagnosis needs. So hexadecimal is masked only when the text
speaks of a key: the last mention within 80 characters before it decides (`private key`, 私钥 … against `tx`, `hash`,
交易, `public key` …, where the latter must stand within 40), and without any, a mention of a key right behind it. A bare
0x key without a word is let through; the widget and the agents' view cannot tell it from a hash either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yingda.conversations.masking.checksums import XRP_ALPHABET, base58, base58check, strkey
from yingda.conversations.masking.folding import Folded, Span

_TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{29,112}(?![0-9A-Za-z])")
_PIECE = re.compile(r"[0-9A-Za-z]{3,112}")
_PIECE_GAP = re.compile(r"[\s\-/|]{1,3}")
_FIRST_OF_BROKEN = frozenset("5KLc9xyztTs6S")
_LENGTHS = frozenset((29, 31, 51, 52, 56, 58, 86, 87, 88, 111))
_BROKEN_TRIES_MAX = 400
_HEX = re.compile(
    r"(?<![0-9a-z])(?:0x)?(?:[0-9a-f]{128}|[0-9a-f]{64}|[0-9a-f]{2,32}(?:[\s:-]{1,2}[0-9a-f]{2,32}){1,63})(?![0-9a-z])"
)
_HEX_DIGITS = (64, 128)
_NUMBERS = re.compile(r"\[\s{0,4}[0-9]{1,3}(?:\s{0,4},\s{0,4}[0-9]{1,3}){31,63}\s{0,4}\]")
_PEM_BEGIN = re.compile(r"-----begin [a-z0-9 ]{0,40}private key(?: block)?-----")
_PEM_END = re.compile(r"-----end [a-z0-9 ]{0,40}-----")
_KEY_WORD = (
    r"(?:private|priv|secret|signing|wallet|master|spend)[\s_-]{0,2}key|privkey|keypair|secret|\bseed\b|\bpk\b|\bsk\b|\bkey\b"
    "|[私密秘金][钥鑰匙]|[种種]子"
)
_OTHER_WORD = (
    r"public[\s_-]{0,2}key|pubkey|\btx|txn|hash|transaction|transfer|order|block|address|contract|signature"
    "|交易|哈希|哈西|[订訂][单單]|[单單][号號]|[区區][块塊]|公[钥鑰]|地址|合[约約]|[签簽]名|[转轉][账賬帳]"
)
_MENTION = re.compile(f"(?P<other>{_OTHER_WORD})|(?P<key>{_KEY_WORD})", re.ASCII)
_BEFORE_CHARACTERS, _OTHER_CHARACTERS, _AFTER_CHARACTERS = 80, 40, 24
_CLAUSE_END = re.compile(r"[.,;!?\n。，；！？]")


def spans(folded: Folded) -> Iterator[Span]:
    plain, lower = folded.plain, folded.lower
    if "private key" in lower:
        yield from _pem_blocks(lower)
    if "ciphertext" in lower and "kdf" in lower:
        yield from _key_files(lower)
    for match in _TOKEN.finditer(plain):
        if is_key(match[0]):
            yield Span(match.start(), match.end(), "private_key")
    yield from _broken(plain)
    for match in _HEX.finditer(lower):
        digits = sum(character in "0123456789abcdef" for character in match[0].removeprefix("0x"))
        if digits in _HEX_DIGITS and _speaks_of_key(lower, match.start(), match.end()):
            yield Span(match.start(), match.end(), "private_key")
    if "[" in lower:
        yield from _numbers(lower)


def is_key(token: str) -> bool:
    """Whether `token` proves itself to be a private key."""
    length = len(token)
    if length not in _LENGTHS:
        return False
    if length in (29, 31):  # XRP: 16 bytes of seed, version 0x21 (secp256k1) or 0x01E14B (Ed25519)
        seed = base58check(token, XRP_ALPHABET) if token[0] == "s" else b""
        return (len(seed) == 17 and seed[0] == 0x21) or (len(seed) == 19 and seed[:3] == b"\x01\xe1\x4b")
    if length == 56:
        return token[0] == "S" and strkey(token)[:1] == b"\x90"
    if length in (86, 87, 88):
        return _is_solana_key(base58(token))
    body = base58check(token)
    if length == 111:  # BIP-32: 4 version, 1 depth, 4 parent, 4 child, 32 chain code, then 0x00 and the key
        return len(body) == 78 and body[45] == 0
    if length == 58:  # BIP-38, encrypted with a passphrase that may be weak
        return len(body) == 39 and body[:2] in (b"\x01\x42", b"\x01\x43")
    # WIF of any coin: one version byte, 32 bytes of key, and 0x01 when the public key is compressed.
    return len(body) == 33 or (len(body) == 34 and body[-1] == 1)


def _is_solana_key(data: bytes) -> bool:
    if len(data) != 64:
        return False
    return Ed25519PrivateKey.from_private_bytes(data[:32]).public_key().public_bytes_raw() == data[32:]


# Of 29 characters of base58 or more, four are capitals or digits but once in a hundred million keys; most sentences have fewer.
_MIXED = re.compile("(?:[A-Z0-9][^A-Z0-9]*){4}")


def _broken(plain: str) -> Iterator[Span]:
    """Keys broken by line ends, spaces or hyphens: pieces that together have the length and the proof of a key."""
    if not _MIXED.search(plain):
        return
    pieces, tries = list(_PIECE.finditer(plain)), 0
    for first, piece in enumerate(pieces):
        text, last = piece[0], first
        if text[0] not in _FIRST_OF_BROKEN or (text.isalpha() and text.islower()):
            continue
        while last + 1 < len(pieces) and len(text) < max(_LENGTHS):
            last += 1
            if not _PIECE_GAP.fullmatch(plain, pieces[last - 1].end(), pieces[last].start()):
                break
            text += pieces[last][0]
            if len(text) in _LENGTHS:
                tries += 1
                if is_key(text):
                    yield Span(piece.start(), pieces[last].end(), "private_key")
        if tries > _BROKEN_TRIES_MAX:
            return


def _pem_blocks(lower: str) -> Iterator[Span]:
    """Each block to its end line; one that is cut off counts to the end of the text."""
    begin = _PEM_BEGIN.search(lower)
    while begin is not None:
        end = _PEM_END.search(lower, begin.end())
        stop = end.end() if end else len(lower)
        yield Span(begin.start(), stop, "private_key")
        begin = _PEM_BEGIN.search(lower, stop)


def _key_files(lower: str) -> Iterator[Span]:
    """JSON objects that hold an encrypted key; one that is cut off counts to the end of the text."""
    depth, start = 0, 0
    for brace in re.finditer("[{}]", lower):
        if brace[0] == "{":
            start = brace.start() if depth == 0 else start
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                yield from _key_file(lower, start, brace.end())
    if depth:
        yield from _key_file(lower, start, len(lower))


def _key_file(lower: str, start: int, end: int) -> Iterator[Span]:
    if lower.find("ciphertext", start, end) >= 0 and lower.find("kdf", start, end) >= 0:
        yield Span(start, end, "private_key")


def _numbers(lower: str) -> Iterator[Span]:
    """A key as a list of bytes: 64 as Solana's tools write it, 32 where a key is spoken of."""
    for match in _NUMBERS.finditer(lower):
        values = [int(value) for value in match[0].strip("[] \t\r\n").split(",")]
        whole = len(values) == 64 or (len(values) == 32 and _speaks_of_key(lower, match.start(), match.end()))
        if whole and max(values) < 256:
            yield Span(match.start(), match.end(), "private_key")


def _speaks_of_key(lower: str, start: int, end: int) -> bool:
    before = list(_MENTION.finditer(lower, max(0, start - _BEFORE_CHARACTERS), start))
    for mention in reversed(before):
        if mention["key"]:
            return True
        if start - mention.end() <= _OTHER_CHARACTERS:
            return False
    behind = _CLAUSE_END.split(lower[end : end + _AFTER_CHARACTERS], maxsplit=1)[0]
    mention_behind = _MENTION.search(behind)
    return mention_behind is not None and mention_behind["key"] is not None
