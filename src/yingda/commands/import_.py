"""`yingda import`: bring a help centre along: its pages, links and images, and a report of what needs a person."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from yingda.commands.out import DONE, WRONG, print_json, refuse
from yingda.errors import Refused
from yingda.knowledge.importing import export_folder, import_folder


def add(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = parsers.add_parser("import", help="bring a folder of Markdown along, and say what needs a person")
    parser.add_argument("folder", metavar="FOLDER", help="the pages of your help centre")
    parser.add_argument("--out", metavar="DIR", help="write what was understood here; without it, only the report is made")
    parser.add_argument("--lang", choices=("zh-CN", "en"), help="language of messages")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0; 1 when something needs a person; 2 for bad input."""
    try:
        imported = import_folder(Path(args.folder))
        if args.out is not None:
            export_folder(imported, Path(args.out))
    except Refused as error:
        return refuse(args, error)
    findings = [{"code": f.code, "where": f.where, "what": f.what} for f in imported.findings]
    counts = dict(sorted(Counter(f.code for f in imported.findings).items()))
    if args.json:
        print_json({"pages": len(imported.pages), "files": len(imported.files), "counts": counts, "findings": findings})
    else:
        print(f"{'pages':<20}{len(imported.pages)}\n{'files':<20}{len(imported.files)}")
        for finding in imported.findings:
            print(f"{finding.code:<20}{finding.where}  {finding.what}")
    return WRONG if findings else DONE
