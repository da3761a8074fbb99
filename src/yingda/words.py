"""The catalogues: every sentence a person reads, zh-CN and en, and times in their zone.

A language is added by adding `locale/<tag>.po` with the same keys. Keys are msgids (`receipt.told`), sentences msgstrs with
`{name}` places. Numbers and codes stay Latin; catalogues write
the space between Han and Latin themselves (mail and SMS have no CSS).
"""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_datetime
from babel.messages.pofile import read_po

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "en"
CITY_OF_ZONE = {"Asia/Shanghai": {"zh-CN": "上海", "en": "Shanghai"}, "UTC": {"zh-CN": "UTC", "en": "UTC"}}


@cache
def catalogue(language: str) -> dict[str, str]:
    """All sentences of one language by key."""
    with (resources.files("yingda") / "locale" / f"{language}.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file) if m.id}


@lru_cache(maxsize=1024)
def language_for(wanted: str | None) -> str:
    """The nearest catalogue for a BCP 47 tag or an Accept-Language header; English when none is near."""
    for part in (wanted or "").split(","):
        tag = part.split(";")[0].strip().replace("_", "-")
        if tag in LANGUAGES:
            return tag
        prefix = tag.split("-")[0].lower()
        for language in LANGUAGES:
            if prefix and language.split("-")[0] == prefix:
                return language
    return DEFAULT_LANGUAGE


def sentence(language: str, key: str, **params: object) -> str:
    """The sentence for `key`; a missing key is a fault of ours and raises KeyError (a test compares the catalogues)."""
    return catalogue(language)[key].format(**params) if params else catalogue(language)[key]


def has(language: str, key: str) -> bool:
    return key in catalogue(language)


def all_with_prefix(language: str, prefix: str) -> dict[str, str]:
    """Sentences whose key starts with `prefix`, the prefix cut off: what a page's script needs."""
    return {k.removeprefix(prefix): v for k, v in catalogue(language).items() if k.startswith(prefix)}


@cache
def zone_info(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)


def zone_for(wanted: str | None, otherwise: str) -> str:
    """`wanted` if it is an IANA zone, else `otherwise`: a wrong zone from a client must not lose its message."""
    try:
        return zone_info(wanted).key if wanted else otherwise
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return otherwise


def moment(language: str, zone: str, at: datetime) -> str:
    """A point in time as a person reads it: date, hour and minute in `zone`, and whose zone it is."""
    return _minute(language, zone, at.replace(second=0, microsecond=0))


@lru_cache(maxsize=4096)  # within a minute everybody who writes is promised the same one
def _minute(language: str, zone: str, at: datetime) -> str:
    local = at.astimezone(zone_info(zone))
    place = CITY_OF_ZONE.get(zone, {}).get(language) or zone.rsplit("/", 1)[-1].replace("_", " ")
    if language == "zh-CN":
        return f"{format_datetime(local, 'M月d日 HH:mm', locale='zh_Hans_CN')}（{place}时间）"
    return f"{format_datetime(local, 'HH:mm, d MMM', locale='en_GB')} ({place} time)"
