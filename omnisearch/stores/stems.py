"""Stems: the common part of the forms of a word, by the Snowball algorithms (Porter, 2001).

    running, runs -> en:run          Häuser, Haus -> de:haus          собаки, собака -> ru:собак

A text is stemmed in its own language, and a word of a query in every language, because its language is not known. Stems
of different languages are different forms: otherwise the French stem of `news` would find the English `new`.
"""

import re
import threading
from functools import lru_cache

import Stemmer

from omnisearch.query.folding import without_accents

# The languages of Latin script, the default one first.
LATIN = {
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "nl": "dutch",
    "pt": "portuguese",
}  # fmt: skip
# The languages of other scripts.
_OTHERS = {"ru": "russian", "el": "greek", "ar": "arabic"}
_LATIN_WORD = re.compile("[a-z\u00df-\u024f]{3,}")
_OTHER_WORDS = {
    "ru": re.compile("[\u0400-\u04ff]{3,}"),
    "el": re.compile("[\u0370-\u03ff\u1f00-\u1fff]{3,}"),
    "ar": re.compile("[\u0620-\u065f\u066e-\u06d3]{3,}"),  # with those of Persian and Urdu
}
_STEMMERS = {code: Stemmer.Stemmer(name, 0) for code, name in (LATIN | _OTHERS).items()}
_TURN = threading.Lock()  # a stemmer must not be called by two threads at the same time


def has_stems(word: str) -> bool:
    """Return whether a word in lower case is of a script whose languages are stemmed, and long enough."""
    return bool(_languages(word))


def stem(word: str, language: str) -> str:
    """Return the stem of a word that has stems, in a language by its code of ISO 639-1.

    The language of its script is used if the word cannot be of this language.
    """
    known = _languages(word)
    return _stem(word, language if language in known else known[0])


def stems(word: str) -> tuple[str, ...]:
    """Return the stems of a word that has stems, one in each language of its script."""
    return tuple(_stem(word, language) for language in _languages(word))


def _languages(word: str) -> tuple[str, ...]:
    """Return the languages of the script of a word, the default one first."""
    if _LATIN_WORD.fullmatch(word):
        return tuple(LATIN)
    return tuple(code for code, letters in _OTHER_WORDS.items() if letters.fullmatch(word))


@lru_cache(maxsize=1 << 16)
def _stem(word: str, language: str) -> str:
    if language == "ar":
        word = without_accents(word)  # its stemmer knows neither the letters of Persian nor all marks
    with _TURN:
        return f"{language}:{_STEMMERS[language].stemWord(word)}"
