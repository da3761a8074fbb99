"""Whether the message is a wish for a person: plain words of it, besides the topic that the model learnt from examples."""

from __future__ import annotations

import re

from yingda.answers.text import fold

SOMEONE = (
    "(?:human|person|agent|representative|operator|someone|somebody|manager|supervisor|adviser|advisor|staff|colleague"
    + "|customer service)"
)
PLAIN = re.compile(
    r"\b(?:(?:real|live|actual) (?:person|human|agent|people)|human being"
    r"|(?:speak|talk|chat|connect|transfer|put|pass)(?: me)?(?: on| over| through)? (?:to|with) "
    r"(?:a |an |the |your |some )?(?:real |live )?"
    rf"{SOMEONE}|(?:want|need|get me|give me) (?:a |an |to speak to a |some )?(?:real |live )?{SOMEONE}"
    r"|(?:not|no|no more|stop|hate|without|don't want)(?: (?:to )?talk(?:ing)? to)?(?: a| the| this| your)? "
    r"(?:bot|robot|chatbot|machine)s?)\b"
    r"|转人工|人工(?:客服|服务|坐席)|(?:要|找|接|换|有)人工|真人|活人|(?:不要|别用|不想跟)机器人|[找叫](?:你们)?(?:经理|主管|领导)"
)


def wants_person(text: str) -> bool:
    return bool(PLAIN.search(fold(text)))
