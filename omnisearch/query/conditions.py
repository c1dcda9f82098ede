"""Conditions on the facts of an item: all conditions that exist, and their exact meaning.

    path:photos/**   path:*.jpg   mime:image/*   tag:holiday   meta.author:ann
    size>1MB   duration<=1.5min   mtime>=2024-05   mtime:2024-05-01   !tag:private
    taken:2023-07   camera:canon   place:Lisbon   place:38.72,-9.14,5km   artist:ann   year>=1990   rating>=4
    language:de   has:speech   day:11-29   added>=2024-05

Several conditions hold together; a `!` before one negates it. Times without an offset are local time. A comparison with
a value that an item does not have, such as the duration of a picture, does not hold.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TypeAlias

from omnisearch.errors import QueryError
from omnisearch.metadata import Metadata
from omnisearch.query.dates import is_day
from omnisearch.query.folding import folded_words
from omnisearch.query.globs import matches_path
from omnisearch.query.item_fields import ItemFields
from omnisearch.query.positions import NearCondition
from omnisearch.wording import did_you_mean

PATTERNS = ("path", "mime", "tag", "language", "has", "day")
TEXTS = ("camera", "lens", "place", "artist", "album", "genre")
NUMBERS = ("size", "duration", "mtime", "date", "taken", "added", "year", "rating")
METADATA_NUMBERS = ("taken", "year", "rating")
HAS = ("speech", "text", "gps", "taken")
MAX_PATTERN = 1024

META = re.compile(r"meta\.[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class PatternCondition:
    """Matches a field with `pattern`. Path and mime allow wildcards; the others are compared exactly.

    A path pattern matches a file or any folder above it. Without a leading `/` it may begin at any depth. `*` and `?`
    match within a name, `**` spans folders. A mime pattern may end in `/*`. `written` is the text that was parsed.
    """

    field: str
    pattern: str
    negated: bool = False
    written: str = attribute(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.field not in PATTERNS and not META.fullmatch(self.field):
            raise unknown_field(self.field)
        if self.field == "has" and self.pattern not in HAS:
            guess = did_you_mean(self.pattern, HAS)
            raise QueryError(f"has:{self.pattern}: an item has no such thing{guess}; write one of {', '.join(HAS)}")
        if self.field == "day" and not is_day(self.pattern):
            raise QueryError(f"day:{self.pattern}: this is no month and day; write it like day:11-29")
        if not self.pattern or len(self.pattern) > MAX_PATTERN:
            raise QueryError(f"{self.field}: a pattern has 1 to {MAX_PATTERN} characters, not {len(self.pattern)}")

    def holds(self, known: ItemFields) -> bool:
        """Return whether the condition holds for an item."""
        return self._matches(known) is not self.negated

    def _matches(self, known: ItemFields) -> bool:
        if self.field == "path":
            return matches_path(self.pattern, known.path)
        if self.field == "mime":
            kind, _, rest = self.pattern.partition("/")
            return known.mime.startswith(f"{kind}/") if rest == "*" else known.mime == self.pattern
        if self.field == "tag":
            return self.pattern in known.tags
        if self.field == "language":
            return self.pattern in (known.metadata.language, *known.languages)
        if self.field == "has":
            return self.pattern in values_of_has(known.metadata, known.has)
        if self.field == "day":
            return self.pattern == known.metadata.day
        return known.meta.get(self.field.removeprefix("meta.")) == self.pattern


@dataclass(frozen=True)
class WordCondition:
    """Matches a text of the metadata that has all words of `text`, without case and accents.

    `written` is the text that was parsed.
    """

    field: str
    text: str
    negated: bool = False
    written: str = attribute(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.field not in TEXTS:
            raise unknown_field(self.field)
        if len(self.text) > MAX_PATTERN or not self.words:
            raise QueryError(
                f"{self.field}:{self.text[:50]}: write one word or several, up to {MAX_PATTERN} characters"
            )

    @property
    def words(self) -> list[str]:
        """The words that must occur, folded."""
        return folded_words(self.text)

    def holds(self, known: ItemFields) -> bool:
        """Return whether the condition holds for an item."""
        there = set(folded_words(getattr(known.metadata, self.field)))
        return there.issuperset(self.words) is not self.negated


@dataclass(frozen=True)
class RangeCondition:
    """Matches numbers between bounds, in bytes, seconds, or seconds since 1970. None means no bound.

    `written` is the text that was parsed.
    """

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None
    negated: bool = False
    written: str = attribute(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.field not in NUMBERS:
            raise unknown_field(self.field)

    def holds(self, known: ItemFields) -> bool:
        """Return whether the condition holds for an item."""
        value: float | None = getattr(known.metadata if self.field in METADATA_NUMBERS else known, self.field)
        return (value is not None and self._contains(value)) is not self.negated

    def _contains(self, value: float) -> bool:
        return (
            (self.gt is None or value > self.gt)
            and (self.gte is None or value >= self.gte)
            and (self.lt is None or value < self.lt)
            and (self.lte is None or value <= self.lte)
        )


Condition: TypeAlias = PatternCondition | WordCondition | RangeCondition | NearCondition


def values_of_has(metadata: Metadata, read: Sequence[str]) -> tuple[str, ...]:
    """Return the values of `has` that hold for an item: what was read in it, and what its metadata have."""
    known = {"gps": metadata.latitude, "taken": metadata.taken}
    return (*read, *(name for name, value in known.items() if value is not None))


def field_names() -> str:
    """Return the names of all fields, for messages."""
    return ", ".join((*PATTERNS, "meta.KEY", *TEXTS, *NUMBERS))


def unknown_field(field: str) -> QueryError:
    """Return the error for a field that does not exist."""
    guess = did_you_mean(field, (*PATTERNS, *TEXTS, *NUMBERS))
    return QueryError(f"there is no field {field!r}{guess}; the fields are {field_names()}")
