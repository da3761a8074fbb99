"""Settings: the only door to the environment. Every field is documented in docs/settings.md, which a test compares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from yingda.errors import Refused


def _setting(env: str, help: str, default: Any) -> Any:  # a field, so the call in the class body is what dataclasses ask for
    return field(default=default, metadata={"env": env, "help": help})


DATA = Path("data")


@dataclass(frozen=True)
class Settings:
    """Where each value comes from: the command line, else the environment, else the default here."""

    data: Path = _setting("YINGDA_DATA", "Folder of the desk's keys and of the embedded database", DATA)
    database: str | None = _setting(
        "YINGDA_DATABASE", "URL of your own PostgreSQL 15 or newer; without it the embedded one", None
    )
    database_direct: str | None = _setting(
        "YINGDA_DATABASE_DIRECT", "A URL past the transaction pooler, for LISTEN; without it YINGDA_DATABASE", None
    )
    master_key: str | None = _setting("YINGDA_MASTER_KEY", "32 bytes in base64url; without it <data>/master.key", None)
    host: str = _setting("YINGDA_HOST", "Address to listen on", "127.0.0.1")
    port: int = _setting("YINGDA_PORT", "Port to listen on; 0 takes a free one", 8500)
    url: str | None = _setting("YINGDA_URL", "The desk's public address when it stands behind a proxy", None)
    trusted_proxies: str = _setting(
        "YINGDA_TRUSTED_PROXIES", "Addresses, with commas, whose X-Forwarded-For and -Proto are believed", "127.0.0.1"
    )
    connections: int = _setting("YINGDA_CONNECTIONS", "Database connections of one process", 12)
    workers: int = _setting("YINGDA_WORKERS", "Lanes of background work in one process", 2)


def settings(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """`given` holds what the command line said (None: not said). Refused `setting_wrong` names the variable."""
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for place in fields(Settings):
        value = given.get(place.name)
        if value is None:
            value = environment.get(place.metadata["env"]) or None
        if value is not None:
            values[place.name] = _typed(place.name, place.metadata["env"], value)
    return Settings(**values)


def _typed(name: str, env: str, value: Any) -> Any:
    if name == "data":
        return Path(value)
    if name in ("port", "connections", "workers"):
        low, high = (0, 65535) if name == "port" else (1, 1000)
        try:
            number = int(value)
        except ValueError as error:
            raise Refused("setting_wrong", env) from error
        if not low <= number <= high:
            raise Refused("setting_wrong", env)
        return number
    return str(value)
