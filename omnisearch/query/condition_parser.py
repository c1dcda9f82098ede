"""Parse conditions from their text form, which the command line and JSON share."""

import re
from collections.abc import Sequence
from dataclasses import replace

from omnisearch.errors import QueryError
from omnisearch.query.conditions import (
    META,
    NUMBERS,
    PATTERNS,
    TEXTS,
    Condition,
    PatternCondition,
    RangeCondition,
    WordCondition,
    field_names,
)
from omnisearch.query.dates import time_interval
from omnisearch.query.positions import NearCondition

MAX_CONDITIONS = 32

_SPELLED = re.compile(r"(!?)\s*([A-Za-z0-9_.-]+?)\s*(:|>=|<=|>|<|=)\s*(.*)", re.DOTALL)
_JOINED = re.compile(
    rf"\s(AND|OR|&&?|\|\|?)\s+\(?(?:NOT\s+)?!?(?:{'|'.join((*PATTERNS, *TEXTS, *NUMBERS))}|meta\.[\w-]+)\s*[:<>=]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
_NEAR = re.compile(r"(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)(?:\s*,\s*(\d+(?:\.\d+)?)\s*(km|mi|m)?)?")
_KILOMETRES = {"": 1.0, "km": 1.0, "m": 0.001, "mi": 1.609344}
_BYTES = {"": 1, "b": 1} | {
    f"{prefix}{ending}": base**power
    for power, prefix in enumerate("kmgt", 1)
    for ending, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_conditions(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Parse conditions as written on the command line and in JSON; all of them must hold.

    Raises:
        QueryError: a condition is malformed, or there are too many.
    """
    if len(texts) > MAX_CONDITIONS:
        raise QueryError(f"{len(texts)} conditions, at most {MAX_CONDITIONS} are allowed")
    return tuple(parse_condition(text) for text in texts)


def parse_condition(text: str) -> Condition:
    """Parse one condition: FIELD:VALUE, FIELD=VALUE, or FIELD and one of < <= > >= and a number.

    Raises:
        QueryError: the condition is malformed; the message lists the fields.
    """
    return replace(_read(text), written=text)


def _read(text: str) -> Condition:
    found = _SPELLED.fullmatch(text.strip())
    if found is None:
        raise QueryError(f"the condition {text!r} is not FIELD:VALUE or FIELD>NUMBER; fields: {field_names()}")
    negated, field, sign, value = found[1] == "!", found[2], found[3], found[4].strip()
    _check_alone(value, text)
    if field not in NUMBERS:
        if sign not in {":", "="} and (field in PATTERNS or field in TEXTS or META.fullmatch(field)):
            raise QueryError(f"the condition {text!r}: {field} takes ':', not {sign!r}")
        if field in TEXTS:
            near = _NEAR.fullmatch(value) if field == "place" else None
            return WordCondition(field, value, negated) if near is None else _near(near, text, negated)
        return PatternCondition(field, value.lower() if field == "language" else value, negated)
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


def _near(found: re.Match[str], text: str, negated: bool) -> NearCondition:
    if found[3] is None:
        raise QueryError(f"the condition {text!r} has no distance; write it like place:38.72,-9.14,5km")
    return NearCondition(float(found[1]), float(found[2]), float(found[3]) * _KILOMETRES[found[4] or ""], negated)


def _check_alone(value: str, text: str) -> None:
    """Raise QueryError for several conditions in one text, which would form one pattern that matches nothing."""
    if joined := _JOINED.search(value):
        is_or = joined[1].upper() in {"OR", "||", "|"}
        way_out = "ask once for each, since all conditions of a query must hold" if is_or else "give each by itself"
        raise QueryError(f"the condition {text!r}: conditions are not joined by {joined[1]}; {way_out}")


def _interval(field: str, value: str, text: str) -> tuple[float, float]:
    """Return the first moment that a value names and the first moment after it; twice the same number for a number."""
    if field in {"mtime", "date", "taken", "added"}:
        try:
            return time_interval(value)
        except ValueError as error:
            raise QueryError(f"the condition {text!r}: {error}") from None
    units = {"size": _BYTES, "duration": _SECONDS}.get(field, {"": 1.0})
    found = _NUMBER.fullmatch(value)
    if found is None or found[2].lower() not in units:
        examples = {"size": "10MB or 512KiB", "duration": "90, 1.5min or 2h", "year": "1999", "rating": "4"}
        example = examples[field]
        raise QueryError(f"the condition {text!r}: {value!r} is not a {field}; write it like {example}")
    number = float(found[1]) * units[found[2].lower()]
    return number, number
