"""Known words of real recordings and pages are compared with what was read."""

import pytest

from demo.words.evaluate import LevelResult
from demo.words.measure import Score
from demo.words.real import RealResult, exactness, table
from demo.words.real_corpus import NAMES, SCANS
from demo.words.transcript import is_in, words_of, wrong_words
from demo.words.truth import Question, Truth

TRUTH = Truth(
    0,
    [
        Question("A cow.", ("1.ogg",), NAMES, NAMES),
        Question("Two wild boars.", ("2.ogg",), NAMES, NAMES),
        Question("CCITTの概要", ("3.png",), SCANS, SCANS),
    ],
    ["4.png", "5.png", "6.wav"],
)


@pytest.mark.parametrize(
    ("known", "read", "found"),
    [
        ("A cow.", "Cow!", True),
        ("A cow.", "Coward", False),
        ("ten of clubs", "10 of Clubs.", True),
        ("Please don't hang up", "Please, don\u2019t hang up.", True),
        ("WELL, WE ASKED", "well we asked for it", True),
        ("the end of it", "of the end it", False),
        ("同じく1925年の会議のとき", "ITは同じく1925年の会議のときCCIF", True),
    ],
)
def test_known_words_are_in_a_text_without_case_and_punctuation(known: str, read: str, found: bool) -> None:
    assert is_in(known, read) is found


@pytest.mark.parametrize(
    ("known", "read", "wrong"),
    [
        ("", "", 0),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c", "a x c", 1),
        ("a b c", "a b b c", 1),
        ("a b c d", "b c d", 1),
        ("a b c", "c a b", 2),
    ],
)
def test_wrong_words_are_the_fewest_changes(known: str, read: str, wrong: int) -> None:
    assert wrong_words(words_of(known), words_of(read)) == wrong
    assert wrong_words(words_of(read), words_of(known)) == wrong


def test_exactness_compares_each_known_text_with_its_own_file() -> None:
    read = {"1.ogg": "A cow", "2.ogg": "Two mild boars", "3.png": "a cow"}
    names, scans = exactness(TRUTH, read)
    assert (names.exact, names.wrong) == (0.5, 1 / 5)
    assert (scans.exact, scans.wrong) == (0, None)  # pages have no word error rate, because few lines are known


def test_the_table_tells_false_readings_of_sounds_and_pictures_apart() -> None:
    found = [Score(NAMES, 2, 0.5, 0.5, None, None), Score(SCANS, 1, 1.0, 1.0, None, None)]
    none = RealResult(LevelResult("none", found, [], 0, 1.0), exactness(TRUTH, {}))
    fast = RealResult(LevelResult("fast", found, ["5.png"], 1, 1.0, 2.0, 3.0), exactness(TRUTH, {"1.ogg": "cow"}))
    text = table([none, fast], TRUTH)
    assert f"| {NAMES} | 2 | 50 | 50 | 80 | 50 |" in text
    assert f"| {SCANS} | 1 | 100 | 0 |  | 100 |" in text
    assert "words in 0 of 1 sounds without speech, and in 1 of 2 pictures without text" in text
