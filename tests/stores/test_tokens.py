"""Tokens: in which forms a word is kept and asked for."""

import re
import unicodedata
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.stores.bm25 import _EMPTY, count_words, document_weights, query_weights
from omnisearch.stores.tokens import words_of


def kept(text: str) -> set[int]:
    return set(document_weights("/", (), (), {}, text).indices)


def asked(text: str) -> set[int]:
    return set(query_weights(text).indices)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("cafe", "Le Café de Paris"),
        ("CAFÉ", "cafe"),
        ("cafe\u0301", "caf\u00e9"),
        ("grosse", "Größe große"),
        ("lodz", "Łódź"),
        ("Αθηνα", "Αθήνα"),
        ("елка", "ёлка"),
        ("viet nam", "Việt Nam"),
        ("東京", "私は東京タワーを見た"),
        ("犬", "白い犬が走る"),
        ("北京", "我爱北京天安门"),
        ("手机", "iphone手机壳"),
        ("학교", "학교에서 만나요"),
        ("ภาษา", "เรียนภาษาไทยวันนี้"),
        ("ｶﾞﾗｽ", "ガラス窓"),
        ("हिन्दी", "यह हिन्दी है"),
    ],
)
def test_a_query_meets_a_text_in_another_form(query: str, text: str) -> None:
    assert asked(query) & kept(text)


@pytest.mark.parametrize(
    ("query", "text"), [("東京", "京東"), ("が", "か"), ("大阪", "東京"), ("หมา", "แมว"), ("cafe", "cafeteria")]
)
def test_what_is_another_word_is_not_met(query: str, text: str) -> None:
    assert not asked(query) & kept(text)


def test_the_forms_of_a_word_share_its_weight() -> None:
    """So BM25 and the evidence against a match count words, not forms."""
    for text, words in {"cafe": 1, "café": 1, "東京": 1, "犬": 1, "東京タワー": 2, "iPhone 手机": 2}.items():
        assert count_words(text) == words
        of_this_version = [w for i, w in zip(*query_weights(text).plain(), strict=True) if int(i) in kept(text)]
        assert sum(of_this_version) == pytest.approx(words)


def words_of_version_1(text: str) -> list[str]:
    return [word.casefold() for word in re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text))]


SCRIPTS = st.characters(min_codepoint=0x20, max_codepoint=0x2FFFF, exclude_categories=("Cs", "Cn"))


@given(st.text(SCRIPTS | st.sampled_from("aÉö ー東ก้अाé_"), max_size=12))
def test_the_words_of_an_older_index_are_still_asked_for(text: str) -> None:
    old = {zlib.crc32(word.encode()) for word in words_of_version_1(text) if word not in _EMPTY}
    assert old <= asked(text)


@given(st.text(SCRIPTS, max_size=12))
def test_a_text_is_found_by_every_word_of_it(text: str) -> None:
    for word in words_of(text):
        assert asked(word) & kept(text) or word in _EMPTY
