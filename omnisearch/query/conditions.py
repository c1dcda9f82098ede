"""Conditions on what is known of an item: the closed filter model, and its exact meaning.

    path:photos/**   path:*.jpg   mime:image/*   tag:holiday   meta.author:ann
    size>1MB   duration<=1.5min   mtime>=2024-05   mtime:2024-05-01   !tag:private

Several conditions hold together; a `!` before one turns it round. Times without an offset are local time. A comparison
with what an item does not have (the duration of a picture) does not hold.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from omnisearch.errors import QueryError
from omnisearch.wording import did_you_mean

WORDS = ("path", "mime", "tag", "meta.KEY")
NUMBERS = ("size", "duration", "mtime")
MAX_CONDITIONS = 32
MAX_PATTERN = 1024

_SPELLED = re.compile(r"(!?)\s*([A-Za-z0-9_.-]+?)\s*(:|>=|<=|>|<|=)\s*(.*)", re.DOTALL)
_JOINED = re.compile(
    r"\s(AND|OR|&&?|\|\|?)\s+\(?(?:NOT\s+)?!?(?:path|mime|tag|meta\.[\w-]+|size|duration|mtime)\s*[:<>=]", re.IGNORECASE
)
_META = re.compile(r"meta\.[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
_BYTES = {"": 1, "b": 1} | {
    f"{prefix}{ending}": base**power
    for power, prefix in enumerate("kmgt", 1)
    for ending, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


class ItemFields(Protocol):
    """What conditions ask of; the payload of a point has it."""

    @property
    def path(self) -> str:
        """Where it lies."""
        ...

    @property
    def mime(self) -> str:
        """Its type."""
        ...

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    @property
    def duration(self) -> float | None:
        """Its seconds, if it has a length."""
        ...

    @property
    def mtime(self) -> float:
        """When it was changed, in seconds since 1970."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """What it was tagged."""
        ...

    @property
    def meta(self) -> Mapping[str, str]:
        """What else was said of it."""
        ...


@dataclass(frozen=True)
class PatternCondition:
    """A word is as `pattern` says. Tags and metadata are compared as they are; path and mime know wildcards.

    A path pattern matches a file or any folder above it. Without a leading `/` it may begin at any depth. `*` and `?`
    stay within a name, `**` spans folders. A mime pattern may end in `/*`. `written` is the text it was read from.
    """

    field: str
    pattern: str
    negated: bool = False
    written: str = attribute(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.field not in WORDS[:3] and not _META.fullmatch(self.field):
            raise _unknown(self.field)
        if not self.pattern or len(self.pattern) > MAX_PATTERN:
            raise QueryError(f"{self.field}: a pattern has 1 to {MAX_PATTERN} characters, not {len(self.pattern)}")

    def holds(self, known: ItemFields) -> bool:
        """Whether it is true of an item."""
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
    """A number lies between bounds; None is no bound. Bytes, seconds, or seconds since 1970.

    `written` is the text it was read from.
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
            raise _unknown(self.field)

    def holds(self, known: ItemFields) -> bool:
        """Whether it is true of an item."""
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


