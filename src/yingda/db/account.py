"""Who PostgreSQL runs as: ourselves, or, since `postgres` refuses root, an unprivileged account of its own.

As root the account is `yingda`, made by `useradd` on first use. Where none can be made (read-only /etc, no useradd)
we borrow `postgres`, then `nobody`: both may own other things on the machine, so they come after an account of our own.
Data that already exists is always run by the account that owns it, whatever this rule would choose today.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yingda.errors import Permanent

NAME = "yingda"
BORROWED = ("postgres", "nobody")
USERADD_SECONDS_MAX = 30.0
_ENVIRONMENT = ("PATH", "TMPDIR", "TZDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True)
class Account:
    """`uid` and `gid` are None when the child simply runs as we do."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Hand `path` (one file or folder, not its content) to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, argv: Sequence[str | Path], seconds_max: float, held: int) -> subprocess.CompletedProcess[str]:
        """Run to the end and keep what it printed, errors included. Raises `subprocess.TimeoutExpired`.

        The child inherits the file descriptor `held`, and so keeps its lock if it outlives us.
        """
        return subprocess.run(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds_max,
            pass_fds=[held],
            cwd="/",
            env=_environment(),
            umask=0o077,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
        )

    def launch(self, argv: Sequence[str | Path], log: Path, held: int) -> subprocess.Popen[bytes]:
        """Start a child that writes to `log`, in a session of its own: Ctrl-C at our terminal must not reach it,
        because it has to outlive the requests that we finish on the way out. It inherits `held` as in `run`."""
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as output:
            return subprocess.Popen(
                [str(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[held],
                cwd="/",
                env=_environment(),
                umask=0o077,
                start_new_session=True,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
            )


def choose(existing: Path) -> Account:
    """The account for a cluster in `existing`: its owner if it is there, else the rule at the top of this file."""
    if os.geteuid() != 0:
        return Account()
    if existing.exists() and existing.stat().st_uid != 0:
        found = existing.stat()
        return Account(found.st_uid, found.st_gid)
    entry = _lookup(NAME) or _create() or next((entry for entry in map(_lookup, BORROWED) if entry), None)
    if entry is None or entry.pw_uid == 0:
        raise Permanent("database_account_missing", NAME, f"PostgreSQL refuses to run as root: create a system account {NAME!r}")
    return Account(entry.pw_uid, entry.pw_gid)


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return None
    home = ("--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")
    # The outcome is not asked for: two starters may race, and what counts is whether the account is there afterwards.
    subprocess.run(
        [useradd, "--system", "--user-group", *home, NAME],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=USERADD_SECONDS_MAX,
        check=False,
    )
    return _lookup(NAME)


def _environment() -> dict[str, str]:
    """Nothing of ours but what a program needs to be found: our settings hold secrets, and PGDATA and friends mislead."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", **kept}
