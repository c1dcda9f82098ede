"""Tokens: the words of a text, and the forms in which an index stores them.

    café           cafe
    東京タワー      東京 京タ タワ ワー
    iPhone手机      iphone 手机

A word is a run of letters, digits and their marks. Case is ignored, and so are accents on Latin, Greek and Cyrillic
letters. Text in scripts without spaces between words is stored as pairs of neighbouring characters, as by Lucene's
CJKAnalyzer. So is Korean, because particles are attached to its words.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, pairwise

# The version of `forms` and `inner_forms`. After a change, the next run of the indexer writes all words again.
FORMS = 2


def _marks() -> str:
    """Return the combining marks of the basic plane, as ranges of a character class."""
    found = groupby(range(0x300, 0x10000), key=lambda code: unicodedata.category(chr(code)).startswith("M"))
    runs = [list(run) for is_mark, run in found if is_mark]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


_PLAIN = re.compile(r"[^\W_]+")
_MARKS = _marks()
_WORD = re.compile(f"[^\\W_](?:[^\\W_]|[{_MARKS}])*")
_CASED = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+")
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_KANA, _HANGUL = "\u3040-\u30ff\u31f0-\u31ff", "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
_THAI_LAO, _BURMESE_KHMER = "\u0e01-\u0e4e\u0e81-\u0ece", "\u1000-\u103f\u1050-\u109d\u1780-\u17d3"
_UNSPACED = f"{_HAN}{_KANA}{_HANGUL}{_THAI_LAO}{_BURMESE_KHMER}"
_STRETCH = re.compile(f"([{_UNSPACED}{_MARKS}]+)|[^{_UNSPACED}]+")
_CHARACTER = re.compile(f".[{_MARKS}]*", re.DOTALL)  # a letter with its marks
_IDEOGRAM = re.compile(f"[{_HAN}]")
# Accents, as NFD writes them; the marks of other scripts are vowels.
_ACCENTS = re.compile("[\u0300-\u036f]")
# Letters that NFD does not decompose; \u0131 is the dotless i.
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "þ": "th", "\u0131": "i"}
)


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case and in order. `IMG_2041` is two words."""
    return [word.casefold() for word in _words(text)]


@lru_cache(maxsize=1 << 14)
def forms(word: str) -> tuple[str, ...]:
    """Return the forms in which an index stores a word of `words_of`, without duplicates."""
    if word.isascii():
        return (word,)
    found: list[str] = []
    for match in _STRETCH.finditer(word):
        found += _pairs(match[0]) if match[1] else [match[0]]
    return tuple(dict.fromkeys(_folded(form) for form in found))


def older_forms(word: str) -> tuple[str, ...]:
    """Return the forms of a word in an index of version 1 if they differ: there, combining marks end a word."""
    return tuple(dict.fromkeys(form for form in _PLAIN.findall(word) if form not in forms(word)))


def inner_forms(text: str) -> Iterator[str]:
    """Return the additional forms that an index stores: the parts of `DogBark` and `IMG2041`, single ideograms."""
    for word in _words(text):
        parts = _CASED.findall(word) if _PLAIN.fullmatch(word) else ()
        if len(parts) > 1:
            yield from (_folded(part.casefold()) for part in parts)
        if len(word) > 1 and not word.isascii():
            yield from _IDEOGRAM.findall(word)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def _pairs(stretch: str) -> list[str]:
    characters = _CHARACTER.findall(stretch)
    return [one + other for one, other in pairwise(characters)] if len(characters) > 1 else characters


def _folded(word: str) -> str:
    if word.isascii():
        return word
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", word))
    return unicodedata.normalize("NFC", bare).translate(_LETTERS)