def parse_conditions(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Read conditions as they are written on the command line and in JSON; all of them must hold.

    Raises:
        QueryError: a condition cannot be read, or there are too many; names it and what there is.
    """
    if len(texts) > MAX_CONDITIONS:
        raise QueryError(f"{len(texts)} conditions, over {MAX_CONDITIONS}")
    return tuple(parse_condition(text) for text in texts)


def parse_condition(text: str) -> Condition:
    """Read one condition: FIELD:VALUE, FIELD=VALUE, or FIELD and one of < <= > >= and a number.

    Raises:
        QueryError: says what is wrong, and which fields there are.
    """
    return replace(_read(text), written=text)


def _read(text: str) -> Condition:
    found = _SPELLED.fullmatch(text.strip())
    if found is None:
        raise QueryError(f"the condition {text!r} is not FIELD:VALUE or FIELD>NUMBER; fields: {_fields()}")
    negated, field, sign, value = found[1] == "!", found[2], found[3], found[4].strip()
    _check_alone(value, text)
    if field not in NUMBERS:
        if sign not in {":", "="} and (field in WORDS or _META.fullmatch(field)):
            raise QueryError(f"the condition {text!r}: {field} is compared by ':', not by {sign!r}")
        return PatternCondition(field, value, negated)
    first, after = _interval(field, value, text)
    match sign:
        case ">":
            return (
                RangeCondition(field, gt=first, negated=negated)
                if first == after
                else RangeCondition(field, gte=after, negated=negated)
            )
        case ">=":
            return RangeCondition(field, gte=first, negated=negated)
        case "<":
            return RangeCondition(field, lt=first, negated=negated)
        case "<=":
            return (
                RangeCondition(field, lte=first, negated=negated)
                if first == after
                else RangeCondition(field, lt=after, negated=negated)
            )
    if first == after:
        return RangeCondition(field, gte=first, lte=first, negated=negated)
    return RangeCondition(field, gte=first, lt=after, negated=negated)


def _check_alone(value: str, text: str) -> None:
    """Refuse several conditions in one text; they would form one pattern that matches nothing."""
    if joined := _JOINED.search(value):
        is_or = joined[1].upper() in {"OR", "||", "|"}
        way_out = "ask once for each, since all conditions of a query must hold" if is_or else "give each by itself"
        raise QueryError(f"the condition {text!r}: conditions are not joined by {joined[1]}; {way_out}")


def matches_path(pattern: str, path: str) -> bool:
    """Whether a path, or a folder above it, is what a pattern says."""
    wanted = path_components(pattern)
    reached = _skip({0}, wanted)
    for name in path.strip("/").split("/"):
        following = {at for at in reached if wanted[at] == "**"}
        following |= {at + 1 for at in reached if wanted[at] != "**" and _matches_name(wanted[at], name)}
        reached = _skip(following, wanted)
        if len(wanted) in reached:
            return True
    return False


def path_components(pattern: str) -> list[str]:
    """A pattern name by name: one that may begin anywhere begins with `**`, and a name follows a last `**`."""
    names = [name for name in pattern.split("/") if name]
    if not pattern.startswith("/"):
        names.insert(0, "**")
    return [*names, "*"] if names[-1:] == ["**"] else names or ["*"]


def _skip(reached: set[int], wanted: Sequence[str]) -> set[int]:
    """Add what can be reached without another name: `**` may stand for none."""
    found = set(reached)
    for at in sorted(reached):
        while at < len(wanted) and wanted[at] == "**":
            at += 1
            found.add(at)
    return found


def _matches_name(pattern: str, name: str) -> bool:
    """Compare with `*` and `?`, in time bounded by the product of both lengths whatever the pattern is."""
    at = mark = resume = 0
    star = -1
    while mark < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, mark
            at += 1
        elif at < len(pattern) and pattern[at] in {"?", name[mark]}:
            at, mark = at + 1, mark + 1
        elif star >= 0:  # the last star takes one character more
            resume += 1
            at, mark = star + 1, resume
        else:
            return False
    return all(c == "*" for c in pattern[at:])


def _interval(field: str, value: str, text: str) -> tuple[float, float]:
    """The first moment a value names and the first after it: the same for a plain number."""
    if field == "mtime":
        return _moment(value, text)
    units = _BYTES if field == "size" else _SECONDS
    found = _NUMBER.fullmatch(value)
    if found is None or found[2].lower() not in units:
        example = "10MB or 512KiB" if field == "size" else "90, 1.5min or 2h"
        raise QueryError(f"the condition {text!r}: {value!r} is no {field}; write it like {example}")
    number = float(found[1]) * units[found[2].lower()]
    return number, number


def _moment(value: str, text: str) -> tuple[float, float]:
    try:
        if found := _DATE.fullmatch(value):
            first = datetime(int(found[1]), int(found[2] or 1), int(found[3] or 1))
            if found[3]:
                after = first + timedelta(days=1)
            else:
                months = 12 * first.year + first.month - 1 + (1 if found[2] else 12)
                after = first.replace(year=months // 12, month=months % 12 + 1)
            return first.timestamp(), after.timestamp()
        moment = datetime.fromisoformat(value)
        exact = moment.timestamp()  # local time where no offset is given
    except (ValueError, OverflowError, OSError):
        raise QueryError(
            f"the condition {text!r}: {value!r} is no time; write it like 2024, 2024-05, 2024-05-01 or 2024-05-01T12:30"
        ) from None
    return exact, exact


def _fields() -> str:
    return ", ".join((*WORDS, *NUMBERS))


def _unknown(field: str) -> QueryError:
    guess = did_you_mean(field, (*WORDS[:3], *NUMBERS))
    return QueryError(f"there is no field {field!r}{guess}; the fields are {_fields()}")
