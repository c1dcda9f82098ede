"""Words become lines, and lines stand in reading order."""

from omnisearch.reading.lines import Line, join_lines, join_turned


def word(text: str, left: float, top: float, width: float = 40, height: float = 10) -> Line:
    return Line(text, left, top, left + width, top + height, 0.9)


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def test_words_side_by_side_are_one_line() -> None:
    (line,) = join_lines([word("world", 45, 1), word("hello", 0, 0)])
    assert (line.text, line.left, line.top, line.right, line.bottom) == ("hello world", 0, 0, 85, 11)


def test_words_from_right_to_left_are_joined_in_their_order() -> None:
    (line,) = join_lines([word("الكمان", 0, 0), word("معلم", 45, 1), word("12", 90, 0)])
    assert line.text == "12 معلم الكمان"
    assert (line.left, line.right) == (0, 130)


def test_columns_are_read_one_after_the_other() -> None:
    page = [word("a", 0, 0), word("c", 100, 0), word("b", 0, 12), word("d", 100, 12)]
    assert texts(join_lines(page)) == ["a", "b", "c", "d"]


def test_a_heading_comes_before_its_columns() -> None:
    page = [word("a", 0, 40), word("c", 100, 40), word("b", 0, 52), word("d", 100, 52), word("head", 0, 0, 140)]
    assert texts(join_lines(page)) == ["head", "a", "b", "c", "d"]


def test_a_big_word_does_not_swallow_a_small_one_beside_it() -> None:
    assert len(join_lines([word("BIG", 0, 0, 90, 30), word("small", 95, 10)])) == 2


def test_a_picture_upside_down_is_read_from_its_other_end() -> None:
    page = [word("second", 60, 20), word("first", 60, 80)]
    lines = join_turned(page, 2, 100, 100)
    assert texts(lines) == ["first", "second"]
    assert lines[0] == page[1]


def test_sideways_words_are_joined_along_their_line() -> None:
    # turned to the left, what is at the right comes to the top, and what is at the top comes first
    page = [word("two", 0, 45, 10, 40), word("one", 0, 0, 10, 40), word("zero", 20, 0, 10, 40)]
    lines = join_turned(page, 1, 30, 100)
    assert texts(lines) == ["zero", "one two"]
    assert (lines[1].left, lines[1].top, lines[1].right, lines[1].bottom) == (0, 0, 10, 85)


def test_no_words_are_no_lines() -> None:
    assert join_lines([]) == []
