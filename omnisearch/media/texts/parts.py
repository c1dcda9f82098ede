"""Parts of a text: its pages, slides, sheets or chapters, each with a name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from omnisearch.media.texts.clean import clean

_BETWEEN = "\n\n"
_NAME = 80

# A block of text with the name of its part.
NamedBlock: TypeAlias = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Part:
    """The `name` of a part, which is empty for a text without parts, and its words block by block."""

    name: str
    blocks: Iterable[str]


def part_name(noun: str, title: object) -> str:
    """Return the name of a part with a title of the file, on one line: "sheet Budget"."""
    line = " ".join(f"{noun} {title}".split())
    return line if len(line) <= _NAME else line[: _NAME - 1].rstrip() + "\u2026"


def split_by_name(blocks: Iterable[NamedBlock]) -> Iterator[Part]:
    """Yield a part for each run of blocks with the same name. Read the blocks of a part before the next part."""
    for name, group in groupby(blocks, key=itemgetter(0)):
        yield Part(name, map(itemgetter(1), group))


def joined(parts: Iterable[Part], most: int, notes: list[str]) -> Iterator[NamedBlock]:
    """Yield the cleaned blocks of all parts, with a blank line between parts that have words.

    After `most` characters the text ends, and a note says so.
    """
    before: Part | None = None
    left = most
    for part in parts:
        for block in filter(None, clean(part.blocks)):
            if before is not None and before is not part:
                yield before.name, _BETWEEN
            before = part
            yield part.name, block[:left]
            left -= len(block)
            if left <= 0:
                notes.append(f"partly read: the first {most:,} characters")
                return
