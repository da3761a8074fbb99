"""`yingda receipt verify`: is this receipt ours, and unchanged? Needs no database and no network, only the public key."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from yingda.commands import out
from yingda.config import settings
from yingda.errors import Refused
from yingda.trust.receipt import parse_public_keys, verify

RECEIPT_BYTES_MAX = 256 * 1024


def add(parsers: Any) -> None:
    parser = parsers.add_parser("receipt", help="verify receipts", description="Verify receipts.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verifier = actions.add_parser("verify", help="verify one receipt", description="Verify one receipt, without a database.")
    verifier.add_argument("file", metavar="FILE", help="the receipt, or an answer of the chat API that holds one")
    verifier.add_argument("--key", metavar="FILE", help="the desk's published keys (default DIR/receipt-key.json)")
    verifier.add_argument("--data", metavar="DIR", help="folder of the desk (default ./data)")
    verifier.add_argument("--lang", metavar="LANG", help="zh-CN or en")
    verifier.add_argument("--json", action="store_true", help="one JSON object on standard output")
    verifier.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    receipt = _json_file(Path(args.file))
    if isinstance(receipt, dict) and isinstance(receipt.get("receipt"), dict):
        receipt = receipt["receipt"]
    reason = verify(receipt, _keys(args))
    # Of a receipt that is not valid a field may be anything, even what JSON cannot hold.
    shown = {k: v for k, v in receipt.items() if isinstance(v, str)} if isinstance(receipt, dict) else {}
    result = {
        "valid": reason is None,
        **{name: shown.get(name) for name in ("number", "owner", "due", "message_hash", "received_at", "desk")},
        "reason": reason,
    }
    if args.json:
        out.print_json(result)
    else:
        print("valid" if reason is None else f"NOT valid: {reason}")
    return out.DONE if reason is None else out.WRONG


def _keys(args: argparse.Namespace) -> dict[str, bytes]:
    """The keys we trust. A key inside a receipt is never one of them: whoever forges a receipt can add a key too."""
    if args.key:
        return parse_public_keys(_json_file(Path(args.key)))
    published = settings(vars(args)).data / "receipt-key.json"
    return parse_public_keys(_json_file(published)) if published.exists() else {}


def _json_file(path: Path) -> Any:
    """Refused file_unreadable, file_not_json."""
    try:
        if path.stat().st_size > RECEIPT_BYTES_MAX:
            raise Refused("file_not_json", str(path))
        return json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise Refused("file_unreadable", str(path)) from error
    except (ValueError, RecursionError) as error:
        raise Refused("file_not_json", str(path)) from error
