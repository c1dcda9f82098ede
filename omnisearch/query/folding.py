"""Words without case and accents, as conditions compare them: `Café-Bar` is cafe, bar."""

import re
import unicodedata

# Scripts without spaces between words: each character counts as a word.
_HAN, _KANA, _HANGUL = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff", "\u3040-\u30ff", "\uac00-\ud7a3"
_THAI_LAO, _BURMESE_KHMER = "\u0e00-\u0eff", "\u1000-\u109f\u1780-\u17ff"
_WORD = re.compile(
    rf"[{_HAN}{_KANA}{_HANGUL}{_THAI_LAO}{_BURMESE_KHMER}]|[^\W_{_HAN}{_KANA}{_HANGUL}{_THAI_LAO}{_BURMESE_KHMER}]+"
)
# Accents, as NFD writes them, and the vowel signs, hamza and tatweel of Arabic, which are mostly left out; the marks of
# other scripts are vowels that are always written.
_ACCENTS = re.compile("[\u0300-\u036f\u0640\u064b-\u065f\u0670]")
# Letters that NFD does not decompose; \u0131 is the dotless i. Of Arabic, the forms of a letter in several languages:
# alef wasla, keheh, Farsi yeh and alef maksura.
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "þ": "th", "\u0131": "i"}
    | {"\u0671": "\u0627", "\u06a9": "\u0643", "\u06cc": "\u064a", "\u0649": "\u064a"}
)


def folded_words(text: str) -> list[str]:
    """Return the words of a text in order, each once."""
    folded = without_accents(unicodedata.normalize("NFKC", text).casefold())
    return list(dict.fromkeys(_WORD.findall(folded)))


def without_accents(text: str) -> str:
    """Remove the accents from the letters of a text in lower case: Latin, Greek and Cyrillic ones, and Arabic signs.

    Forms of an Arabic letter become one, mostly as in Lucene's ArabicNormalizer.
    """
    if text.isascii():
        return text
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).translate(_LETTERS)
