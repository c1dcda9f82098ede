"""Metadata: what a file says of itself, such as the time and the place of a photograph, or the artist of a song."""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_TEXT = 256
MAX_CAPTION = 2000
MAX_KEYWORDS, MAX_KEYWORD = 50, 64
YEARS = range(1000, 3000)
TAKEN_YEARS = range(1800, 2200)
RATINGS = range(1, 6)
# The fields in which a search for words finds an item.
WORD_FIELDS = ("title", "caption", "keywords", "artist", "album", "genre", "place", "camera", "lens")
# The fields, and the property, by whose numbers items are filtered.
NUMBERS = ("taken", "latitude", "longitude", "year", "rating")
_TEXTS = {name: MAX_TEXT for name in (*WORD_FIELDS, "time", "language") if name != "keywords"} | {
    "caption": MAX_CAPTION
}
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class Metadata:
    """The metadata of a file; a field that the file does not have is None or empty.

    `time` is the local time at which it was made, as ISO 8601, with its offset from UTC if that is known. `latitude`
    and `longitude` are in degrees, WGS 84. `place` is a town, a region and a country. `artist` is the photographer, the
    musician or the author. `year` is that of a publication. `rating` is 1 to 5. `language` is a code of ISO 639, of two
    letters if there is one.
    """

    time: str = ""
    latitude: float | None = None
    longitude: float | None = None
    place: str = ""
    camera: str = ""
    lens: str = ""
    title: str = ""
    caption: str = ""
    keywords: tuple[str, ...] = ()
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None
    rating: int | None = None
    language: str = ""

    @property
    def taken(self) -> float | None:
        """The time at which it was made, in seconds since 1970. A time without an offset is local time."""
        try:
            return datetime.fromisoformat(self.time).timestamp() if self.time else None
        except (OverflowError, OSError):
            return None

    @property
    def day(self) -> str:
        """The local month and day on which it was made, such as `11-29`; empty if that is unknown."""
        return f"{datetime.fromisoformat(self.time):%m-%d}" if self.time else ""

    def check(self) -> None:
        """Check every type, length and range, because some senders are not trusted.

        Raises:
            ValueError: a value is not allowed; the message has its field.
        """
        for name, limit in _TEXTS.items():
            _check_text(name, getattr(self, name), limit)
        if not isinstance(self.keywords, tuple) or len(self.keywords) > MAX_KEYWORDS:
            raise ValueError(f"keywords: not a tuple of at most {MAX_KEYWORDS} words")
        for keyword in self.keywords:
            _check_text("keywords", keyword, MAX_KEYWORD)
        if self.time and datetime.fromisoformat(self.time).year not in TAKEN_YEARS:
            raise ValueError(f"time: {self.time!r} is not in the years {TAKEN_YEARS[0]} to {TAKEN_YEARS[-1]}")
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("a latitude without a longitude, or the reverse")
        _check_number("latitude", self.latitude, float, -90, 90)
        _check_number("longitude", self.longitude, float, -180, 180)
        _check_number("year", self.year, int, YEARS[0], YEARS[-1])
        _check_number("rating", self.rating, int, RATINGS[0], RATINGS[-1])
        if self.language and not LANGUAGE_CODE.fullmatch(self.language):
            raise ValueError(f"language: {self.language!r} is not a code of ISO 639")

    def fields(self) -> Mapping[str, str]:
        """Return the texts in which a search for words finds the item, by field. A field without a text is left out."""
        texts = {name: getattr(self, name) for name in WORD_FIELDS}
        return {name: text for name, text in ({**texts, "keywords": "\n".join(self.keywords)}).items() if text}

    def as_json(self) -> str:
        """Return the fields that have a value as JSON text; empty if there are none."""
        known = {name: value for name, value in vars(self).items() if value not in (None, "", ())}
        return json.dumps(known, ensure_ascii=False) if known else ""

    @classmethod
    def from_json(cls, text: str) -> "Metadata":
        """The inverse of `as_json`. Fields of a newer version are ignored.

        Raises:
            ValueError: the text is not a result of `as_json`.
        """
        if not text:
            return NO_METADATA
        try:
            row = json.loads(text)
        except (RecursionError, TypeError) as error:
            raise ValueError(f"not JSON text: {error}") from None
        if not isinstance(row, dict):
            raise ValueError("not an object")
        names = {one.name for one in dataclasses.fields(cls)}
        known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items() if k in names}
        return cls(**known)


def _check_number(name: str, number: Any, kind: type[float], least: float, most: float) -> None:
    if number is None:
        return
    if type(number) is not kind or not least <= number <= most:
        raise ValueError(f"{name}: {number!r} is not a number from {least} to {most}")


def _check_text(name: str, text: Any, limit: int) -> None:
    if not isinstance(text, str) or len(text) > limit:
        raise ValueError(f"{name}: not a text of at most {limit} characters")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(f"{name}: {text!r} is not valid Unicode")


NO_METADATA = Metadata()
