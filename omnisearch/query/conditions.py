"""Conditions on the facts of an item: all conditions that exist, and their exact meaning.

    path:photos/**   path:*.jpg   mime:image/*   tag:holiday   meta.author:ann
    size>1MB   duration<=1.5min   mtime>=2024-05   mtime:2024-05-01   !tag:private

Several conditions hold together; a `!` before one negates it. Times without an offset are local time. A comparison with
a value that an item does not have, such as the duration of a picture, does not hold.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Protocol, TypeAlias

from omnisearch.errors import QueryError
from omnisearch.query.globs import matches_path
from omnisearch.wording import did_you_mean

WORDS = ("path", "mime", "tag", "meta.KEY")
NUMBERS = ("size", "duration", "mtime")
MAX_PATTERN = 1024

META = re.compile(r"meta\.[A-Za-z0-9_-]{1,64}")


class ItemFields(Protocol):
    """The fields that conditions read; the payload of a point has them."""

    @property
    def path(self) -> str:
        """The path of its file."""
        ...

    @property
    def mime(self) -> str:
        """Its MIME type."""
        ...

    @property
    def size(self) -> int:
        """Its size in bytes."""
        ...

    @property
    def duration(self) -> float | None:
        """Its length in seconds; None if it has none."""
        ...

    @property
    def mtime(self) -> float:
        """The time of its last change, in seconds since 1970."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags."""
        ...

    @property
    def meta(self) -> Mapping[str, str]:
        """Its metadata."""
        ...


@dataclass(frozen=True)
class PatternCondition:
    """Matches a field with `pattern`. Tags and metadata are compared exactly; path and mime allow wildcards.

    A path pattern matches a file or any folder above it. Without a leading `/` it may begin at any depth. `*` and `?`
    match within a name, `**` spans folders. A mime pattern may end in `/*`. `written` is the text that was parsed.
    """

    field: str
    pattern: str
    negated: bool = False
    written: str = attribute(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.field not in WORDS[:3] and not META.fullmatch(self.field):
            raise unknown_field(self.field)
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
        return known.meta.get(self.field.removeprefix("meta.")) == self.pattern


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
        value: float | None = getattr(known, self.field)
        return (value is not None and self._contains(value)) is not self.negated

    def _contains(self, value: float) -> bool:
        return (
            (self.gt is None or value > self.gt)
            and (self.gte is None or value >= self.gte)
            and (self.lt is None or value < self.lt)
            and (self.lte is None or value <= self.lte)
        )


Condition: TypeAlias = PatternCondition | RangeCondition


def field_names() -> str:
    """Return the names of all fields, for messages."""
    return ", ".join((*WORDS, *NUMBERS))


def unknown_field(field: str) -> QueryError:
    """Return the error for a field that does not exist."""
    guess = did_you_mean(field, (*WORDS[:3], *NUMBERS))
    return QueryError(f"there is no field {field!r}{guess}; the fields are {field_names()}")
