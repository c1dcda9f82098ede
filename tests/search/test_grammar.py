"""The query grammar."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.errors import QueryError
from omnisearch.query import ItemRef, Term
from omnisearch.search.grammar import parse


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
    ],
)
def test_reads(tokens: list[str], terms: list[Term]) -> None:
    assert list(parse(tokens).terms) == terms


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
