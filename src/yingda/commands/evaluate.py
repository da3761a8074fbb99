"""`yingda evaluate`: how well a model does on rows that it has not seen."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from yingda.clock import SystemClock
from yingda.commands.out import DONE, print_json, refuse
from yingda.errors import Refused


def add(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser("evaluate", help="measure a trained model on rows it has not seen")
    parser.add_argument("file", metavar="FILE.csv", help="columns text and label (or category)")
    parser.add_argument("--model", metavar="MODEL", help="file that train wrote")
    parser.add_argument("--lang", metavar="LANG", help="zh-CN or en")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 for bad input."""
    try:
        result = _evaluate(args)
    except Refused as error:
        return refuse(args, error)
    if args.json:
        print_json(result)
    else:
        for name in ("rows", "accuracy", "macro_f1", "top3", "at_threshold", "milliseconds"):
            print(f"{name:14} {result[name]}")
    return DONE


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    # Here, because numpy and the encoders take a second and memory that no other command should pay for.
    from yingda.answers.examples import read_examples
    from yingda.answers.measuring import evaluate  # as above
    from yingda.answers.model import load  # as above

    if args.model is None:
        raise Refused("argument_missing", "--model")
    return evaluate(load(Path(args.model)), read_examples(Path(args.file)), SystemClock())
