"""Measure the answering engine on files of your own: train on one, test on another.

    python -m benchmarks.answers TRAIN.csv [TEST.csv] [--engine default|full] [--target-precision 0.985] [--examples 10 --seeds 5]

Without TEST.csv every fifth row of each label is held back. With `--examples N` only N rows of each label are learnt from, and
the mean of the seeds is given. Prints JSON: accuracy, what stands at the threshold, seconds of training, milliseconds and memory.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import psutil

from yingda.answers.examples import Example, read_examples
from yingda.answers.measuring import evaluate
from yingda.answers.training import train
from yingda.clock import SystemClock

MEGABYTE = 1e6


def by_label(examples: list[Example]) -> dict[str, list[Example]]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.label].append(example)
    return groups


def split(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    kept: list[Example] = []
    held: list[Example] = []
    for group in by_label(examples).values():
        shuffled = random.Random(0).sample(group, len(group))
        held += shuffled[::5] if len(group) > 1 else []
        kept += [example for i, example in enumerate(shuffled) if i % 5 or len(group) == 1]
    return kept, held


def drawn(examples: list[Example], count: int, seed: int) -> list[Example]:
    source = random.Random(seed)
    return [
        example for _, group in sorted(by_label(examples).items()) for example in source.sample(group, min(count, len(group)))
    ]


def measure(learnt: list[Example], test: list[Example], args: argparse.Namespace) -> dict[str, Any]:
    clock = SystemClock()
    began = clock.monotonic()
    model = train(learnt, args.engine, args.target_precision)
    seconds = round(clock.monotonic() - began, 1)
    result = evaluate(model, test, clock)
    kept = {key: result[key] for key in ("rows", "accuracy", "macro_f1", "top3", "at_threshold", "coverage_at", "milliseconds")}
    return {"learnt": len(learnt), "seconds": seconds, **kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test", nargs="?")
    parser.add_argument("--engine", choices=("default", "full"), default="default")
    parser.add_argument("--target-precision", type=float)
    parser.add_argument("--examples", type=int)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    learnt = read_examples(Path(args.train))
    learnt, test = (learnt, read_examples(Path(args.test))) if args.test else split(learnt)
    if args.examples:
        runs = [measure(drawn(learnt, args.examples, seed), test, args) for seed in range(args.seeds)]
        result: dict[str, Any] = {"mean_accuracy": round(mean(run["accuracy"] for run in runs), 4), "runs": runs}
    else:
        result = measure(learnt, test, args)
    result["megabytes"] = round(psutil.Process().memory_info().rss / MEGABYTE)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
