"""Tokens: the words of a text, and the forms in which an index stores them.

    café           cafe
    東京タワー      東京 京タ タワ ワー
    iPhone手机      iphone 手机

A word is a run of letters, digits and their marks. Case is ignored, and so are accents on Latin, Greek and Cyrillic
letters, and signs of vowels on Arabic ones. Text in scripts without spaces between words is stored as pairs of
neighbouring characters, as by Lucene's CJKAnalyzer. So is Korean, because particles are attached to its words. Words
of Latin, Cyrillic, Greek and Arabic letters are also stored as stems.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, pairwise

from omnisearch.query.folding import without_accents
from omnisearch.stores.stems import has_stems, stem, stems

# The part of a word's weight in a query that is matched by its exact form alone; its stem has the rest.
EXACT = 0.3


def _marks() -> str:
    """Return the combining marks of the basic plane, as ranges of a character class."""
    found = groupby(range(0x300, 0x10000), key=lambda code: unicodedata.category(chr(code)).startswith("M"))
    runs = [list(run) for is_mark, run in found if is_mark]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


_PLAIN = re.compile(r"[^\W_]+")
_MARKS = _marks()
WORD = re.compile(f"[^\\W_](?:[^\\W_]|[{_MARKS}])*")
CASED = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+")
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_KANA, _HANGUL = "\u3040-\u30ff\u31f0-\u31ff", "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
_THAI_LAO, _BURMESE_KHMER = "\u0e01-\u0e4e\u0e81-\u0ece", "\u1000-\u103f\u1050-\u109d\u1780-\u17d3"
_UNSPACED = f"{_HAN}{_KANA}{_HANGUL}{_THAI_LAO}{_BURMESE_KHMER}"
_STRETCH = re.compile(f"([{_UNSPACED}{_MARKS}]+)|[^{_UNSPACED}]+")
_CHARACTER = re.compile(f".[{_MARKS}]*", re.DOTALL)  # a letter with its marks
IDEOGRAM = re.compile(f"[{_HAN}]")
_UNSPACED_CHARACTER = re.compile(f"[{_UNSPACED}]")
UNSPACED_PAIR = re.compile(f"[{_UNSPACED}{_MARKS}]{{2}}")


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case and in order. `IMG_2041` is two words."""
    if text.isascii():
        return _PLAIN.findall(text.lower())
    return [word.casefold() for word in _words(text)]


def document_forms(text: str, language: str = "") -> Iterator[str]:
    """Yield the forms in which an index stores the words of a text, once for each occurrence.

    They include the parts of `DogBark` and `IMG2041`, and single ideograms. `language` is a code of ISO 639-1.
    """
    for word in _words(text):
        yield from _stored(word.casefold(), language)
        parts = CASED.findall(word) if _PLAIN.fullmatch(word) else ()
        if len(parts) > 1:
            for part in parts:
                yield from _stored(part.casefold(), language)
        if len(word) > 1 and not word.isascii():
            yield from IDEOGRAM.findall(word)


def query_forms(word: str) -> dict[str, float]:
    """Return the forms by which a word of `words_of` is looked up, with shares of its weight.

    The shares of the forms that one point can have add up to one. Points of an older index have the forms of its
    version; a point of the current version has none of these.
    """
    shares: dict[str, float] = {}
    for found in filter(None, (_older_forms(word), plain_forms(word))):
        shares |= dict.fromkeys(found, 1 / len(found))
    if has_stems(word):
        shares |= {_exact(word): EXACT, **dict.fromkeys(map(without_accents, stems(word)), 1 - EXACT)}
    return shares


@lru_cache(maxsize=1 << 14)
def all_forms(word: str) -> frozenset[str]:
    """Return the forms of a word in lower case in an index of this version, in all languages."""
    if has_stems(word):
        return frozenset((_exact(word), *map(without_accents, stems(word))))
    return frozenset(plain_forms(word))


def has_phrase(text: str, phrase: str) -> bool:
    """Return whether the words of a phrase follow each other in a text. Case, accents and punctuation are ignored."""
    said, wanted = (" ".join(map(without_accents, words_of(each))) for each in (text, phrase))
    if _UNSPACED_CHARACTER.search(wanted):
        return wanted in said
    return bool(wanted) and f" {wanted} " in f" {said} "


def word_length(word: str) -> float:
    """Return the number of words as which a word of a query counts: a run of n characters without spaces is n / 2."""
    return max(1.0, len(plain_forms(word)) / 2)


@lru_cache(maxsize=1 << 14)
def _stored(word: str, language: str) -> tuple[str, ...]:
    return (_exact(word), without_accents(stem(word, language))) if has_stems(word) else plain_forms(word)


def _exact(word: str) -> str:
    return f"={without_accents(word)}"


@lru_cache(maxsize=1 << 14)
def plain_forms(word: str) -> tuple[str, ...]:
    """Return the forms of a word without stems. In an index of version 2, all words have these."""
    if word.isascii():
        return (word,)
    found: list[str] = []
    for match in _STRETCH.finditer(word):
        found += _pairs(match[0]) if match[1] else [match[0]]
    return tuple(dict.fromkeys(without_accents(form) for form in found))


def _older_forms(word: str) -> tuple[str, ...]:
    """Return the forms of a word in an index of version 1 if they differ: there, combining marks end a word."""
    return tuple(dict.fromkeys(form for form in _PLAIN.findall(word) if form not in plain_forms(word)))


def _words(text: str) -> list[str]:
    if text.isascii():
        return _PLAIN.findall(text)  # the same words, in a third of the time
    return WORD.findall(unicodedata.normalize("NFKC", text))


def _pairs(stretch: str) -> list[str]:
    characters = _CHARACTER.findall(stretch)
    return [one + other for one, other in pairwise(characters)] if len(characters) > 1 else characters
