"""The query grammar."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from omnisearch.cli.commands import build
from omnisearch.errors import QueryError
from omnisearch.query.expressions import And, Expression, ItemRef, Term, Then
from omnisearch.query.grammar import check_file, parse, parse_path, split
from omnisearch.query.phrases import phrases, without_quotes
from omnisearch.types import Page, Region, Stretch


@pytest.mark.parametrize(
    ("tokens", "terms"),
    [
        (["a dog"], [Term("a dog")]),
        (["a", "dog"], [Term("a dog")]),
        (["a dog", "+", "./bark.wav"], [Term("a dog"), Term(Path("./bark.wav"))]),
        (["a dog", "-", "0.5:puppy"], [Term("a dog"), Term("puppy", -0.5)]),
        (["-", "puppy", "+", "dog"], [Term("puppy", -1.0), Term("dog")]),
        (["2:/abs/x.png"], [Term(Path("/abs/x.png"), 2.0)]),
        ([".5:../x"], [Term(Path("../x"), 0.5)]),
        (["id:abc", "+", "3:id:def"], [Term(ItemRef("abc")), Term(ItemRef("def"), 3.0)]),
        (["1:10:30 train"], [Term("10:30 train")]),
        (["a-b", "+", "c+d"], [Term("a-b"), Term("c+d")]),
        (["tel: 5"], [Term("tel: 5")]),
        (["file:///a/b%20c.wav"], [Term(Path("/a/b c.wav"))]),
        (["0.5:FILE://localhost/a/%C3%BC.png", "+", "x"], [Term(Path("/a/ü.png"), 0.5), Term("x")]),
        (["file:///a/b.wav@2-3"], [Term(Path("/a/b.wav"), slice=Stretch(2, 3))]),
        (["file: a thing for papers"], [Term("file: a thing for papers")]),
        (["c: drive"], [Term("c: drive")]),
    ],
)
def test_reads(tokens: list[str], terms: list[Term]) -> None:
    assert list(parse(tokens).terms) == terms


A, B, C = Term("a"), Term("b"), Term("c")


@pytest.mark.parametrize(
    ("written", "expression"),
    [
        ("a AND b", A & B),
        ("a AND b AND c", And((A, B, C))),
        ("a OR b AND c", A | (B & C)),
        ("a AND b THEN c OR a", (A & B) >> (C | A)),
        ("NOT a AND b", ~A & B),
        ("NOT NOT a", ~~A),
        ("a + b AND c", (A + B) & C),
        ("NOT a + b", ~(A + B)),
        ("( a OR b ) AND c", (A | B) & C),
        ("a - ( b - c )", A - (B - C)),
        ("( a )", A),
        ("a THEN b THEN c", Then((A, B, C))),
        ("'a AND b'", Term("a AND b")),
        ("1:AND", Term("AND")),
        ("a and b", Term("a and b")),
    ],
)
def test_operators_bind_as_documented(written: str, expression: Expression) -> None:
    assert parse(shlex.split(written)) == expression


@pytest.mark.parametrize(
    ("token", "term"),
    [
        ("./a.mp3@12.5-15", Term(Path("./a.mp3"), slice=Stretch(12.5, 15))),
        ("2:./a.jpg@1,2,3,4", Term(Path("./a.jpg"), 2, slice=Region(1, 2, 3, 4))),
        ("./a.jpg@0,0,.5,1", Term(Path("./a.jpg"), slice=Region(0, 0, 0.5, 1, relative=True))),
        ("./a@b.pdf@p3", Term(Path("./a@b.pdf"), slice=Page(3))),
        ("./mail@example.org", Term(Path("./mail@example.org"))),
        ("id:abc#4", Term(ItemRef("abc", 4))),
        ("id:abc@1-2", Term(ItemRef("abc"), slice=Stretch(1, 2))),
        ("text@1-2", Term("text@1-2")),
    ],
)
def test_slices(token: str, term: Term) -> None:
    assert parse([token]) == term


def test_a_file_of_that_very_name_is_no_slice(tmp_path: Path) -> None:
    (tmp_path / "a.mp3@1-2").touch()
    assert parse([f"{tmp_path}/a.mp3@1-2"]) == Term(tmp_path / "a.mp3@1-2")
    assert parse([f"{tmp_path}/a.mp3@1-3"]) == Term(tmp_path / "a.mp3", slice=Stretch(1, 3))


def test_home_is_expanded() -> None:
    (term,) = parse(["~/x.wav"]).terms
    assert term.source == Path.home() / "x.wav"


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        ([], "term is missing"),
        (["+"], "term is missing"),
        (["a", "+"], "term is missing"),
        (["a", "+", "-", "b"], "two signs in a row"),
        (["./a.png", "b"], "put \\+ or - between"),
        (["0:a"], "weight of 'a' is zero"),
        ([" "], "empty text"),
        (["a", "AND"], "missing after 'AND'"),
        (["AND", "a"], "missing before 'AND'"),
        (["(", "a"], r"a \( is never closed"),
        (["a", ")"], r"'\)' follows a whole query"),
        (["(", ")"], "missing after"),
        (["a", "(", "b", ")"], "follows a whole query"),
        (["(", "a", "AND", "b", ")", "+", "c"], "add up terms"),
        (["("] * 40, "more than 32"),
        (["NOT"] * 5000, "more than 32"),
        (["./a.mp3@5-3"], "has no extent"),
        (["~nobody-of-this-name/x.wav"], "no such user; write ./~nobody"),
    ],
)
def test_refuses(tokens: list[str], named: str) -> None:
    with pytest.raises(QueryError, match=named):
        parse(tokens)


words = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8).filter(lambda w: not w.startswith("id:"))


@given(st.lists(st.tuples(st.sampled_from("+-"), st.sampled_from([0.25, 1, 2]), words), min_size=1, max_size=6))
def test_what_is_written_is_what_is_read(parts: list[tuple[str, float, str]]) -> None:
    tokens = [token for sign, weight, word in parts for token in (sign, f"{weight}:{word}")]
    wanted = [Term(word, weight if sign == "+" else -weight) for sign, weight, word in parts]
    assert list(parse(tokens).terms) == wanted


@pytest.mark.parametrize(
    ("written", "way_out"),
    [
        ("C:\\Users\\me\\dog.png", "./NAME"),
        ("c:/dog.png", "./NAME"),
        ("2:C:/dog.png", "./NAME"),
        ("\\\\server\\share\\dog.png", "./NAME"),
        ("file://server/dog.png", "file:///PATH"),
        ("file:///a%00b", "file:///PATH"),
    ],
)
def test_a_path_of_another_system_is_refused_with_the_right_form(written: str, way_out: str) -> None:
    with pytest.raises(QueryError, match=way_out):
        parse([written])
    if not written.startswith("2:"):
        with pytest.raises(QueryError, match=way_out):
            parse_path(written)


def test_the_name_of_a_file_alone_needs_no_mark() -> None:
    assert [parse_path(text) for text in ("a b.wav", "./a.wav", "file:///a%20b.wav")] == [
        Path("a b.wav"),
        Path("a.wav"),
        Path("/a b.wav"),
    ]
    assert parse_path("~/a") == Path.home() / "a"


def test_a_file_that_does_not_exist_and_a_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    check_file(tmp_path / "a.wav")
    for path, problem in (
        (tmp_path / "b.wav", "no such file"),
        (tmp_path / "a.wav" / "c", "no such file"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(QueryError, match=f"{path}.*{problem}"):
            check_file(path)


@pytest.mark.parametrize("words", [["search"], ["locate", "a dog"]])
def test_a_missing_file_among_the_words_is_a_wrong_usage(words: list[str]) -> None:
    found = CliRunner().invoke(build(), [*words, "./missing.wav"])
    assert isinstance(found.exception, QueryError)
    assert found.exception.exit_code == 2
    assert str(found.exception) == "missing.wav: no such file; check the path"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('a "red dog" runs', ["a", '"red dog"', "runs"]),
        ('0.5:"red dog" + "cat"', ['0.5:"red dog"', "+", "cat"]),
        ('dog AND "cats AND dogs"', ["dog", "AND", "cats AND dogs"]),
        ('"./my file.png" x"y z"', ["./my file.png", "xy z"]),
        ('""', [""]),
        ("", []),
    ],
)
def test_a_line_is_split_at_spaces_and_keeps_its_phrases(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize(
    ("text", "found", "plain"),
    [
        ('invoice "acme corp", "17 May"!', ("acme corp", "17 May"), "invoice acme corp, 17 May!"),
        (
            "\u201cacme corp\u201d \u201ezwei W\u00f6rter\u201c",
            ("acme corp", "zwei W\u00f6rter"),
            "acme corp zwei W\u00f6rter",
        ),
        ('5" x 3" disk', (), '5" x 3" disk'),
        ('a "" b " "', (), 'a "" b " "'),
    ],
)
def test_phrases_are_the_parts_of_a_text_in_double_quotes(text: str, found: tuple[str, ...], plain: str) -> None:
    assert phrases(text) == found
    assert without_quotes(text) == plain
    assert parse(shlex.split(shlex.quote(text))) == Term(text)
