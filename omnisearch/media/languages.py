"""Language codes: those of three letters (ISO 639-2, as in Matroska, MP4 and ID3) as those of two (ISO 639-1)."""

import re

_TAG = re.compile(r"([a-z]{2,3})(?:[-_].*)?")
_NAME = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,4})?")
# Some languages have two codes of three letters: one from the English name and one from the language's own.
_CODES = """
ara:ar ben:bn bul:bg cat:ca ces:cs cze:cs chi:zh zho:zh dan:da deu:de ger:de dut:nl nld:nl ell:el
gre:el eng:en est:et fas:fa per:fa fin:fi fra:fr fre:fr heb:he hin:hi hrv:hr hun:hu ind:id isl:is
ice:is ita:it jpn:ja kor:ko lav:lv lit:lt may:ms msa:ms nob:no nor:no pol:pl por:pt ron:ro rum:ro
rus:ru slk:sk slo:sk slv:sl spa:es srp:sr swe:sv tam:ta tel:te tha:th tur:tr ukr:uk urd:ur vie:vi
"""
_SHORT = dict(pair.split(":") for pair in _CODES.split())
_UNKNOWN = frozenset({"und", "mul", "mis", "zxx", "xx", "xxx"})


def language_code(tag: object) -> str | None:
    """Return the code of a language tag such as `de-AT`, `ger` or `pt_BR`; None if it names no single language."""
    found = _TAG.fullmatch(tag.strip().lower()) if isinstance(tag, str) else None
    return _SHORT.get(found[1], found[1]) if found and found[1] not in _UNKNOWN else None


def two_letter_code(name: str) -> str:
    """Return the code of two letters of a language named `en`, `eng` or `en-GB`; empty if the name has none.

    It is for names that may mean something else: `sdh` in `film.sdh.srt` is no language.
    """
    code = (language_code(name) or "") if _NAME.fullmatch(name.lower()) else ""
    return code if len(code) == 2 else ""
