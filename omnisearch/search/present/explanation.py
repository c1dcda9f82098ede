"""Explanation: turn a ranked item into a hit with the contribution of each term, space and operator."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from omnisearch.query.expressions import And, Expression, Not, Or, Sum, Term, Then
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.search.rank.algebra import ScoredExpression
from omnisearch.search.rank.calibration import relevance
from omnisearch.search.rank.scorer import RankedItem, ScoredSegments
from omnisearch.stores.base import Payload
from omnisearch.types import Finding, Floats, Hit, Match, Segment

_OPS: Mapping[type[Expression], Literal["and", "or", "not", "then"]] = {
    And: "and", Or: "or", Not: "not", Then: "then",
}  # fmt: skip


def make_hit(
    entry: RankedItem,
    payloads: Mapping[str, Payload],
    embedded: Mapping[Term, EmbeddedTerm],
    explain: bool = False,
    **others: Any,
) -> Hit:
    """Return the hit of a ranked item; `others` are its fields that do not come from its score or its payload.

    `payloads` are those of its `shown_rows`, by point id.
    """
    payload, scored = payloads[entry.point.id], entry.scored
    leaves = decisive_leaves(scored.expression, entry.row)
    return Hit(
        id=payload.item_id,
        path=payload.path,
        modality=payload.modality,
        score=score_at(scored.scores, scored.expression, entry.row),
        relevance=relevance(entry.odds),
        segment=_span(scored, scored.expression, entry.row, payloads),
        matched_by=tuple(match for leaf, row in leaves for match in _matches(scored, leaf, row, embedded)),
        snippet=payload.snippet,
        mime=payload.mime,
        notes=payload.notes,
        mtime=payload.mtime,
        taken=payload.metadata.taken,
        explanation=_finding(scored, scored.expression, entry.row, payloads) if explain else None,
        **others,
    )


def _finding(
    scored: ScoredSegments, expression: ScoredExpression, row: int, payloads: Mapping[str, Payload]
) -> Finding:
    odds = float(expression.odds[row])
    shown = relevance(odds), odds, _span(scored, expression, row, payloads)
    if isinstance(expression.expression, Then) and odds == -np.inf:
        return Finding("then", *shown)  # there is no earlier segment
    if expression.parts:
        rows = expression.rows(row)
        parts = tuple(_finding(scored, part, at, payloads) for part, at in zip(expression.parts, rows, strict=True))
        return Finding(_OPS[type(expression.expression)], *shown, parts)
    (leaf,) = expression.expression.leaves
    score = float(scored.scores[leaf][row])
    inputs = scored.scorer.calibrations[leaf].inputs(score)
    if leaf in scored.word_scores:
        inputs |= {"words": float(scored.word_scores[leaf][row]), "against": scored.scorer.words[leaf].against}
    if leaf in scored.text_scores and not np.isnan(text := float(scored.text_scores[leaf][row])):
        odds = float(scored.scorer.text_calibrations[leaf].odds(np.array([text], np.float32))[0])
        inputs |= {"text": text, "text_odds": odds}
    if (certain := float(scored.scorer.certainty(leaf, [scored.points[row]])[0])) > 0:
        inputs["copy"] = certain
    return Finding("sum", *shown, (), str(leaf), score, inputs)


def score_at(scores: Mapping[Sum, Floats], expression: ScoredExpression, row: int) -> float:
    """Return the cosine of the leaf that decided: the weakest of AND and THEN, the strongest of OR, negated for NOT."""
    if not expression.parts:
        (leaf,) = expression.expression.leaves
        return float(scores[leaf][row])
    rows = expression.rows(row)
    odds = [part.odds[at] for part, at in zip(expression.parts, rows, strict=True)]
    decided = int(np.argmax(odds) if isinstance(expression.expression, Or) else np.argmin(odds))
    score = score_at(scores, expression.parts[decided], rows[decided])
    return -score if isinstance(expression.expression, Not) else score


def decisive_leaves(expression: ScoredExpression, row: int) -> list[tuple[Sum, int]]:
    """Return each leaf with the row that decided it, from left to right."""
    if not expression.parts:
        return [(leaf, row) for leaf in expression.expression.leaves]
    return [
        found
        for part, at in zip(expression.parts, expression.rows(row), strict=True)
        for found in decisive_leaves(part, at)
    ]


def _matches(scored: ScoredSegments, leaf: Sum, row: int, embedded: Mapping[Term, EmbeddedTerm]) -> list[Match]:
    found = []
    for term, scale in zip(leaf.terms, scored.scorer.leaves[leaf].scales, strict=True):
        it = embedded[term]
        towards = scale * scored.vectors[row]
        spaces = {name: float(part @ towards) for name, part in it.parts.items()}
        found.append(Match(str(term), term.weight, float(it.vector @ towards), it.factors, spaces, it.unsplit))
    return found


def _span(scored: ScoredSegments, expression: ScoredExpression, row: int, payloads: Mapping[str, Payload]) -> Segment:
    """Return the span from the first segment of the match to the one that decided. They differ only for THEN."""
    first = payloads[scored.points[int(expression.first[row])].id].segment
    last = payloads[scored.points[row].id].segment
    return last if first == last else replace(first, end=last.end)
