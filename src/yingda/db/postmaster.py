"""The server's process: is one running on this data, really? And the end of what a killed one left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

_NAMES = ("postgres", "postmaster")


@dataclass(frozen=True)
class Postmaster:
    """A live server as its `postmaster.pid` describes it (one value per line, see PostgreSQL's `pidfile.h`)."""

    pid: int
    port: int
    sockets: Path
    listens_on: str


def running(cluster: Path) -> Postmaster | None:
    """The server on this data, or None. A zombie, or a stranger that was given the number of a dead server, is none."""
    lines = _pid_file(cluster)
    if not lines or not lines[0].strip().isdigit() or not is_server(int(lines[0]), cluster):
        return None
    # The file grows line by line while the server starts; what is missing is asked for again later.
    lines += [""] * (6 - len(lines))
    port = int(lines[3]) if lines[3].strip().isdigit() else 0
    return Postmaster(int(lines[0]), port, Path(lines[4].strip()), lines[5].strip())


def is_server(pid: int, cluster: Path) -> bool:
    """True if `pid` is a live postmaster on `cluster`."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        words = process.cmdline()
    except psutil.Error:
        return False
    # A child of the server renames itself "postgres: …" and so has another first word than the program's path.
    if not words or Path(words[0]).name not in _NAMES:
        return False
    folder = _folder(process)
    if folder is None:
        # Root in a container may not look into another account's process. Its words are open to all.
        folder = Path(words[words.index("-D") + 1]) if "-D" in words[:-1] else cluster
    return folder == cluster


def clear_away(cluster: Path, sockets: Path, alive: int) -> bool:
    """After the death of the server: end the children it left, drop stale pid and lock files. True if none is left.

    PostgreSQL would refuse to start: beside children that still hold the shared memory, and when the number in the
    pid or lock file now belongs to any process of the same account, a zombie included. Children without a parent serve
    nobody; ending them loses nothing that was acknowledged.

    `alive` is a descriptor of the file whose lock the server and its children inherited. Only when this call gets that
    lock, which then stays with `alive`, is the pid file removed: it is what keeps two servers off one folder, and the
    lock knows no reused numbers, zombies or other containers. The caller holds the starter's lock and has seen that no
    server runs.
    """
    for process in _children_left(cluster) if _pid_file(cluster) is not None else ():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    for stale in (*sockets.glob(".s.PGSQL.*"), cluster / "postmaster.pid"):
        stale.unlink(missing_ok=True)
    return True


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _pid_file(cluster: Path) -> list[str] | None:
    try:
        return (cluster / "postmaster.pid").read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None


def _children_left(cluster: Path) -> Iterator[psutil.Process]:
    owner = cluster.stat().st_uid
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.uids().real == owner and process.name() in _NAMES and _folder(process) == cluster:
                yield process


def _folder(process: psutil.Process) -> Path | None:
    """Where the process works: a server and its children in the cluster. None if we may not know."""
    try:
        return Path(process.cwd())
    except psutil.Error:
        return None
