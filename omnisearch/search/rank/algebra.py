"""The algebra of relevance: AND, OR, NOT and THEN over the segments of items.

Relevances r are treated as probabilities of independent matches. With A and B scored on the same segment:

    NOT A      1 - r_A
    A AND B    r_A r_B                    never above the weakest part
    A OR B     1 - (1 - r_A)(1 - r_B)     never below the strongest part
    A THEN B   A AND B, with A on the best earlier segment of the same sound or video

So AND and OR are associative and commutative, and De Morgan's laws hold. Everything is computed in log-odds
o = ln r / (1 - r), which stay precise near 0 and 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import QueryError
from omnisearch.query.expressions import Expression, Not, Or, Sum, Then

Odds: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ScoredExpression:
    """The log-odds of an expression for n segments, `odds` (n,), and the row where each match begins, `first` (n,).

    `parts` are its operands, scored; for THEN `before[k]` (n,) is the row of part k for each row of part k + 1.
    """

    expression: Expression
    odds: Odds
    first: Rows
    parts: tuple["ScoredExpression", ...] = ()
    before: tuple[Rows, ...] = ()

    def rows(self, row: int) -> list[int]:
        """Return the row of each operand that was combined into the score of `row`."""
        if not self.before:
            return [row] * len(self.parts)
        rows = [row]
        for before in reversed(self.before):
            rows.insert(0, int(before[rows[0]]))
        return rows


def and_odds(odds: Sequence[Odds]) -> Odds:
    """AND: the relevances multiply.

    With s = -ln r = sum ln(1 + exp(-o_i)), the log-odds ln r / (1 - r) are -s - ln(1 - exp(-s)).
    """
    missed: Odds = np.logaddexp(0, -np.stack(odds)).sum(axis=0)
    with np.errstate(divide="ignore"):  # if all parts are certain, the odds are infinite
        joined: Odds = -missed - np.log(-np.expm1(-missed))
    return joined


def or_odds(odds: Sequence[Odds]) -> Odds:
    """OR: the probabilities of no match multiply."""
    return -and_odds([-o for o in odds])


def score_expression(
    expression: Expression, odds: Mapping[Sum, Odds], runs: Sequence[slice], over: Rows | None = None
) -> ScoredExpression:
    """Score n segments: `odds` has the log-odds (n,) of each leaf; `runs` are the segments in time, item by item.

    `over` (n,) has, for each row, the last row that ends before it; all rows before that one do too. By default, it is
    the previous row.
    """
    parts = tuple(score_expression(operand, odds, runs, over) for operand in expression.operands)
    if isinstance(expression, Then):
        return _then(expression, parts, runs, np.arange(len(parts[0].odds)) - 1 if over is None else over)
    if not parts:
        (leaf,) = expression.leaves
        # Not `expression`: a term makes a new sum at each call of `leaves`, and a page of hits asks for it many times.
        return ScoredExpression(leaf, odds[leaf], np.arange(len(odds[leaf])))
    rows = [part.odds for part in parts]
    first = np.stack([part.first for part in parts])
    if isinstance(expression, Or):
        chosen = np.argmax(np.stack(rows), axis=0)
        return ScoredExpression(expression, or_odds(rows), first[chosen, np.arange(len(chosen))], parts)
    if isinstance(expression, Not):
        return ScoredExpression(expression, -rows[0], np.arange(len(rows[0])), parts)
    return ScoredExpression(expression, and_odds(rows), first.min(axis=0), parts)


def _then(expression: Then, parts: tuple[ScoredExpression, ...], runs: Sequence[slice], over: Rows) -> ScoredExpression:
    odds, first = parts[0].odds, parts[0].first
    rows, begins = np.arange(len(odds)), np.full(len(odds), len(odds))  # segments without time have nothing before them
    for run in runs:
        begins[run] = run.start
    before = []
    for part in parts[1:]:
        best = _best_so_far(odds, np.minimum(begins, rows))
        last = over[part.first]  # the later part itself begins at `first`
        later = last >= begins
        came = np.where(later, best[last], rows)
        odds, first = and_odds([np.where(later, odds[came], -np.inf), part.odds]), first[came]
        before.append(came)
    return ScoredExpression(expression, odds, first, parts, tuple(before))


def _best_so_far(odds: Odds, begins: Rows) -> Rows:
    """Return, for each row, the row with the highest odds from the beginning of its item to itself; the last of equals.

    `begins` (n,) is the first row of each row's item.
    """
    rank = np.unique(odds, return_inverse=True)[1]
    # Later items have larger keys, so one running maximum serves all items.
    best = np.maximum.accumulate(begins * len(odds) + rank) % len(odds)
    return np.maximum.accumulate(np.where(rank == best, np.arange(len(odds)), 0))


def bound_odds(
    expression: Expression, ceilings: Mapping[Sum, float], upper: bool = True, has_time: bool = True
) -> float:
    """Return an upper bound of the log-odds of items whose segments have at most the log-odds `ceilings` for each leaf.

    With `upper` false, treat `ceilings` as lower bounds and return a lower bound. `has_time` says whether the items may
    be sounds or videos: others cannot match THEN.
    """
    if isinstance(expression, Not):
        return -bound_odds(expression.part, ceilings, not upper, has_time)
    if isinstance(expression, Then) and not (upper and has_time):
        return -np.inf
    limits = [np.asarray(bound_odds(operand, ceilings, upper, has_time)) for operand in expression.operands]
    if not limits:
        (leaf,) = expression.leaves
        return ceilings[leaf] if upper else -np.inf
    return float(or_odds(limits) if isinstance(expression, Or) else and_odds(limits))


def positive_leaves(expression: Expression) -> list[Sum]:
    """Return the leaves whose nearest items are candidates: those under an even number of NOTs.

    Raises:
        QueryError: unrelated items match the query too, as in `NOT A` or `A OR NOT B`.
    """
    if bound_odds(expression, dict.fromkeys(expression.leaves, -np.inf)) > -np.inf:
        raise QueryError("NOT alone matches nearly every item: add what to find, as in A AND NOT B")
    return list(dict.fromkeys(_positive(expression, True)))


def _positive(expression: Expression, positive: bool) -> list[Sum]:
    if not expression.operands:
        return list(expression.leaves) if positive else []
    turned = positive != isinstance(expression, Not)
    return [leaf for operand in expression.operands for leaf in _positive(operand, turned)]
