"""The algebra of relevance: the laws that its operators keep, on random segments of random items."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.errors import QueryError
from omnisearch.query.expressions import And, Expression, Not, Or, Sum, Term, Then
from omnisearch.search.rank.algebra import ScoredExpression, bound_odds, positive_leaves, score_expression

LEAVES = [Term(name) for name in "abc"]
A, B, C = LEAVES
logits = st.floats(-30, 30)
expressions = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda p: And(tuple(p))),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: Or(tuple(p))),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: Then(tuple(p))),
        inner.map(Not),
    ),
    max_leaves=6,
)
# one to three items of one to four segments, each judged by three leaves
worlds = st.lists(st.lists(st.tuples(logits, logits, logits), min_size=1, max_size=4), min_size=1, max_size=3)
World = list[list[tuple[float, float, float]]]


def judged(expression: Expression, world: World, timed: bool = True) -> ScoredExpression:
    rows = np.array([segment for item in world for segment in item])
    ends = np.cumsum([0, *map(len, world)])
    runs = [slice(start, end) for start, end in pairwise(ends.tolist())] if timed else []
    return score_expression(expression, {Sum((leaf,)): rows[:, n] for n, leaf in enumerate(LEAVES)}, runs)


def relevances(expression: Expression, world: World) -> np.ndarray:
    return 1 / (1 + np.exp(-judged(expression, world).odds))


def close(one: Expression, other: Expression, world: World) -> None:
    np.testing.assert_allclose(judged(one, world).odds, judged(other, world).odds, atol=1e-9)


@given(worlds)
def test_the_formulas_in_relevances(world: World) -> None:
    """docs/search.md: r = r_A r_B for AND, 1 - r = (1 - r_A)(1 - r_B) for OR."""
    parts = [1 / (1 + np.exp(-np.array([s[n] for item in world for s in item]))) for n in (0, 1)]
    np.testing.assert_allclose(relevances(A & B, world), parts[0] * parts[1], atol=1e-9)
    missed = [1 / (1 + np.exp(np.array([s[n] for item in world for s in item]))) for n in (0, 1)]
    np.testing.assert_allclose(1 - relevances(A | B, world), missed[0] * missed[1], atol=1e-9)
    np.testing.assert_allclose(relevances(~A, world), missed[0], atol=1e-9)


@given(worlds, expressions, expressions)
def test_and_is_never_above_its_weakest_and_or_never_below_its_strongest(
    world: World, one: Expression, other: Expression
) -> None:
    both = np.stack([judged(one, world).odds, judged(other, world).odds])
    assert (judged(And((one, other)), world).odds <= both.min(axis=0) + 1e-9).all()
    assert (judged(Or((one, other)), world).odds >= both.max(axis=0) - 1e-9).all()


@given(worlds)
def test_order_and_grouping_of_and_and_or_change_nothing(world: World) -> None:
    for join in (And, Or):
        whole = join((A, B, C))
        close(whole, join((C, A, B)), world)
        close(whole, join((join((A, B)), C)), world)


@given(logits, logits)
def test_log_odds_are_exact_where_relevances_are_next_to_0_and_1(one: float, other: float) -> None:
    """1/O = 1/O_A + 1/O_B + 1/(O_A O_B), summed up in logarithms; certainty and impossibility count as they should."""
    for scale in (1, 10):
        found = judged(A & B, [[(scale * one, scale * other, 0.0)]]).odds[0]
        wanted = -np.logaddexp.reduce([-scale * one, -scale * other, -scale * (one + other)])
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert judged(A & B, [[(np.inf, other, 0.0)]]).odds[0] == pytest.approx(other, abs=1e-9)
    assert judged(A & B, [[(np.inf, -np.inf, 0.0)]]).odds[0] == -np.inf
    assert judged(A & B, [[(np.inf, np.inf, 0.0)]]).odds[0] == np.inf


@given(worlds)
def test_de_morgan(world: World) -> None:
    close(~(A & B), ~A | ~B, world)
    close(~~A, A, world)


@given(worlds)
def test_not_lowers(world: World) -> None:
    assert (judged(A & ~B, world).odds <= judged(A, world).odds).all()


@given(worlds, expressions, st.integers(0, 2), st.floats(0, 5))
def test_more_relevant_segments_never_lower_an_expression_without_not(
    world: World, expression: Expression, which: int, more: float
) -> None:
    if "Not" in repr(expression):
        return
    raised = [[tuple(o + more * (n == which) for n, o in enumerate(s)) for s in item] for item in world]
    assert (judged(expression, raised).odds >= judged(expression, world).odds - 1e-9).all()


@given(worlds)
def test_then_is_the_best_pair_in_order(world: World) -> None:
    """Against all pairs of segments of an item, in relevances of the AND."""
    found = judged(A >> B, world)
    row = 0
    for item in world:
        for later in range(len(item)):
            both = [(item[earlier][0], item[later][1]) for earlier in range(later)]
            pairs = [-np.logaddexp.reduce([-a, -b, -a - b]) for a, b in both]
            assert found.odds[row] == pytest.approx(max(pairs, default=-np.inf), abs=1e-9)
            if pairs:
                earlier = int(found.first[row]) - (row - later)
                assert pairs[earlier] == pytest.approx(max(pairs), abs=1e-9)
            row += 1


def test_then_needs_its_order() -> None:
    knock_bark = [[(9.0, -9.0, 0.0), (-9.0, 9.0, 0.0)]]
    assert judged(A >> B, knock_bark).odds.max() > 8
    assert judged(B >> A, knock_bark).odds.max() < -8


def test_then_of_three_names_where_each_was_found() -> None:
    world = [[(9.0, -9, -9)], [(9.0, -9, -9), (-9, -9, -9), (-9, 9, -9), (-9, -9, 9)]]
    found = judged(A >> B >> C, world)
    assert int(found.odds.argmax()) == 4
    assert found.rows(4) == [1, 3, 4]
    assert found.first[4] == 1


@given(worlds, expressions)
def test_items_do_not_change_each_other(world: World, expression: Expression) -> None:
    found, row = judged(expression, world), 0
    for item in world:
        alone, rows = judged(expression, [item]), slice(row, row + len(item))
        np.testing.assert_allclose(found.odds[rows], alone.odds, atol=1e-12)
        np.testing.assert_array_equal(found.first[rows] - row, alone.first)
        row += len(item)


@given(worlds, expressions, st.booleans())
def test_no_segment_is_beyond_its_bounds(world: World, expression: Expression, timed: bool) -> None:
    rows = np.array([segment for item in world for segment in item])
    ceilings = {Sum((leaf,)): float(rows[:, n].max()) for n, leaf in enumerate(LEAVES)}
    odds = judged(expression, world, timed).odds
    assert (odds <= bound_odds(expression, ceilings, has_time=timed) + 1e-9).all()
    assert (odds >= bound_odds(expression, ceilings, upper=False, has_time=timed) - 1e-9).all()


def test_what_is_sought_are_the_leaves_under_no_not() -> None:
    assert positive_leaves(A & ~B) == [Sum((A,))]
    assert positive_leaves(A & ~(B & ~C)) == [Sum((A,)), Sum((C,))]
    for everything in (~A, A | ~B, ~A & ~B):
        with pytest.raises(QueryError, match="NOT alone"):
            positive_leaves(everything)


def test_python_spells_the_operators() -> None:
    assert And((A, B, C)) == (A & B & C)
    assert And((Or((A, B)), C)) == (A | B) & C
    assert Then((A, B, C)) == (A >> B >> C)
    assert Sum((A, B, Term("c", -0.5))) == A + B - 0.5 * C
    assert Sum((Term("a", -1), B)) == -(A - B)
    assert str(A + B - 0.5 * C) == "a + b - 0.5:c"
