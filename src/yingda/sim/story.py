"""The story of a violation, for a person: the last steps of the simulation and the last events of the conversation."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta

from yingda.db.desk import Tx
from yingda.db.event import EPOCH
from yingda.sim.violation import Violation

EVENTS_TOLD = 30
STEPS_TOLD = 25
LAST = """
SELECT seq, shown_seq, at, kind, body FROM events WHERE conversation_id = $1 ORDER BY seq DESC LIMIT $2
"""


async def story(tx: Tx, journal: Iterable[tuple[int, int, str]], violation: Violation) -> tuple[str, ...]:
    """Lines to print. Events hold no words, so neither does this."""
    steps = [f"  step {step} at {told(micros)}: {what}" for step, micros, what in list(journal)[-STEPS_TOLD:]]
    lines = [str(violation), "The last steps:", *steps]
    if violation.conversation is not None:
        rows = await tx.fetch(LAST, violation.conversation, EVENTS_TOLD)
        lines.append(f"The last events of conversation {violation.conversation}:")
        for row in reversed(rows):
            body = json.loads(row["body"])
            data = " ".join(f"{key}={value}" for key, value in body["data"].items() if key != "content")
            lines.append(
                f"  {row['seq']} (shown {row['shown_seq']}) at {row['at'].isoformat()}: {row['kind']} by {body['actor']} {data}"
            )
    return tuple(lines)


def told(micros: int) -> str:
    return (EPOCH + timedelta(microseconds=micros)).isoformat()
