"""Marks: the places of the words of a query in a text."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from omnisearch.stores.stems import has_stems
from omnisearch.stores.tokens import CASED, IDEOGRAM, UNSPACED_PAIR, WORD, all_forms

# The first and the last character, exclusive, of each place, in order.
Marks: TypeAlias = tuple[tuple[int, int], ...]


def mark_words(text: str, asked: frozenset[str]) -> tuple[Marks, int]:
    """Find the words of a text that have one of the `asked` forms, in any language.

    Returns the places of these words, or of the parts of `DogBark` and of words without spaces, and the number of
    distinct places as they are written.
    """
    marks: list[tuple[int, int]] = []
    for match in WORD.finditer(text):
        if places := _places(match[0], asked):
            marks += ((match.start() + first, match.start() + last) for first, last in places)
    return tuple(marks), len({text[first:last].casefold() for first, last in marks})


@lru_cache(maxsize=1 << 14)  # the hits of a query have many words in common
def _places(written: str, asked: frozenset[str]) -> Marks:
    """Return the places in one word that have an asked form: the whole word, or parts of it."""
    if _is_asked(written, asked):
        return ((0, len(written)),)
    return tuple(_joined(sorted(_inner_places(written, asked))))


def _inner_places(written: str, asked: Collection[str]) -> Iterator[tuple[int, int]]:
    parts = (part for part in CASED.finditer(written) if part[0] != written)
    yield from (part.span() for part in parts if _is_asked(part[0], asked))
    if written.isascii():
        return
    for at in range(len(written) - 1):
        if UNSPACED_PAIR.fullmatch(pair := written[at : at + 2]) and not all_forms(pair).isdisjoint(asked):
            yield at, at + 2
    yield from (one.span() for one in re.finditer(IDEOGRAM, written) if one[0] in asked)


def _is_asked(written: str, asked: Collection[str]) -> bool:
    """Return whether a query asks for a word; words without spaces have several forms, which may be in other words."""
    word = written.lower() if written.isascii() else unicodedata.normalize("NFKC", written).casefold()
    forms = all_forms(word)
    return not forms.isdisjoint(asked) and (has_stems(word) or len(forms) == 1)


def _joined(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for first, last in places:
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found
