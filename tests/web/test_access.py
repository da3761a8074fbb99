"""Every route, walked as nobody, as the customer whose conversation it is, as another customer, as an agent and as a lead.

A route that the table does not know fails the test: whoever adds one says here who may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.web.api import Api

ROLES = ("nobody", "customer", "other", "agent", "lead")
CHAT = "/chat/{widget_key:str}/"
TALK = "/desk/conversations/{number:int}"
ANYBODY = ("200",) * 5
CUSTOMERS = ("401", "200", "404", "401", "401")  # their own conversation; the console's cookie opens no chat
OWN = ("401", "200", "200", "401", "401")  # without an id: each sees what is theirs
STAFF = ("sign in", "sign in", "sign in", "200", "200")
STAFF_CHANGES = ("sign in", "sign in", "sign in", "303", "303")  # and back to the page, without a script
LEADS = ("sign in", "sign in", "sign in", "404", "200")

MAY: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", "/"): ANYBODY,
    ("GET", "/chat"): ANYBODY,
    ("GET", "/chat/embedded"): ANYBODY,
    ("GET", "/help"): ANYBODY,
    ("GET", "/help/{slug:str}"): ANYBODY,
    ("GET", "/health"): ("well or not",) * 5,  # here nothing runs by the clock, so after a while it says 503
    ("GET", "/static/{path:path}"): ANYBODY,
    ("GET", "/.well-known/yingda-receipt-key.json"): ANYBODY,
    ("GET", CHAT + "hello"): ANYBODY,
    ("POST", CHAT + "guest"): ("201",) * 5,
    ("POST", CHAT + "messages"): ("401", "201", "201", "401", "401"),
    ("POST", CHAT + "shown"): CUSTOMERS,
    ("GET", CHAT + "lines"): CUSTOMERS,
    ("GET", CHAT + "conversations"): OWN,
    ("POST", CHAT + "files"): ("401", "201", "201", "401", "401"),
    ("GET", CHAT + "files/{file:str}"): CUSTOMERS,
    ("GET", CHAT + "transcript"): CUSTOMERS,
    ("GET", CHAT + "stream"): CUSTOMERS,
    ("GET", "/desk"): STAFF,
    ("GET", "/desk/list"): STAFF,
    ("GET", TALK): STAFF,
    ("GET", TALK + "/news"): STAFF,
    ("GET", TALK + "/files/{file:str}"): STAFF,
    ("POST", TALK + "/reply"): STAFF_CHANGES,
    ("POST", TALK + "/take"): STAFF_CHANGES,
    ("POST", TALK + "/hand-back"): STAFF_CHANGES,
    ("POST", TALK + "/close"): STAFF_CHANGES,
    ("GET", "/desk/stream"): STAFF,
    ("GET", "/desk/shelf"): LEADS,
    ("POST", "/desk/shelf/{job:int}/retry"): ("sign in", "sign in", "sign in", "404", "303"),
    ("GET", "/desk/sign-in"): ANYBODY,
    ("POST", "/desk/sign-in"): ("401",) * 5,  # a wrong password, whoever asks
    ("POST", "/desk/sign-out"): ("sign in",) * 5,
}
QUERIES = {
    CHAT + "lines": "?conversation={number}",
    CHAT + "transcript": "?conversation={number}",
    CHAT + "stream": "?conversation={number}",
}
STREAMS = (CHAT + "stream", "/desk/stream")


@dataclass
class Scene:
    """A conversation of the customer with a file, taken by the agent, and a job on the shelf: new for every request."""

    number: int
    file: str
    job: int
    seq: int


@pytest.fixture(scope="module")
def asks(api: Api) -> dict[str, Callable[[], dict[str, str]]]:
    customer, other = api.somebody(), api.somebody()
    staff = {role: api.sign_in(f"{name}@desk.example") for role, name in (("agent", "Bailu"), ("lead", "夏至"))}
    return {
        "nobody": dict,
        "customer": lambda: {"Authorization": f"Bearer {api.token(customer)}"},
        "other": lambda: {"Authorization": f"Bearer {api.token(other)}"},
        **{role: lambda headers=headers: dict(headers) for role, headers in staff.items()},
    }


def set_scene(api: Api, headers: dict[str, str]) -> Scene:
    file = api.ask("POST", "files", headers=headers, content=b"a file").json()["file"]
    said = api.ask("POST", "messages", headers=headers, json={"message_id": file, "text": "hello", "files": [file]}).json()
    number = said["conversation"]
    api.write("UPDATE conversations SET assignee_id = NULL WHERE id = $1", number)
    job = "INSERT INTO jobs (kind, args, failed_at, error) VALUES ('deliver', '{}', desk_now(), 'x') RETURNING id"
    seq = api.read("SELECT seq FROM conversations WHERE id = $1", number)
    return Scene(number, file, api.run(api.stage.desk.statement(lambda tx: tx.fetchval(job))), seq)


def form(path: str, scene: Scene) -> dict[str, object]:
    if path == CHAT + "messages":
        return {"json": {"message_id": f"again-{scene.file}", "text": "and this"}}
    if path == CHAT + "shown":
        return {"json": {"conversation": scene.number, "shown_seq": 1}}
    if path == CHAT + "files":
        return {"content": b"another file"}
    if path == "/desk/sign-in":
        return {"data": {"email": "Bailu@desk.example", "password": "wrong"}}
    if path.startswith("/desk"):
        return {"data": {"text": "hello", "key": scene.file, "seen_through": str(scene.seq), "reason": "no_answer_needed"}}
    return {}


def outcome(api: Api, method: str, path: str, scene: Scene, headers: dict[str, str]) -> tuple[str, bytes]:
    known = {
        "{widget_key:str}": api.chat.split("/")[-1],
        "{number:int}": scene.number,
        "{file:str}": scene.file,
        "{job:int}": scene.job,
        "{path:path}": "widget.js",
        "{slug:str}": "fees",
    }
    address = path + QUERIES.get(path, "").format(number=scene.number)
    for name, value in known.items():
        address = address.replace(name, str(value))
    if path in STREAMS:
        status, body = api.begin(address, headers)
        return ("sign in" if status == 303 else str(status)), body
    if path.endswith("/hand-back"):
        api.ask("POST", address.replace("hand-back", "take"), headers=headers, data={})
    more = form(path, scene) if method == "POST" else {}
    answer = api.ask(method, address, headers={"Sec-Fetch-Site": "same-origin", **headers}, **more)
    api.client.cookies.clear()
    if path == "/health" and answer.status_code in (200, 503):
        return "well or not", answer.content
    to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/desk/sign-in")
    return ("sign in" if to_sign_in else str(answer.status_code)), answer.content


def routes(api: Api) -> set[tuple[str, str]]:
    found = set()
    for route in api.app.routes:
        # HEAD does not exist here; OPTIONS is a preflight, which test_chat_api walks.
        found |= {(method, route.path) for method in route.methods - {"OPTIONS"}}
    return found


def test_every_route_stands_in_the_table_and_every_entry_is_a_route(api: Api):
    assert routes(api) == set(MAY)


@pytest.mark.parametrize(("method", "path"), sorted(MAY), ids=lambda value: value.replace("{", "").replace("}", ""))
def test_who_may(api: Api, asks: dict[str, Callable[[], dict[str, str]]], method: str, path: str):
    found = []
    for role in ROLES:
        api.clock.ahead_seconds += 20  # no limit of calls is felt here
        scene = set_scene(api, asks["customer"]())
        found.append(outcome(api, method, path, scene, asks[role]())[0])
        if path == "/desk/sign-out" and role in ("agent", "lead"):
            fresh = api.sign_in(f"{ {'agent': 'Bailu', 'lead': '夏至'}[role] }@desk.example")
            asks[role] = lambda fresh=fresh: dict(fresh)
    assert dict(zip(ROLES, found, strict=True)) == dict(zip(ROLES, MAY[method, path], strict=True))


HIDDEN = [entry for entry in sorted(MAY) if "404" in MAY[entry] and entry[1] != "/desk/shelf"]


@pytest.mark.parametrize(("method", "path"), HIDDEN, ids=lambda value: value.replace("{", "").replace("}", ""))
def test_what_may_not_be_seen_answers_byte_for_byte_like_what_is_not_there(api: Api, asks, method: str, path: str):
    api.clock.ahead_seconds += 60
    scene = set_scene(api, asks["customer"]())
    role = ROLES[MAY[method, path].index("404")]
    nowhere = Scene(scene.number + 10**6, "no-such-file-at-all-xx", scene.job + 10**6, scene.seq)
    assert outcome(api, method, path, scene, asks[role]()) == outcome(api, method, path, nowhere, asks[role]())


def test_staff_are_told_not_found_where_nothing_is(api: Api, asks):
    scene = set_scene(api, asks["customer"]())
    nowhere = Scene(scene.number + 10**6, "no-such-file-at-all-xx", scene.job + 10**6, scene.seq)
    for method, path in sorted(MAY):
        if path.startswith((TALK, "/desk/shelf/")):
            assert outcome(api, method, path, nowhere, asks["lead"]())[0] == "404", path
