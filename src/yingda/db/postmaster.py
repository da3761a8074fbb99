"""The server's process: is one running on this data, really? And the end of what a killed one left behind."""

from __future__ import annotations

import contextlib
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
    """True if `pid` is a live postmaster whose working folder is `cluster` (it enters it first of all)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or not _works_in(process, cluster):
            return False
        # A child of the server renames itself "postgres: …" and so has another first word than the program's path.
        return Path(next(iter(process.cmdline()), "")).name in _NAMES
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def clear_away(cluster: Path, sockets: Path) -> bool:
    """After the death of the server: end the children it left, drop stale pid and lock files. True if no child is left.

    PostgreSQL would refuse to start: beside children that still hold the shared memory, and when the number in the
    pid or lock file now belongs to any process of the same account, a zombie included. Children without a parent serve nobody;
    ending them loses nothing that was acknowledged. The caller holds the lock, so no server is about to start.
    """
    if _pid_file(cluster) is None:
        return True
    left = list(_children_left(cluster))
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(left, timeout=1.0)
    if any(map(_alive, left)):
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
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.uids().real == owner and process.name() in _NAMES and _works_in(process, cluster):
                yield process


def _alive(process: psutil.Process) -> bool:
    # In a container whose first process does not reap, an ended child stays a zombie for ever: it holds nothing.
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    return Path(process.cwd()) == cluster.resolve()
