"""Explanation: a ranked item becomes a hit that says what each term gave to it."""

from collections.abc import Mapping

import numpy as np

from omnisearch.query import Not, Or, Sum, Term
from omnisearch.search.algebra import Judged
from omnisearch.search.calibration import relevance
from omnisearch.search.embed import Embedded
from omnisearch.search.rank import Ranked, Verdict
from omnisearch.types import Hit, Match, Segment


def hit(entry: Ranked, embedded: Mapping[Term, Embedded]) -> Hit:
    """Return the hit of a ranked item."""
    payload = entry.point.payload
    leaves = _leaves(entry.verdict.judged, entry.row)
    return Hit(
        id=payload.item_id,
        path=payload.path,
        modality=payload.modality,
        score=_score(entry.verdict, entry.verdict.judged, entry.row),
        relevance=relevance(entry.odds),
        segment=_span(entry.first.payload.segment, payload.segment),
        matched_by=tuple(m for leaf, row in leaves for m in _matches(entry.verdict, leaf, row, embedded)),
        snippet=payload.snippet,
        mime=payload.mime,
    )


def _score(verdict: Verdict, judged: Judged, row: int) -> float:
    """The cosine of the leaf that decided: the weakest part of AND and THEN, the strongest of OR, NOT turned round."""
    if not judged.parts:
        (leaf,) = judged.expression.leaves
        return float(verdict.scores[leaf][row])
    rows = judged.rows(row)
    odds = [part.odds[at] for part, at in zip(judged.parts, rows, strict=True)]
    decided = int(np.argmax(odds) if isinstance(judged.expression, Or) else np.argmin(odds))
    score = _score(verdict, judged.parts[decided], rows[decided])
    return -score if isinstance(judged.expression, Not) else score


def _leaves(judged: Judged, row: int) -> list[tuple[Sum, int]]:
    """Every leaf with the row at which it was judged, from left to right."""
    if not judged.parts:
        return [(leaf, row) for leaf in judged.expression.leaves]
    return [found for part, at in zip(judged.parts, judged.rows(row), strict=True) for found in _leaves(part, at)]


def _matches(verdict: Verdict, leaf: Sum, row: int, embedded: Mapping[Term, Embedded]) -> list[Match]:
    scales = verdict.judge.leaves[leaf].scales
    return [
        Match(
            str(term),
            term.weight,
            float(scale * (embedded[term].vector @ verdict.vectors[row])),
            embedded[term].factors,
        )
        for term, scale in zip(leaf.terms, scales, strict=True)
    ]


def _span(first: Segment, last: Segment) -> Segment:
    return last if first == last else Segment(first.index, first.start, last.end, last.unit)
