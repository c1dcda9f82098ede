"""Join recognized words to lines, and put the lines into reading order."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

# Words belong to one line if their boxes overlap vertically by this share of the lower one, and the gap between them
# is at most this many line heights.
_OVERLAP, _GAP = 0.5, 1.2
# A column ends at a free stretch of this many line heights.
_GUTTER = 1.5
_MAX_SPLITS = 32


@dataclass(frozen=True)
class Line:
    """Text with its bounding box in pixels, and the confidence of its recognition in [0, 1]."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float

    @property
    def height(self) -> float:
        """The height of the box."""
        return self.bottom - self.top


def join_lines(words: Sequence[Line]) -> list[Line]:
    """Join words that stand side by side, and return the lines in reading order: columns first, then from the top."""
    lines: list[Line] = []
    for word in sorted(words, key=lambda word: word.left):
        nearest = [number for number, line in enumerate(lines) if _continues(line, word)]
        if nearest:
            best = min(nearest, key=lambda number: word.left - lines[number].right)
            lines[best] = _joined(lines[best], word)
        else:
            lines.append(word)
    return _ordered(lines, _MAX_SPLITS)


def join_turned(words: Sequence[Line], turns: int, width: float, height: float) -> list[Line]:
    """Join the words of a picture of `width` x `height` whose text is upright after quarter turns to the left."""
    sides = (width, height)
    upright = [_turned(word, turns, *sides) for word in words]
    lines = join_lines(upright)
    return [_turned(line, -turns % 4, *(sides if turns % 2 == 0 else sides[::-1])) for line in lines]


def _turned(line: Line, turns: int, width: float, height: float) -> Line:
    for _ in range(turns):
        line = replace(line, left=line.top, top=width - line.right, right=line.bottom, bottom=width - line.left)
        width, height = height, width
    return line


def _continues(line: Line, word: Line) -> bool:
    shared = min(line.bottom, word.bottom) - max(line.top, word.top)
    low, high = sorted((line.height, word.height))
    return shared >= _OVERLAP * low and high <= 2 * low and word.left - line.right <= _GAP * high


def _joined(line: Line, word: Line) -> Line:
    """Join a line with the word on its right, which precedes it in a script that is written from right to left."""
    letters = len(line.text), len(word.text)
    texts = (word.text, line.text) if _is_leftward(line.text + word.text) else (line.text, word.text)
    return Line(
        " ".join(texts),
        line.left,
        min(line.top, word.top),
        max(line.right, word.right),
        max(line.bottom, word.bottom),
        (line.confidence * letters[0] + word.confidence * letters[1]) / max(sum(letters), 1),
    )


def _is_leftward(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)


def _ordered(lines: list[Line], splits: int) -> list[Line]:
    """Order lines by cutting the page at free columns and rows (recursive XY cut, Nagy and Seth 1984)."""
    if len(lines) > 1 and splits:
        height = median(line.height for line in lines)
        across = _cut(lines, [(line.left, line.right) for line in lines], _GUTTER * height)
        parts = across or _cut(lines, [(line.top, line.bottom) for line in lines], _GUTTER * height)
        if parts:
            return [line for part in parts for line in _ordered(part, splits - 1)]
    return sorted(lines, key=lambda line: (line.top + line.bottom, line.left))


def _cut(lines: list[Line], spans: list[tuple[float, float]], free: float) -> list[list[Line]]:
    """Cut lines into two parts at the widest gap between their spans; empty if no gap is wider than `free`."""
    order = sorted(range(len(lines)), key=lambda number: spans[number])
    reached, widest, place = spans[order[0]][1], free, 0
    for rank, number in enumerate(order[1:], 1):
        start, end = spans[number]
        if start - reached > widest:
            widest, place = start - reached, rank
        reached = max(reached, end)
    return [[lines[number] for number in part] for part in (order[:place], order[place:])] if place else []
