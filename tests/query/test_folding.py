"""Words without case and accents."""

import pytest

from omnisearch.query.folding import folded_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Canon EOS-R5", ["canon", "eos", "r5"]),
        ("Café Société", ["cafe", "societe"]),
        ("Straße STRASSE", ["strasse"]),
        ("Søren Łódź", ["soren", "lodz"]),
        ("cafe\u0301", ["cafe"]),
        ("\uff23\uff41\uff4e\uff4f\uff4e", ["canon"]),
        ("東京 Tower", ["東", "京", "tower"]),
        ("İstanbul", ["istanbul"]),
        ("Ωmega Ёлка", ["ωmega", "елка"]),
        ("-- !", []),
    ],
)
def test_folded_words(text: str, words: list[str]) -> None:
    assert folded_words(text) == words
