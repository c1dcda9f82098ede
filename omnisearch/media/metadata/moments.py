"""Times as files write them: EXIF, ISO 8601, XMP, PDF and seconds since 1970."""

import re
from datetime import UTC, datetime, timedelta, timezone

_TIME = re.compile(
    r"(?:D:)?\s*(\d{4})(?:[-:/.]?(\d\d)(?:[-:/.]?(\d\d)(?:[T\s]?\s*(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d*)?)?)?)?)?\s*(.*)",
    re.DOTALL,
)
_OFFSET = re.compile(r"([+-])(\d\d):?'?(\d\d)?'?")
_QUARTER = timedelta(minutes=15)
# A receiver repeats its last position, and the time of that, for some minutes.
_LATE = timedelta(minutes=5)
_MAX_OFFSET = timedelta(hours=14)


def local_time(text: str, offset: str = "") -> str:
    """Return a time as ISO 8601 with whole seconds, and with the offset that it or `offset` has; "" if it is no time.

    A year, a month or a day is its first moment. Cameras write zeros or spaces for an unknown time.
    """
    found = _TIME.fullmatch(text.strip(" \0"))
    if found is None:
        return ""
    year, month, day, hour, minute, second = (int(part or "0") for part in found.groups()[:6])
    zone = _zone(found[7]) or _zone(offset)
    try:
        made = datetime(year, month if found[2] else 1, day if found[3] else 1, hour, minute, min(second, 59))
    except ValueError:
        return ""
    return made.replace(tzinfo=zone).isoformat()


def universal_time(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC; "" if no calendar has that moment."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def with_offset(local: str, universal: str) -> str:
    """Add to a local time the offset that a time of GPS implies; both are ISO 8601, and one may be ""."""
    if not local or not universal:
        return local or universal
    here, there = datetime.fromisoformat(local), datetime.fromisoformat(universal).replace(tzinfo=None)
    if here.tzinfo is not None:
        return local
    apart = here - there
    offset = _QUARTER * round(apart / _QUARTER)
    if abs(offset) > _MAX_OFFSET or abs(apart - offset) > _LATE:
        return local
    return here.replace(tzinfo=timezone(offset)).isoformat()


def _zone(text: str) -> timezone | None:
    text = text.strip()
    if text in {"Z", "z", "UTC"}:
        return UTC
    found = _OFFSET.match(text)
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or "0"))
    return timezone(offset if found[1] == "+" else -offset) if offset <= _MAX_OFFSET else None
