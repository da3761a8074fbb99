"""`yingda ask`: what the bot would do about a message."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yingda.clock import SystemClock
from yingda.commands.out import DONE, print_json, refuse
from yingda.config import settings
from yingda.errors import Refused

if TYPE_CHECKING:
    from yingda.answers.bot import Bot

MODELS = "models"


def add(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = parsers.add_parser("ask", help="see what the bot would do about a message")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the message")
    parser.add_argument("--file", metavar="FILE.csv", help="instead of TEXT: a CSV with a column named text")
    parser.add_argument("--articles", metavar="DIR", help="folder of articles (default: those that come with Yingda)")
    parser.add_argument("--model", metavar="MODEL", help="file that train wrote (default: trained on the articles and kept)")
    parser.add_argument("--data", metavar="DIR", help="folder of the desk (default ./data)")
    parser.add_argument("--lang", metavar="LANG", help="zh-CN or en")
    parser.add_argument("--json", action="store_true", help="print one JSON object a message")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 2 for bad input."""
    try:
        texts = _texts(args)
        bot = _bot(args)
    except Refused as error:
        return refuse(args, error)
    clock = SystemClock()
    for text in texts:
        began = clock.monotonic()
        told = _told(bot, text)
        told["milliseconds"] = round((clock.monotonic() - began) * 1000, 3)
        if args.json:
            print_json(told)
        else:
            print(f"{told['decision']:<10} {told['confidence']:.2f}  {told['article'] or ', '.join(told['choices']) or '-'}")
            print(*filter(None, [told["answer"]]), sep="\n")
    return DONE


def _texts(args: argparse.Namespace) -> list[str]:
    # Here, because the answers' folder loads numpy, which takes time that no other command should pay for.
    from yingda.answers.examples import read_texts

    if (args.text is None) == (args.file is None):
        raise Refused("argument_missing", "TEXT, --file")
    return [args.text] if args.file is None else read_texts(Path(args.file))


def _bot(args: argparse.Namespace) -> Bot:
    # Here, because numpy and the encoders take a second and memory that no other command should pay for.
    from yingda.answers.bot import Bot
    from yingda.answers.first_model import first_model  # as above
    from yingda.answers.model import load  # as above
    from yingda.knowledge.articles import packaged, read_folder  # as above

    articles = read_folder(Path(args.articles)) if args.articles is not None else packaged()
    if args.model is not None:
        return Bot(articles, load(Path(args.model)))
    bot = Bot(articles, first_model(articles, settings({"data": args.data}).data / MODELS))
    bot.understand("warm")
    return bot


def _told(bot: Bot, text: str) -> dict[str, Any]:
    understood = bot.understand(text)
    return {
        "language": understood.language,
        "topic": understood.topic,
        "confidence": round(understood.confidence, 6),
        "decision": understood.decision,
        "article": understood.article,
        "answer": understood.answer,
        "choices": list(understood.choices),
        "urgent": understood.urgent,
        "matters": list(understood.matters),
    }
