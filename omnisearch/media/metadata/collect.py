"""Collect the metadata of a file from all its sources. A broken source is left out, and never makes the file fail."""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeAlias

from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.languages import language_code
from omnisearch.media.metadata.sidecar_names import WITH_SIDECARS
from omnisearch.media.metadata.sidecars import read_takeout_sidecar, read_xmp_sidecar
from omnisearch.media.time_limit import TooSlow, at_most
from omnisearch.metadata import MAX_CAPTION, MAX_KEYWORD, MAX_KEYWORDS, MAX_TEXT, RATINGS, TAKEN_YEARS, YEARS, Metadata
from omnisearch.types import Modality

Found: TypeAlias = Mapping[str, Any]

SECONDS = 5.0  # for all sources of a file
_NUMBER = re.compile(r"\s*(-?\d{1,5})(?:\.0*)?\s*")


def read_metadata(source: Source, kind: Kind) -> Metadata:
    """Return the metadata of a file and its sidecars; the file position is at the start afterwards."""
    found: list[Found] = []
    with suppress(TooSlow, Exception), at_most(SECONDS):  # what was found until then is kept
        for read in _sources(source, kind):
            with suppress(Exception):  # the libraries raise anything on hostile files
                found.append(read())
    source.file.seek(0)
    return merged(found)


def merged(found: Sequence[Found]) -> Metadata:
    """Return the first usable value of each field."""

    def first(field: str, usable: Callable[[Any], Any]) -> Any:
        for one in found:
            with suppress(ValueError, OverflowError):
                if (value := usable(one.get(field))) is not None:
                    return value
        return None

    latitude, longitude = first("position", _position) or (None, None)
    texts = {field: first(field, _text) or "" for field in ("camera", "lens", "title", "artist", "album", "genre")}
    return Metadata(
        time=first("time", _time) or "",
        latitude=latitude,
        longitude=longitude,
        place=first("place", _place) or "",
        caption=first("caption", lambda value: _text(value, MAX_CAPTION)) or "",
        keywords=first("keywords", _keywords) or (),
        year=first("year", lambda value: _number(value, YEARS)),
        rating=first("rating", lambda value: _number(value, RATINGS)),
        language=first("language", language_code) or "",
        **texts,
    )


def _sources(source: Source, kind: Kind) -> Iterator[Callable[[], Found]]:
    """Yield functions that read a source each, the most trusted first."""
    has_sidecars = kind.modality in WITH_SIDECARS
    if has_sidecars:
        yield lambda: read_xmp_sidecar(source)
    if kind.modality is Modality.IMAGE:
        from omnisearch.media.metadata.picture import picture_fields

        yield from picture_fields(source, kind)
    elif kind.modality in {Modality.AUDIO, Modality.VIDEO}:
        from omnisearch.media.metadata.container import read_container

        yield lambda: read_container(source, kind)
    elif kind.modality is Modality.TEXT:
        from omnisearch.media.metadata.document import read_document

        yield lambda: read_document(source, kind)
    if has_sidecars:
        yield lambda: read_takeout_sidecar(source)


def _text(value: Any, limit: int = MAX_TEXT) -> str | None:
    """One line of valid, printable Unicode; None if nothing is left."""
    if not isinstance(value, str):
        return None
    text = unicodedata.normalize("NFC", value[: 4 * limit]).encode("utf-8", "replace").decode()
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Cn", "Co"} else c for c in text)
    return " ".join(text.split())[:limit].rstrip() or None


def _time(value: Any) -> str | None:
    text = _text(value)
    return text if text and datetime.fromisoformat(text).year in TAKEN_YEARS else None


def _position(value: Any) -> tuple[float, float] | None:
    """Degrees that are on the globe and not (0, 0), which cameras write without a fix."""
    if not isinstance(value, tuple) or not all(isinstance(part, (int, float)) for part in value):
        return None
    latitude, longitude = (round(float(part), 7) for part in value)
    on_globe = math.isfinite(latitude + longitude) and abs(latitude) <= 90 and abs(longitude) <= 180
    return (latitude, longitude) if on_globe and (latitude or longitude) else None


def _place(value: Any) -> str | None:
    return _text(", ".join(dict.fromkeys(_texts(value, MAX_TEXT))))


def _keywords(value: Any) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(_texts(value, MAX_KEYWORD)))[:MAX_KEYWORDS] or None


def _texts(value: Any, limit: int) -> list[str]:
    values = value if isinstance(value, list) else []
    return [text for one in values[: 4 * MAX_KEYWORDS] if (text := _text(one, limit))]


def _number(value: Any, allowed: range) -> int | None:
    found = _NUMBER.fullmatch(str(value)) if isinstance(value, (int, float, str)) else None
    return int(found[1]) if found and int(found[1]) in allowed else None
