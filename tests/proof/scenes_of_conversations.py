"""The doors of a conversation, each as its sender uses it."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.house import Stage
from tests.open_desk import let_pass
from tests.proof.scene import Made, Scene

from yingda.channels.chat.parse import inbound_of, message_of
from yingda.conversations.assign import hand_back, take
from yingda.conversations.close import close
from yingda.conversations.evidence import acknowledge, offer, withhold
from yingda.conversations.files import FileRef, keep_file, open_file, own_loose_files
from yingda.conversations.promise import move_on
from yingda.conversations.reply import reply

HEART = "yingda.conversations."
RECEIVE = (f"{HEART}receive.Reception.receive", f"{HEART}fold.Fold.receive")
SEED = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def yes(*message_ids: str) -> Any:
    return lambda made: [("wallet:lin", message_id) for message_id in message_ids]


async def written(s: Stage) -> Made:
    received = await s.write(s.cast.lin, "钱呢", "m0")
    return {"number": received.conversation, "seen": received.latest_shown_seq, "seq": received.seq}


async def taken(s: Stage) -> Made:
    made = await written(s)
    await s.desk.transaction(lambda tx: take(tx, s.cast.guyu, made["number"]))
    return made


async def replied(s: Stage) -> Made:
    made = await written(s)
    sent = await s.answer(s.cast.guyu, made["number"], "在查", key="k0")
    return {**made, "reply": sent.seq, "shown": sent.shown_seq}


async def answered(s: Stage) -> Made:
    made = await replied(s)
    await s.see(s.cast.lin, made["number"], made["shown"])
    return made


async def write(s: Stage, made: Made) -> None:
    await s.write(s.cast.lin, "我转的钱还没到", "m1")


async def write_folded(s: Stage, made: Made) -> None:
    """Two lanes take the first two; the other three, one of them without a conversation, are folded into one statement."""
    writers = [s.write(s.cast.lin, "钱还没到", f"f{i}") for i in range(4)]
    await asyncio.gather(*writers, s.write(s.cast.maya, "hello", "f4"))


def five(made: Made) -> list[tuple[str, str]]:
    return [*yes("m0", "f0", "f1", "f2", "f3")(made), ("wallet:maya", "f4")]


async def write_secret(s: Stage, made: Made) -> None:
    message = message_of(b'{"message_id": "m1", "text": "my phrase is ' + SEED.encode() + b'"}')
    received = await s.house.reception.receive(inbound_of(s.cast.lin, message, ()))
    assert received.masked and "winner" not in received.text


async def uploaded(s: Stage) -> Made:
    ref = await s.desk.transaction(lambda tx: keep_file(tx, s.cast.lin, "receipt.png", PNG))
    return {"file": ref.id}


async def write_with_file(s: Stage, made: Made) -> None:
    """As the chat's page does it: the repeat finds its file already taken by the message."""
    refs: tuple[FileRef, ...] = await s.desk.read(lambda tx: own_loose_files(tx, s.cast.lin, [made["file"]]))
    await s.write(s.cast.lin, "收据", "m1", files=refs)


async def file_is_whole(s: Stage, made: Made, ref: FileRef) -> None:
    row = await s.desk.read(lambda tx: open_file(tx, s.cast.lin, ref.id))
    assert (row["name"], row["data"]) == ("receipt.png", PNG)


async def upload(s: Stage, made: Made) -> FileRef:
    return await s.desk.transaction(lambda tx: keep_file(tx, s.cast.lin, "receipt.png", PNG))


async def answer(s: Stage, made: Made) -> None:
    await s.desk.transaction(
        lambda tx: reply(tx, s.cast.guyu, made["number"], text="在查", seen_through=made["seq"] + 2, key="k1")
    )


async def answer_under_another_key(s: Stage, made: Made) -> None:
    """What a page would do that makes its key when it sends, and not when it is opened."""
    key = s.desk.chance.token(6)
    await s.desk.transaction(
        lambda tx: reply(tx, s.cast.guyu, made["number"], text="在查", seen_through=made["seq"] + 2, key=key)
    )


async def take_it(s: Stage, made: Made) -> None:
    await s.desk.transaction(lambda tx: take(tx, s.cast.guyu, made["number"]))


async def give_back(s: Stage, made: Made) -> None:
    await s.desk.transaction(lambda tx: hand_back(tx, s.cast.guyu, made["number"]))


