"""Dates: the span of time that a year, a month, a day or an exact time names, and the day of a time."""

import re
from datetime import date, datetime, timedelta

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def time_interval(text: str) -> tuple[float, float]:
    """Parse a year, month, day or ISO time. Returns its first moment and the first moment after it, in Unix seconds.

    Both are the same for an exact time. Times without an offset are local.

    Raises:
        ValueError: the text is not a time; the message shows examples.
    """
    try:
        if found := _DATE.fullmatch(text):
            first = datetime(int(found[1]), int(found[2] or 1), int(found[3] or 1))
            if found[3]:
                after = first + timedelta(days=1)
            else:
                months = 12 * first.year + first.month - 1 + (1 if found[2] else 12)
                after = first.replace(year=months // 12, month=months % 12 + 1)
            return first.timestamp(), after.timestamp()
        moment = datetime.fromisoformat(text)
        exact = moment.timestamp()  # local time if there is no offset
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is not a time: write 2024, 2024-05, 2024-05-01 or 2024-05-01T12:30") from None
    return exact, exact


def is_day(text: str) -> bool:
    """Return whether a text is a month and a day of any year, such as `11-29`."""
    try:
        return re.fullmatch("[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(f"2000-{text}"))
    except ValueError:
        return False


def local_day(moment: float) -> date | None:
    """Return the local day of a time in Unix seconds; None if no calendar date has it."""
    try:
        return datetime.fromtimestamp(moment).date()
    except (ValueError, OverflowError, OSError):
        return None
