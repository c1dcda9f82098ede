"""The paragraphs of an XML document. A row of a table is one paragraph, in which bars separate the cells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from omnisearch.media.texts.xml_events import End, Event, Start

CELL = " | "


@dataclass(frozen=True)
class Vocabulary:
    """The names of the elements of a format.

    Words are inside elements `words`; a `paragraphs` element ends a line; `rows` and `cells` are those of tables;
    `signs` are elements that stand for characters.
    """

    words: frozenset[str]
    paragraphs: frozenset[str]
    rows: frozenset[str]
    cells: frozenset[str]
    signs: Mapping[str, str]


class Paragraph:
    """The open paragraph. A reader may note its `style` when it meets it."""

    def __init__(self) -> None:
        self.style = self._separator = ""
        self._text: list[str] = []
        self._has_words = False

    def add(self, text: str) -> None:
        """Add words, after the separator if there are words on both sides of it."""
        if not text.isspace():
            self._text.append(self._separator)
            self._separator, self._has_words = "", True
        self._text.append(text)

    def separate(self, separator: str) -> None:
        """Separate the next words from those before; a bar replaces a space."""
        if self._has_words and self._separator != CELL:
            self._separator = separator

    def take(self) -> str:
        """End the paragraph. Returns its text with a line end, or nothing if it has no words."""
        text = "".join(self._text) if self._has_words else ""
        self.style = self._separator = ""
        self._text.clear()
        self._has_words = False
        return f"{text}\n" if text else ""


def lines(events: Iterable[Event], names: Vocabulary) -> Iterator[str]:
    """Yield the paragraphs that have words, each with a line end."""
    paragraph = Paragraph()
    for event in marked(events, names, paragraph):
        if event is None and (text := paragraph.take()):
            yield text


def marked(events: Iterable[Event], names: Vocabulary, paragraph: Paragraph) -> Iterator[Event | None]:
    """Collect words in `paragraph`. Yields every event after it was taken in, and None where the paragraph ends."""
    rows = inside = 0
    for event in events:
        if isinstance(event, str):
            if inside:
                paragraph.add(event)
        elif isinstance(event, Start):
            inside += event.name in names.words
            rows += event.name in names.rows
            if event.name in names.signs:
                paragraph.add(names.signs[event.name])
            elif event.name in names.cells:
                paragraph.separate(CELL)
        else:
            inside -= event.name in names.words
            rows -= event.name in names.rows
            if _ends_a_line(event, names):
                if not rows:
                    yield None
                paragraph.separate(" ")
        yield event
    yield None


def _ends_a_line(event: End, names: Vocabulary) -> bool:
    return event.name in names.paragraphs or event.name in names.rows
