"""Number formats of spreadsheets: whether one shows a date, and the date of a number."""

import re
from datetime import datetime, timedelta

# ECMA-376 part 1, 18.8.30: the numbers of built-in formats that show dates or times.
BUILT_IN_DATES = frozenset(map(str, (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))))
# The day before day 1 of a workbook; 29 February 1900, which did not exist, counts as a day.
EPOCH_1900 = datetime(1899, 12, 30).toordinal()
EPOCH_1904 = datetime(1904, 1, 1).toordinal()
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_HOURS = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)


def is_date(code: str) -> bool:
    """Whether a format code shows a date or a time: it has a letter of one outside of quotes and brackets."""
    first = code.split(";", 1)[0]
    return bool(_HOURS.search(first)) or bool(re.search(r"[dmyhs]", _QUOTED.sub("", first), re.IGNORECASE))


def written_date(days: float, epoch: int) -> str:
    """A number of days as a date, a time, or both, as in ISO 8601; nothing if there is no such date."""
    try:
        moment = datetime.fromordinal(epoch) + timedelta(seconds=round(days * 86400))
    except (OverflowError, ValueError):
        return ""
    time = f"{moment:%H:%M:%S}".removesuffix(":00")
    if 0 <= days < 1:
        return time
    return f"{moment:%Y-%m-%d}" if time == "00:00" else f"{moment:%Y-%m-%d} {time}"
