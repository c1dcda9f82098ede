"""Compare words that were read with words that are known, without case and punctuation."""

import re
from collections.abc import Sequence

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_CHARACTERS = "\\u3040-\\u30ff\\u3400-\\u9fff"  # Japanese and Chinese: no spaces are between words
_WORD = re.compile(rf"[{_CHARACTERS}]|[^\W{_CHARACTERS}]+")
_ARTICLES = ("a", "an", "the")


def words_of(text: str) -> list[str]:
    """Return the words of a text; whole numbers up to ten are spelled, because recognizers write them either way."""
    words = _WORD.findall(re.sub("['\u2019]", "", text.casefold()))
    return [_NUMBERS[int(word)] if word.isascii() and word.isdigit() and int(word) <= 10 else word for word in words]


def is_in(known: str, read: str) -> bool:
    """Return whether the known words are in the text that was read, one after the other. A first article may lack."""
    words = words_of(known)
    words = words[1:] if len(words) > 1 and words[0] in _ARTICLES else words
    return f" {' '.join(words)} " in f" {' '.join(words_of(read))} "


def wrong_words(known: Sequence[str], read: Sequence[str]) -> int:
    """Return how many words must be replaced, removed or inserted to make one text into the other (Levenshtein)."""
    row = list(range(len(read) + 1))
    for n, word in enumerate(known, 1):
        before, row[0] = row[0], n
        for k, other in enumerate(read, 1):
            before, row[k] = row[k], min(row[k] + 1, row[k - 1] + 1, before + (word != other))
    return row[-1]
