"""Tokens: in which forms a word is kept and asked for."""

import re
import unicodedata
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.stores.bm25 import _EMPTY, asked_forms, count_words, document_weights, query_weights
from omnisearch.stores.field_text import FieldText
from omnisearch.stores.marks import mark_words
from omnisearch.stores.tokens import words_of
from omnisearch.types import Reading


def kept(text: str) -> set[int]:
    return set(document_weights([FieldText("passage", text)]).indices)


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
        ("ΟΜΙΛΟΣ", "σκακιστικός όμιλος"),
        ("\u03bc\u03c0\u03bb\u03b5", "\u00b5\u03c0\u03bb\u03b5"),  # the sign of micro for a mu
        ("مدرسه", "مَدْرَسَةٌ"),  # signs of vowels, and a teh marbuta
        ("احمد", "أحمد"),
        ("ألى", "إلي"),
        ("كتـــاب", "كتاب"),
        ("ﻛﺘﺎﺏ", "كتاب"),  # letters as they are drawn
        ("کتاب", "كتاب"),  # a Persian letter
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
        assert count_words([(text, 1.0)]) == words
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


def score(query: str, text: str, language: str = "", field: str = "speech") -> float:
    """BM25 of a text alone, of words that are equally rare."""
    point = dict(zip(*document_weights([FieldText(field, text, language)]).plain(), strict=True))
    asked = zip(*query_weights(query).plain(), strict=True)
    return sum(weight * point.get(index, 0) for index, weight in asked)


@pytest.mark.parametrize(
    ("language", "query", "text", "exact"),
    [
        ("en", "running dogs", "the dog runs", "running dogs"),
        ("", "invoices", "an invoice", "invoices"),
        ("de", "Häuser", "ein Haus", "viele Häuser"),
        ("de", "Katze", "die Katzen", "die Katze"),
        ("fr", "chevaux rapides", "un cheval rapide", "chevaux rapides"),
        ("fr", "chanter", "elle chante", "chanter"),
        ("es", "perros corriendo", "el perro corre", "perros corriendo"),
        ("ru", "собаки", "собака", "собаки"),
        ("", "собаки", "собака", "собаки"),  # its script tells the language
        ("el", "ποδήλατο", "τρόμπα ποδηλάτου", "το ποδήλατο"),
        ("ar", "مكتبة", "خلف المكتبة", "مكتبة"),
        ("", "القطار", "بالقطار", "القطار"),
    ],
)
def test_a_word_is_found_in_another_form_and_counts_less_than_the_same_form(
    language: str, query: str, text: str, exact: str
) -> None:
    n = count_words([(query, 1.0)])
    assert 0.3 * n < score(query, text, language) < score(query, exact, language) == pytest.approx(n)


@pytest.mark.parametrize(
    ("language", "query", "text"),
    [
        ("en", "news", "a new car"),  # one stem in French and in Dutch
        ("de", "Hund", "hundert"),
        ("fr", "pain", "peindre"),
        ("es", "casa", "casi"),
        ("ru", "кот", "который"),
        ("el", "πύργος", "πυρκαγιά"),
        ("ar", "كتاب", "كلب"),
        ("en", "2041", "20411"),
    ],
)
def test_another_word_has_another_stem(language: str, query: str, text: str) -> None:
    assert score(query, text, language) == 0


def test_names_and_captions_count_more_than_what_was_read_in_a_picture() -> None:
    found = [score("invoice", "invoice", field=field) for field in ("name", "caption", "speech", "ocr")]
    assert found[0] == found[1] > found[2] > found[3]
    sure, unsure = (FieldText("ocr", "x", "", Reading("ocr", "x", confidence=p)) for p in (1.0, 0.5))
    assert unsure.weight == sure.weight / 2


def test_the_occurrences_in_all_fields_are_added_before_they_saturate() -> None:
    """BM25F, by hand: a name of weight 1.5 and a passage of weight 0.5 give tf = 2."""
    both = document_weights([FieldText("name", "2041"), FieldText("passage", "2041")])
    assert max(both.values) == pytest.approx(2 * 2.2 / 3.2)


@pytest.mark.parametrize(
    ("query", "text", "places"),
    [
        ("running dogs", "A dog ran; the Dogs run.", ["dog", "Dogs", "run"]),
        ("bark 2041", "DogBark_IMG2041.jpg", ["Bark", "2041"]),
        ("東京", "私は東京タワーを見た", ["東京"]),
        ("東京タワー", "私は東京タワーを見た", ["東京タワー"]),
        ("犬", "白い犬が走る", ["犬"]),
        ("مكتبة", "نادي خلف المكتبةِ", ["المكتبةِ"]),
        ("cafe", "\U0001d538 Le Café, cafeteria", ["Café"]),
        ("zebra", "A dog", []),
    ],
)
def test_the_words_of_a_query_are_marked_where_they_are(query: str, text: str, places: list[str]) -> None:
    marks, words = mark_words(text, asked_forms(query))
    assert [text[first:last] for first, last in marks] == places
    assert words == len({place.casefold() for place in places})
