"""Time and randomness enter by one door each, in Python and in SQL, so that a whole day can be replayed from a seed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.tidy.source import PACKAGE, Python, below, none_of, place, python, read

# Whole modules, then names. `uuid.UUID` is a type and stays allowed; so are time-outs, which wait for something that happens.
FORBIDDEN_MODULES = {"random", "secrets"}
FORBIDDEN_NAMES = {
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")),
    *(f"time.{name}" for name in ("process_time", "process_time_ns", "sleep", "localtime", "gmtime", "ctime")),
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    "datetime.date.today",
    "asyncio.sleep",
    "asyncio.get_running_loop().time",
    "asyncio.get_event_loop().time",
    *(f"uuid.{name}" for name in ("uuid1", "uuid4", "uuid6", "uuid7", "uuid8", "getnode")),
    "os.urandom",
    "os.getrandom",
}
DOORS = {"src/yingda/clock.py", "src/yingda/chance.py"}
# The simulator's seeded Chance is made of this one class; real time and the system's generator are closed to it too.
SEEDED = {"random", "random.Random"}

FORBIDDEN_SQL = re.compile(
    r"(?<![\w.])(?:now|clock_timestamp|transaction_timestamp|statement_timestamp|timeofday|random|setseed|gen_random_uuid"
    r"|gen_random_bytes|uuidv4|uuidv7|uuid_generate_v[14]\w*)\s*\("
    r"|\b(?:CURRENT_TIMESTAMP|CURRENT_DATE|CURRENT_TIME|LOCALTIMESTAMP|LOCALTIME)\b"
    r"|'(?:now|today|tomorrow|yesterday)'\s*::",
    re.IGNORECASE,
)
DESK_NOW = re.compile(
    r"create\s+(?:or\s+replace\s+)?function\s+(?:\w+\.)?desk_now\s*\(.*?\$(\w*)\$.*?\$\1\$", re.IGNORECASE | re.DOTALL
)
SQL_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# These define `desk_now()`, or run before it exists.
SQL_DOORS = {"src/yingda/db/migrate.py", "src/yingda/db/desk.py"}


def names_bound(file: Python) -> dict[str, str]:
    """Local name → dotted origin, for every import in the file, wherever it stands."""
    bound: dict[str, str] = {}
    for node in file.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            bound.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return bound


def dotted(node: ast.expr, bound: dict[str, str]) -> str:
    """The origin of `a.b.c` or `a.b().c` with its first name resolved; "" when it does not begin with an imported name."""
    if isinstance(node, ast.Name):
        return bound.get(node.id, "")
    if isinstance(node, ast.Attribute):
        start = dotted(node.value, bound)
        return f"{start}.{node.attr}" if start else ""
    if isinstance(node, ast.Call):
        start = dotted(node.func, bound)
        return f"{start}()" if start else ""
    return ""


def forbidden(name: str, is_seeded: bool) -> bool:
    if is_seeded and name in SEEDED:
        return False
    return name in FORBIDDEN_NAMES or name.split(".")[0] in FORBIDDEN_MODULES


def back_doors(file: Python) -> Iterator[str]:
    """Uses of real time and randomness. Naming a function is a use: `default_factory=uuid4` calls it later."""
    if file.place in DOORS:
        return
    bound = names_bound(file)
    is_seeded = file.parts[:1] == ("sim",)
    for node in file.nodes:
        if isinstance(node, ast.Name | ast.Attribute):
            name = dotted(node, bound)
            if name and forbidden(name, is_seeded):
                yield f"{file.place}:{node.lineno} {name}"


def sql_back_doors(where: str, line: int, text: str) -> Iterator[str]:
    for match in FORBIDDEN_SQL.finditer(text):
        yield f"{where}:{line + text.count(chr(10), 0, match.start())} {match.group().strip()}"


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """`text` without what the pattern matches, its lines still counted right."""
    return pattern.sub(lambda match: "\n" * match.group().count("\n"), text)


def in_sql_file(where: str, text: str) -> Iterator[str]:
    return sql_back_doors(where, 1, blanked(DESK_NOW, blanked(SQL_COMMENT, text)))


def in_literals(file: Python) -> Iterator[str]:
    if file.place in SQL_DOORS:
        return
    for line, text in file.literals():
        yield from sql_back_doors(file.place, line, blanked(DESK_NOW, blanked(SQL_COMMENT, text)))


def test_python_takes_time_and_randomness_from_the_doors() -> None:
    none_of(
        (finding for file in python(PACKAGE) for finding in back_doors(file)),
        "Take time from yingda.clock.Clock and randomness from yingda.chance.Chance, handed in by the caller",
    )


def test_sql_takes_time_from_desk_now_and_randomness_from_its_caller() -> None:
    files = [finding for path in below(PACKAGE, ".sql") for finding in in_sql_file(place(path), read(path))]
    none_of(
        [*files, *(finding for file in python(PACKAGE) for finding in in_literals(file))],
        "Write desk_now() for the time; make ids, salts and chances with yingda.chance and hand them in as arguments",
    )


def test_the_rule_sees_every_way_to_name_a_clock() -> None:
    for text in (
        "import time\ntime.sleep(1)",
        "import time as t\nt.monotonic()",
        "from time import monotonic as m\nm()",
        "from datetime import datetime, UTC\ndatetime.now(UTC)",
        "import datetime as dt\ndt.datetime.utcnow()",
        "from uuid import uuid4\nfield(default_factory=uuid4)",
        "import random\nrandom.Random(1)",
        "import asyncio\nasyncio.get_running_loop().time()",
    ):
        assert list(back_doors(Python("src/yingda/jobs/x.py", text))), text
    allowed = (
        "import asyncio, uuid\nfrom datetime import datetime\nasyncio.wait_for(x, 1)\nuuid.UUID(y)\ndatetime.fromisoformat(z)"
    )
    assert not list(back_doors(Python("src/yingda/jobs/x.py", allowed)))


def test_the_simulator_may_seed_a_generator_and_nothing_more() -> None:
    assert not list(back_doors(Python("src/yingda/sim/x.py", "import random\nrandom.Random(7)")))
    assert list(back_doors(Python("src/yingda/sim/x.py", "import random\nrandom.random()")))
    assert list(back_doors(Python("src/yingda/sim/x.py", "import time\ntime.time()")))


def test_the_rule_reads_sql_but_not_its_comments() -> None:
    door = "create function desk_now() returns timestamptz stable language sql as $$ select statement_timestamp() $$;"
    assert not list(in_sql_file("x.sql", door + "\n-- never now()\nselect desk_now(), known('x');"))
    for text in ("select now()", "at timestamptz default CURRENT_TIMESTAMP", "select random ()", "select gen_random_uuid()"):
        assert list(in_sql_file("x.sql", door + text)), text
    assert list(in_literals(Python("src/yingda/x.py", "SQL = f'select now() - {x}'")))
    assert not list(in_literals(Python("src/yingda/x.py", "def f():\n    'Older than now().'")))
