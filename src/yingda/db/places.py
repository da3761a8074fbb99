"""Where everything of the embedded server lies, and why there.

Not root: all under `<data>/database/`. Root: under `/var/lib/yingda/<hash of the folder>/`, since the unprivileged
account that runs PostgreSQL cannot enter a 0700 folder of root's; `<data>/WHERE.txt` then says where the data is.
Sockets lie in a short folder of their own, because a socket's path breaks above 107 bytes.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from yingda.chance import Chance
from yingda.db import account
from yingda.db.account import Account
from yingda.errors import Permanent, Refused

ROOT_HOME = Path("/var/lib/yingda")
SIGN = "WHERE.txt"
OWNER_NOTE = "FOLDER.txt"
SOCKET_PATH_BYTES_MAX = 107
_SIGN_WORDS = """{home}

The database of this folder lies in the place named above, because it was started as root and PostgreSQL refuses root.
Back up both. To begin anew, remove that place and this file.

本目录的数据库存放在上面第一行所示的位置:它由 root 启动,而 PostgreSQL 拒绝以 root 运行。
请同时备份两处。如需从头开始,请删除该位置和本文件。
"""


@dataclass(frozen=True)
class Place:
    """`home` is ours, 0700 or, as root, 0711 so that the account can pass through to `cluster`, which is its own."""

    home: Path
    sockets: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def lock(self) -> Path:
        """Held by whoever is starting a server here."""
        return self.home / "lock"

    @property
    def alive(self) -> Path:
        """Held by the server and every one of its children for as long as they live."""
        return self.home / "alive"

    def password(self) -> str:
        """The password of both roles. Raises `Permanent` if its file is gone: without it nobody gets in."""
        try:
            return (self.home / "password").read_text("ascii").strip()
        except FileNotFoundError as error:
            raise Permanent("database_password_missing", str(self.home / "password"), "restore it from a back-up") from error

    def new_password(self, chance: Chance) -> str:
        """Make the password and keep it in a 0600 file that only we (as root: only root) can read."""
        words = chance.token()
        write_private(self.home / "password", words + "\n")
        return words


def prepare(data: Path) -> Place:
    """Make the folders for `data` and check that they are ours. Raises `Refused` where they cannot be used."""
    data = data.expanduser().absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = data.resolve()
    home = _root_home(data) if os.geteuid() == 0 else _own_home(data)
    who = account.choose(home / "postgres")
    if os.geteuid() == 0:
        home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        home.mkdir(mode=0o711, exist_ok=True)
        home.chmod(0o711)
        write_private(home / OWNER_NOTE, f"{data}\n")
        write_private(data / SIGN, _SIGN_WORDS.format(home=home))
    else:
        home.mkdir(mode=0o700, exist_ok=True)
    _require_ours(home)
    return Place(home.resolve(), _socket_folder(home, who), who)


def write_private(path: Path, words: str) -> None:
    """Write a 0600 file so that a reader sees the old content or the new, and a crash leaves one of them."""
    if path.is_file() and path.read_text("utf-8") == words:
        return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(words)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make renames inside `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _own_home(data: Path) -> Path:
    if (data / SIGN).exists():
        raise Refused("database_belongs_to_root", str(data), "this folder's database was made by root: start as root")
    return data / "database"


def _root_home(data: Path) -> Path:
    if (data / "database" / "postgres").exists():
        owner = (data / "database").stat().st_uid
        raise Refused(
            "database_belongs_to_user", str(data), f"this folder's database was made by user id {owner}: start as that user"
        )
    if not (data / SIGN).exists():
        return ROOT_HOME / _digest(data)
    lines = (data / SIGN).read_text("utf-8").splitlines()
    home = Path(lines[0].strip()) if lines else Path()
    if home.parent != ROOT_HOME:
        raise Refused("database_sign_unreadable", str(data / SIGN), f"its first line must name a folder in {ROOT_HOME}")
    if not home.is_dir():
        raise Refused(
            "database_data_missing",
            str(home),
            f"{data / SIGN} says the data lies there; restore it, or remove the sign to begin anew",
        )
    _refuse_copy(data, home)
    return home


def _refuse_copy(data: Path, home: Path) -> None:
    """A folder that was moved keeps its data; one that was copied must not silently share the original's."""
    note = home / OWNER_NOTE
    original = Path(note.read_text("utf-8").strip()) if note.exists() else data
    sign = original / SIGN
    if original != data and sign.exists() and sign.read_text("utf-8").split("\n", 1)[0] == str(home):
        raise Refused(
            "database_folder_copied", str(data), f"its sign points to the data of {original}; remove {data / SIGN} to begin anew"
        )


def _socket_folder(home: Path, who: Account) -> Path:
    root = _sockets_root()
    root.mkdir(mode=0o711, exist_ok=True)
    # /tmp is everybody's: somebody may have made this folder before us to put a false server into it.
    _require_ours(root)
    folder = root / _digest(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    who.own(folder)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        raise Refused("database_folder_unsafe", str(folder), "it must be a folder with mode 0700: remove it and start again")
    assert len(os.fsencode(folder / ".s.PGSQL.65535.lock")) <= SOCKET_PATH_BYTES_MAX
    return folder


def _sockets_root() -> Path:
    if os.geteuid() == 0 and os.access("/run", os.W_OK):
        return Path("/run/yingda")
    return Path(f"/tmp/yd-{os.geteuid()}")  # noqa: S108  not $TMPDIR, which is long on macOS; checked by _require_ours


def _require_ours(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Refused(
            "database_folder_unsafe", str(folder), "it must be a folder that is yours and that nobody else can write to"
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
