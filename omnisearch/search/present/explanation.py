"""Explanation: a ranked item becomes a hit that says what each term, each space and each operator gave to it."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from omnisearch.query.expressions import And, Expression, Not, Or, Sum, Term, Then
from omnisearch.search.plan.embed import Embedded
from omnisearch.search.rank.algebra import Judged
from omnisearch.search.rank.calibration import relevance
from omnisearch.search.rank.scorer import Ranked, Verdict
from omnisearch.types import Finding, Floats, Hit, Match, Segment

_OPS: Mapping[type[Expression], Literal["and", "or", "not", "then"]] = {
    And: "and", Or: "or", Not: "not", Then: "then",
}  # fmt: skip


def hit(entry: Ranked, embedded: Mapping[Term, Embedded], explain: bool = False) -> Hit:
    """Return the hit of a ranked item."""
    payload, verdict = entry.point.payload, entry.verdict
    leaves = leaves_at(verdict.judged, entry.row)
    return Hit(
        id=payload.item_id,
        path=payload.path,
        modality=payload.modality,
        score=score_at(verdict.scores, verdict.judged, entry.row),
        relevance=relevance(entry.odds),
        segment=_span(verdict, verdict.judged, entry.row),
        matched_by=tuple(match for leaf, row in leaves for match in _matches(verdict, leaf, row, embedded)),
        snippet=payload.snippet,
        mime=payload.mime,
        notes=payload.notes,
        explanation=_finding(verdict, verdict.judged, entry.row) if explain else None,
    )


def _finding(verdict: Verdict, judged: Judged, row: int) -> Finding:
    odds = float(judged.odds[row])
    shown = relevance(odds), odds, _span(verdict, judged, row)
    if isinstance(judged.expression, Then) and odds == -np.inf:
        return Finding("then", *shown)  # there is no earlier segment
    if judged.parts:
        rows = judged.rows(row)
        parts = tuple(_finding(verdict, part, at) for part, at in zip(judged.parts, rows, strict=True))
        return Finding(_OPS[type(judged.expression)], *shown, parts)
    (leaf,) = judged.expression.leaves
    score = float(verdict.scores[leaf][row])
    inputs = verdict.judge.calibrations[leaf].inputs(score)
    if leaf in verdict.found:
        inputs |= {"words": float(verdict.found[leaf][row]), "against": verdict.judge.words[leaf].against}
    if (certain := float(verdict.judge.certainty(leaf, [verdict.points[row]])[0])) > 0:
        inputs["copy"] = certain
    return Finding("sum", *shown, (), str(leaf), score, inputs)


def score_at(scores: Mapping[Sum, Floats], judged: Judged, row: int) -> float:
    """The cosine of the leaf that decided: the weakest part of AND and THEN, the strongest of OR, NOT turned round."""
    if not judged.parts:
        (leaf,) = judged.expression.leaves
        return float(scores[leaf][row])
    rows = judged.rows(row)
    odds = [part.odds[at] for part, at in zip(judged.parts, rows, strict=True)]
    decided = int(np.argmax(odds) if isinstance(judged.expression, Or) else np.argmin(odds))
    score = score_at(scores, judged.parts[decided], rows[decided])
    return -score if isinstance(judged.expression, Not) else score


def leaves_at(judged: Judged, row: int) -> list[tuple[Sum, int]]:
    """Every leaf with the row at which it was judged, from left to right."""
    if not judged.parts:
        return [(leaf, row) for leaf in judged.expression.leaves]
    return [found for part, at in zip(judged.parts, judged.rows(row), strict=True) for found in leaves_at(part, at)]


def _matches(verdict: Verdict, leaf: Sum, row: int, embedded: Mapping[Term, Embedded]) -> list[Match]:
    found = []
    for term, scale in zip(leaf.terms, verdict.judge.leaves[leaf].scales, strict=True):
        it = embedded[term]
        towards = scale * verdict.vectors[row]
        spaces = {name: float(part @ towards) for name, part in it.parts.items()}
        found.append(Match(str(term), term.weight, float(it.vector @ towards), it.factors, spaces, it.unsplit))
    return found


def _span(verdict: Verdict, judged: Judged, row: int) -> Segment:
    """From the segment where what was found begins to the one that decided: one and the same but for THEN."""
    first = verdict.points[int(judged.first[row])].payload.segment
    last = verdict.points[row].payload.segment
    return last if first == last else Segment(first.index, first.start, last.end, last.unit)
