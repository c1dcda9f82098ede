"""IPTC-IIM: captions, keywords and places that press software writes (IIM 4.2, record 2)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from omnisearch.media.metadata.moments import local_time

DataSets: TypeAlias = Mapping[tuple[int, int], bytes | list[bytes]]

_TITLE, _KEYWORDS, _DATE, _TIME, _AUTHOR, _HEADLINE, _CAPTION, _LANGUAGE = 5, 25, 55, 60, 80, 105, 120, 135
_PLACE = (90, 95, 101)  # city, state, country


def read_iptc(found: DataSets) -> Mapping[str, Any]:
    """Return the fields of the data sets of a picture, by (record, number)."""
    clock = _first(found, _TIME)
    return {
        "time": local_time(f"{_first(found, _DATE)} {clock}".strip()),
        "title": _first(found, _TITLE) or _first(found, _HEADLINE),
        "caption": _first(found, _CAPTION),
        "keywords": _texts(found, _KEYWORDS),
        "artist": _first(found, _AUTHOR),
        "place": [part for number in _PLACE if (part := _first(found, number))],
        "language": _first(found, _LANGUAGE),
    }


def _first(found: DataSets, number: int) -> str:
    return next(iter(_texts(found, number)), "")


def _texts(found: DataSets, number: int) -> Sequence[str]:
    value = found.get((2, number), [])
    return [_text(part) for part in (value if isinstance(value, list) else [value])]


def _text(value: bytes) -> str:
    try:
        return value.decode().strip("\0 ")
    except UnicodeDecodeError:
        return value.decode("latin-1").strip("\0 ")