def close_as(reason: str) -> Any:
    async def act(s: Stage, made: Made) -> None:
        policy = await s.house.policies.present()
        await s.desk.transaction(
            lambda tx: close(tx, policy, s.cast.guyu, made["number"], reason=reason, seen_through=made["seq"])
        )

    return act


async def show(s: Stage, made: Made) -> None:
    policy = await s.house.policies.present()
    await s.desk.transaction(lambda tx: acknowledge(tx, policy, s.cast.lin, made["number"], made.get("shown", made["seen"])))


async def offer_it(s: Stage, made: Made) -> None:
    policy = await s.house.policies.present()
    await s.desk.transaction(lambda tx: offer(tx, policy, made["number"], made["reply"]))


async def crossed(s: Stage) -> Made:
    """A reply is on its way, and a message that it does not cover has come meanwhile."""
    made = await replied(s)
    await s.write(s.cast.lin, "又扣了一次", "m2")
    return made


async def late(s: Stage) -> Made:
    made = await taken(s)
    await let_pass(s.desk, 3600)
    return made


async def pass_on(s: Stage, made: Made) -> None:
    policy = await s.house.policies.present()
    await s.desk.transaction(lambda tx: move_on(tx, policy, made["number"]))


async def keep_inside(s: Stage, made: Made) -> None:
    await s.desk.transaction(lambda tx: withhold(tx, made["number"], "not_collected", 0.0))


SCENES = [
    Scene("receive, new customer", RECEIVE, write, ledger=yes("m1")),
    Scene("receive, second message", RECEIVE, write, written, ledger=yes("m0", "m1")),
    Scene("receive, after a close", RECEIVE, write, lambda s: closed(s), ledger=yes("m0", "m1")),
    Scene("receive, five at once", RECEIVE, write_folded, written, ledger=five, is_concurrent=True),
    Scene("receive, masked secret", RECEIVE, write_secret, ledger=yes("m1")),
    Scene("receive, with a file", RECEIVE, write_with_file, uploaded, ledger=yes("m1")),
    Scene("receive, repeated", RECEIVE, lambda s, made: s.write(s.cast.lin, "钱呢", "m0"), written, ledger=yes("m0")),
    Scene("reply", (f"{HEART}reply.reply", f"{HEART}assign.take_locked", f"{HEART}line.say", f"{HEART}promise.give_to"),
          answer, written, ledger=yes("m0")),
    Scene("take", (f"{HEART}assign.take",), take_it, written, ledger=yes("m0")),
    Scene("hand back", (f"{HEART}assign.hand_back",), give_back, taken, settled=("not_yours",), ledger=yes("m0")),
    Scene("close, answered", (f"{HEART}close.close",), close_as("answered"), answered, settled=("conversation_closed",),
          ledger=yes("m0")),
    Scene("close, no answer needed", (f"{HEART}close.close", f"{HEART}promise.settle"), close_as("no_answer_needed"), written,
          settled=("conversation_closed",), ledger=yes("m0")),
    Scene("acknowledge, a receipt", (f"{HEART}evidence.acknowledge",), show, written, ledger=yes("m0")),
    Scene("acknowledge, a reply", (f"{HEART}evidence.acknowledge", f"{HEART}evidence.deliver_seen", f"{HEART}promise.cover"),
          show, replied, ledger=yes("m0")),
    Scene("acknowledge, a reply that was crossed", (f"{HEART}evidence.acknowledge",), show, crossed, ledger=yes("m0", "m2")),
    Scene("offer", (f"{HEART}evidence.offer",), offer_it, replied, ledger=yes("m0")),
    Scene("move on", (f"{HEART}promise.move_on",), pass_on, late, ledger=yes("m0")),
    Scene("withhold", (f"{HEART}evidence.withhold",), keep_inside, written, ledger=yes("m0")),
    Scene("keep a file", (f"{HEART}files.keep_file",), upload, without=frozenset({"files"}), holds=file_is_whole),
]  # fmt: skip


async def closed(s: Stage) -> Made:
    made = await answered(s)
    await close_as("answered")(s, made)
    return made


# Wrong on purpose: the proof must find it.
MUTANTS = [Scene("mutant, a key for each try", (), answer_under_another_key, written, without=frozenset({"staff_keys"}))]
