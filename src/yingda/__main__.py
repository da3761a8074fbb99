"""The commands. `yingda COMMAND --help` tells each; docs/commands.md states their contracts."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from yingda import __version__
from yingda.commands import agent, ask, check, due, evaluate, import_, key, out, receipt, replay, search, serve, simulate, train
from yingda.errors import Permanent, Refused, Temporary

COMMANDS = (serve, agent, key, check, replay, receipt, due, simulate, search, import_, train, evaluate, ask)


def build_parser() -> argparse.ArgumentParser:
    parser = out.Parser(prog="yingda", description="Yingda (应答): a support desk on which no customer goes unanswered.")
    parser.add_argument("--version", action="version", version=f"yingda {__version__}")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(parsers)
    return parser


def main() -> None:
    """Exit 0 done; 1 done, and something is wrong; 2 bad input."""
    args = build_parser().parse_args()
    try:
        result: int | Coroutine[Any, Any, int] = args.run(args)
        sys.exit(_awaited(result) if isinstance(result, Coroutine) else result)
    except (Refused, Temporary, Permanent) as error:
        sys.exit(out.refuse(args, error))
    except KeyboardInterrupt:
        sys.exit(130)


def _new_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # it does not exist on Windows
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _awaited(work: Coroutine[Any, Any, int]) -> int:
    """On uvloop where it exists."""
    with asyncio.Runner(loop_factory=_new_loop()) as runner:
        return runner.run(work)


if __name__ == "__main__":
    main()
