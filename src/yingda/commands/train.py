"""`yingda train`: a model from a file of labelled messages."""

from __future__ import annotations

import argparse
from pathlib import Path

from yingda.clock import SystemClock
from yingda.commands.out import DONE, print_json, refuse
from yingda.errors import Refused


def add(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser("train", help="train the answering engine on your own history")
    parser.add_argument("file", metavar="FILE.csv", help="columns text and label (or category); label oos: out of scope")
    parser.add_argument("--validation", metavar="FILE.csv", help="rows on which the thresholds are set")
    parser.add_argument("--engine", choices=("default", "full"), default="default", help="full: more encoders, slower")
    parser.add_argument("--target-precision", metavar="P", help="share of right answers aimed at (default 0.98)")
    parser.add_argument("--out", metavar="MODEL", help="file to write the model to")
    parser.add_argument("--lang", metavar="LANG", help="zh-CN or en")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 for bad input."""
    try:
        result = _train(args)
    except Refused as error:
        return refuse(args, error)
    if args.json:
        print_json(result)
    else:
        for name, value in result.items():
            print(f"{name:12} {value}")
    return DONE


def _train(args: argparse.Namespace) -> dict[str, object]:
    # Here, because numpy and the encoders take a second and memory that no other command should pay for.
    from yingda.answers.examples import read_examples
    from yingda.answers.training import train  # as above

    if args.out is None:
        raise Refused("argument_missing", "--out")
    target, clock = _target(args.target_precision), SystemClock()
    began = clock.monotonic()
    examples = read_examples(Path(args.file))
    validation = read_examples(Path(args.validation)) if args.validation else []
    _writable(Path(args.out))
    model = train(examples, args.engine, target, validation)
    model.save(Path(args.out))
    return {
        "rows": len(examples),
        "labels": len(model.labels),
        "seconds": round(clock.monotonic() - began, 3),
        "threshold": round(model.threshold, 6),
        "engine": args.engine,
    }


def _target(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Refused("number_wrong", "--target-precision") from None
    if not 0 < value < 1:
        raise Refused("number_wrong", "--target-precision")
    return value


def _writable(path: Path) -> None:
    """Before minutes of training, not after."""
    if not path.parent.is_dir() or path.is_dir():
        raise Refused("file_unwritable", str(path))
