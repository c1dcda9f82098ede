"""Passages: a stream of text cut into overlapping parts that end with a paragraph, a sentence or a word."""

import re
from collections.abc import Iterable, Iterator

from omnisearch.media.segmentation import Segmentation
from omnisearch.types import Piece, Segment

SNIPPET = 160
# Characters before the current passage that are kept before the buffer is shortened.
_BEHIND = 65_536
_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]]*\s+|\n")


def passages(blocks: Iterable[str], cut: Segmentation) -> Iterator[Piece]:
    """Cut at the end of a paragraph, else of a sentence, else of a word; neighbouring passages overlap.

    Segments count characters from the start of the text. The buffer holds at most one passage and a few blocks.
    """
    source = iter(blocks)
    text, offset = "", 0  # the buffer, and the position of its first character
    start = index = 0
    ended = False
    while True:
        if not ended:
            text, ended = _filled(text, source, start + int(cut.characters * 1.25))
        end = _end(text, start, cut.characters)
        last = ended and end == len(text)
        whole = last and offset + start == 0
        segment = Segment() if whole else Segment(index, offset + start, offset + end, "characters")
        yield Piece(segment, text[start:end], snippet(text[start:end]))
        if last:
            return
        start, index = _next_start(text, start, end, cut.character_overlap), index + 1
        if start > _BEHIND:
            text, offset, start = text[start:], offset + start, 0


def snippet(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text[: 4 * SNIPPET].split())
    return line if len(line) <= SNIPPET else line[: SNIPPET - 1].rstrip() + "\u2026"


def _filled(text: str, source: Iterator[str], length: int) -> tuple[str, bool]:
    """The text with blocks added until it is longer than `length`, and whether the source has ended."""
    parts, count = [text], len(text)
    while count <= length:
        block = next(source, None)
        if block is None:
            return "".join(parts), True
        parts.append(block)
        count += len(block)
    return "".join(parts), False


def _end(text: str, start: int, length: int) -> int:
    if len(text) - start <= length * 1.25:  # a short rest joins the last passage
        return len(text)
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
