"""Lyrics with times (.lrc)."""

import re
from collections.abc import Iterator

_STAMP = re.compile(r"\[(\d{1,4}):(\d{1,2}(?:[.:]\d{1,3})?)\]")
_WORD_STAMP = re.compile(r"<\d{1,4}:\d{1,2}(?:[.:]\d{1,3})?>")
LAST_SECONDS = 5.0  # for which the last line is sung


def lyrics(text: str) -> Iterator[tuple[float, float, str]]:
    """Yield (start, end, line) in order; a line with several stamps is sung several times, each until the next line."""
    sung: list[tuple[float, str]] = []
    for line in text.splitlines():
        words = _WORD_STAMP.sub("", _STAMP.sub("", line)).strip()
        stamps = _STAMP.findall(line)
        sung += [(60 * int(minutes) + float(seconds.replace(":", ".")), words) for minutes, seconds in stamps]
    sung.sort(key=lambda row: row[0])
    ends = [start for start, _ in sung[1:]] + [sung[-1][0] + LAST_SECONDS] if sung else []
    for (start, words), end in zip(sung, ends, strict=True):
        yield start, end, words
