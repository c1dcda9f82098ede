"""The words of an HTML page: its title and its visible text."""

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

_HIDDEN = {"script", "style", "template", "noscript", "head"}
_BLOCKS = {"p", "div", "li", "tr", "br", "section", "article", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table"}


def html_words(blocks: Iterable[str], with_title: bool = True) -> Iterator[str]:
    """Parse a page block by block and yield its words."""
    reader = _Words(with_title)
    for block in blocks:
        reader.feed(block)
        yield reader.take()
    reader.close()
    yield reader.take()


class _Words(HTMLParser):
    def __init__(self, with_title: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._with_title = with_title
        self._parts: list[str] = []
        self._hidden = 0
        self._title = False

    def take(self) -> str:
        """The words since the last call."""
        words, self._parts = "".join(self._parts), []
        return words

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "title" and self._with_title:
            self._title = True
        elif tag == "body":
            self._hidden = 0
        elif tag in _HIDDEN:
            self._hidden += 1
        elif tag in _BLOCKS:
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._title:
            self._title = False
            self._parts.append("\n\n")
        elif tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCKS:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._title or not self._hidden:
            self._parts.append(re.sub(r"\s+", " ", data))
