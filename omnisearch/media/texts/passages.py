"""Passages: a stream of text cut into overlapping parts that end with a part, a paragraph or a sentence."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

from omnisearch.media.segmentation import Segmentation
from omnisearch.media.texts.parts import NamedBlock
from omnisearch.types import Piece, Segment

SNIPPET = 160
# Characters before the current passage that are kept before the buffer is shortened.
_BEHIND = 65_536
_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]]*\s+|\n")


def passages(blocks: Iterable[NamedBlock], cut: Segmentation) -> Iterator[Piece]:
    """Cut at the end of a part, else of a paragraph, else of a sentence, else of a word.

    A passage that ends with a part does not overlap with the next one; other neighbours do. A part that is shorter than
    a quarter of a passage is joined with the next part, and the passage has the name of the first. Segments count
    characters from the start of the text. The buffer holds at most one passage and a few blocks.
    """
    buffer = _Buffer(iter(blocks))
    start = index = 0  # `start` counts from the beginning of the buffer
    while True:
        buffer.fill(start + int(cut.characters * 1.25))
        rest = buffer.border(start + cut.characters // 4)
        end = _end(buffer.text, start, cut.characters, rest)
        last = buffer.ended and end == len(buffer.text)
        at, part = buffer.offset + start, buffer.part(start)
        whole = last and at == 0
        segment = Segment(part=part) if whole else Segment(index, at, buffer.offset + end, "characters", part)
        yield Piece(segment, buffer.text[start:end], snippet(buffer.text[start:end]))
        if last:
            return
        start = end if end == rest else _next_start(buffer.text, start, end, cut.character_overlap)
        index += 1
        if start > _BEHIND:
            buffer.drop(start)
            start = 0


def snippet(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text[: 4 * SNIPPET].split())
    return line if len(line) <= SNIPPET else line[: SNIPPET - 1].rstrip() + "\u2026"


class _Buffer:
    """The part of a text that is in memory. `offset` is the position of its first character in the whole text."""

    def __init__(self, source: Iterator[NamedBlock]) -> None:
        self.text, self.offset, self.ended = "", 0, False
        self._source = source
        self._parts = [(0, "")]  # where parts begin in the whole text, and their names

    def fill(self, length: int) -> None:
        """Add blocks until the buffer is longer than `length` or the source has ended."""
        blocks, count = [self.text], len(self.text)
        while count <= length:
            named = next(self._source, None)
            if named is None:
                self.ended = True
                break
            name, block = named
            if name != self._parts[-1][1]:
                self._parts.append((self.offset + count, name))
            blocks.append(block)
            count += len(block)
        self.text = "".join(blocks)

    def part(self, at: int) -> str:
        """The name of the part at a position."""
        after = bisect_right(self._parts, self.offset + at, key=itemgetter(0))
        return self._parts[after - 1][1]

    def border(self, least: int) -> int:
        """The first beginning of a part that is at `least` or later, or else the end of the buffer."""
        following = bisect_left(self._parts, self.offset + least, key=itemgetter(0))
        return self._parts[following][0] - self.offset if following < len(self._parts) else len(self.text)

    def drop(self, count: int) -> None:
        """Forget the first `count` characters."""
        first = bisect_right(self._parts, self.offset + count, key=itemgetter(0)) - 1
        self.text, self.offset, self._parts = self.text[count:], self.offset + count, self._parts[first:]


def _end(text: str, start: int, length: int, rest: int) -> int:
    if rest - start <= length * 1.25:  # a short rest of a part joins its last passage
        return rest
    half = start + length // 2
    for pattern in (_PARAGRAPH, _SENTENCE):
        ends = [match.end() for match in pattern.finditer(text, half, start + length)]
        if ends:
            return ends[-1]
    space = text.rfind(" ", half, start + length)
    return space + 1 if space > 0 else start + length


def _next_start(text: str, start: int, end: int, overlap: int) -> int:
    earliest = max(end - overlap, start + 1)
    sentence = _SENTENCE.search(text, earliest, end)
    if sentence and sentence.end() < end:
        return sentence.end()
    space = text.find(" ", earliest, end - 1)
    return space + 1 if space > 0 else earliest
