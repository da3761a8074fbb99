"""A database cluster: how it is made, and the settings it runs with."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from yingda.chance import Chance
from yingda.db.binaries import Binaries
from yingda.db.places import Place, sync_folder, write_private
from yingda.errors import Permanent, Temporary

SUPERUSER = "postgres"
INITDB_SECONDS_MAX = 300.0
LOG_TAIL_BYTES_MAX = 4_000
LOG_BYTES_MAX = 10_000_000
PORT = 5432
_DISK_FULL = r"No space left on device|Disk quota exceeded|wrote only \d+ of \d+ bytes"

# Small, since the idle desk and its database share 250 MB; the operating system's cache does the rest.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "512MB",
    "huge_pages": "off",
    "jit": "off",
    "ssl": "off",
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # The log must never hold a customer's words. An error's text quotes values and its detail quotes keys, so errors of
    # statements are left to the caller who gets them anyway; what is logged is the server's own fate.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "logging_collector": "off",
}


def version(cluster: Path) -> int | None:
    """The major version that made the data, None if there is no data."""
    try:
        return int((cluster / "PG_VERSION").read_text("ascii"))
    except FileNotFoundError:
        return None


def initialise(place: Place, binaries: Binaries, chance: Chance, held: int) -> None:
    """Make the cluster under another name, then rename it: a kill in between leaves nothing that looks like data.

    Blocks for a second or more. Raises `Temporary("database_disk_full")` or `Permanent("database_initdb_failed")` with
    what initdb said. The caller holds both locks; initdb inherits `held`, so that one which outlives us is waited for.
    """
    unfinished = place.home / "postgres.new"
    secret = place.home / "password.initdb"
    words = place.new_password(chance)
    try:
        for options in _locales(binaries.version):
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            place.account.own(unfinished)
            write_private(secret, words + "\n")
            place.account.own(secret)
            answer = _initdb(place, binaries, [*options, f"--pwfile={secret}", "-D", str(unfinished)], held)
            if "invalid locale" not in answer.stdout:
                break
    finally:
        secret.unlink(missing_ok=True)
    if answer.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise failure("database_initdb_failed", answer.stdout[-LOG_TAIL_BYTES_MAX:])
    unfinished.rename(place.cluster)
    sync_folder(place.home)


def command(place: Place, binaries: Binaries, tcp_port: int | None, extra: Mapping[str, str]) -> list[str]:
    """The command line of the server. Settings on it win over `postgresql.conf`, so an upgrade of ours takes effect."""
    settings = {
        **SETTINGS,
        # Version 18's three I/O workers cost memory and win nothing at our size.
        **({"io_method": "sync"} if binaries.version >= 18 else {}),
        "unix_socket_directories": str(place.sockets),
        "listen_addresses": "" if tcp_port is None else "127.0.0.1",
        "port": str(tcp_port or PORT),
        **extra,
    }
    return [
        str(binaries.folder / "postgres"),
        "-D",
        str(place.cluster),
        *(f"--{name}={value}" for name, value in settings.items()),
    ]


def failure(code: str, said: str) -> Permanent | Temporary:
    """The error for what PostgreSQL said: a full disk passes when somebody frees space, the rest needs a person."""
    if re.search(_DISK_FULL, said):
        return Temporary("database_disk_full", detail=said, retry_after_seconds=30)
    return Permanent(code, detail=said)


def log_tail(log: Path, offset: int) -> str:
    """The last lines of the server's log, none older than byte `offset`."""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(offset if offset <= size else 0, size - LOG_TAIL_BYTES_MAX))
        return file.read().decode("utf-8", errors="replace")


def limit_log(log: Path) -> None:
    """Keep the log under twice `LOG_BYTES_MAX`: move the text to `postgres.log.1` and empty the file in place.

    The server appends to it, so it goes on at the new end; a line written in between may be lost.
    """
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        shutil.copy(log, log.with_name(log.name + ".1"))
        with log.open("r+b") as file:
            file.truncate(0)


def _initdb(place: Place, binaries: Binaries, options: list[str], held: int) -> subprocess.CompletedProcess[str]:
    argv = [str(binaries.folder / "initdb"), "--username", SUPERUSER, "--auth=scram-sha-256"]
    argv += ["--encoding=UTF8", "--data-checksums"]
    try:
        return place.account.run([*argv, *options], INITDB_SECONDS_MAX, held)
    except subprocess.TimeoutExpired as error:
        raise Temporary("database_initdb_slow", detail=f"initdb took more than {INITDB_SECONDS_MAX:.0f} s") from error


def _locales(major: int) -> Iterator[list[str]]:
    """Order by bytes on every machine, and letters of every script known as letters, as far as the machine can.

    Version 17 brought tables of its own for that; before, the operating system's `C.UTF-8` has them, if it is there.
    """
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []
    yield ["--locale=C", "--lc-ctype=C.UTF-8", *builtin]
    yield ["--locale=C", *builtin]
