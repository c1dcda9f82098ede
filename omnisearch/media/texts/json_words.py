"""JSON and JSON lines: keys and values in lines, read value by value."""

from collections.abc import Iterable, Iterator
from typing import Any

import ijson

from omnisearch.media.file import Source
from omnisearch.media.texts.encoding import blocks, find_encoding
from omnisearch.media.texts.parts import Part

# A longer string without a space is data, such as a picture in base64.
LONGEST_WORD = 1000


def parts(source: Source, notes: list[str]) -> Iterator[Part]:
    """Yield the one part of a file. A file that is not JSON, such as one with comments, is read as plain text."""
    yield Part("", _words(source, notes))


def is_data(text: str) -> bool:
    """Whether a string is data and not words."""
    return len(text) > LONGEST_WORD and " " not in text[:LONGEST_WORD]


def _words(source: Source, notes: list[str]) -> Iterator[str]:
    encoding = find_encoding(source.file, declares=False)
    words, any_words = _Words(), False
    try:
        file = _Encoded(blocks(source.file, encoding.codec))
        for event, value in ijson.basic_parse(file, multiple_values=True, use_float=True):
            if text := words.of(event, value):
                any_words = True
                yield text
    except ijson.JSONError:
        if any_words:
            notes.append("partly read: the rest is not valid JSON")
            return
        notes.append("read as plain text: it is not valid JSON")
        yield from blocks(source.file, encoding.codec)


class _Encoded:
    """A text as a file in UTF-8, which the parser reads."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._blocks = filter(None, (text.encode(errors="replace") for text in texts))

    def read(self, size: int) -> bytes:
        """The next block of any size; nothing at the end."""
        return next(self._blocks, b"") if size else b""


class _Words:
    """Turns events into lines. Containers are kept in a list, because they may be nested to any depth."""

    def __init__(self) -> None:
        self._key = ""
        self._in_list = list[bool]()
        self._numbers = False  # whether the last line holds numbers of a list

    def of(self, event: str, value: Any) -> str:
        """The words of an event, which may be none."""
        if event == "map_key":
            self._key = str(value)
            return ""
        key, self._key = self._key, ""
        before = "\n" if self._numbers and event != "number" else ""
        self._numbers = event == "number" and not key
        if event in ("start_map", "start_array"):
            self._in_list.append(event == "start_array")
            return f"{before}{key}:\n" if key else before
        if event in ("end_map", "end_array"):
            self._in_list.pop()
            is_record = event == "end_map" and (not self._in_list or self._in_list[-1])
            return f"{before}\n" if is_record else before
        return before + self._value(event, value, key)

    def _value(self, event: str, value: Any, key: str) -> str:
        if value is None or (isinstance(value, str) and is_data(value)):
            return ""
        shown = str(value).lower() if event == "boolean" else str(value)
        if key:
            return f"{key}: {shown}\n"
        return f"{shown} " if event == "number" else f"{shown}\n"
