"""A hit as JSON: one shape for the command line and for HTTP."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from omnisearch.search.present.span_json import span_json
from omnisearch.types import Finding, Hit, Match, Segment


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return the JSON object of a hit. `segment` is null for a hit on a whole item."""
    return {
        "id": hit.id,
        "path": hit.path,
        "modality": str(hit.modality),
        "score": round(hit.score, 6),
        "relevance": round(hit.relevance, 4),
        "segment": _segment(hit.segment),
        "segments": [{**span_json(segment), "score": round(score, 6)} for segment, score in hit.segments],
        "duplicates": list(hit.duplicates),
        "matched_by": [
            {
                "term": match.term,
                "weight": match.weight,
                "contribution": round(match.contribution, 6),
                **({"factors": _rounded(match.factors)} if match.factors else {}),
                **({"spaces": _rounded(match.spaces)} if match.spaces else {}),
                **({"unsplit": match.unsplit} if match.unsplit else {}),
                **(_text(match) if match.field else {}),
            }
            for match in hit.matched_by
        ],
        "snippet": hit.snippet,
        "mime": hit.mime,
        **({"missing": True} if hit.missing else {}),
        "notes": list(hit.notes),
        "mtime": hit.mtime,
        "taken": hit.taken,
        **({"group": hit.group} if hit.group else {}),
        **({} if hit.explanation is None else {"explanation": _finding(hit.explanation)}),
    }


def _finding(found: Finding) -> dict[str, Any]:
    judged = {
        "op": found.op,
        "relevance": round(found.relevance, 4),
        "odds": round(found.odds, 4) if isfinite(found.odds) else None,
        "segment": _segment(found.segment),
    }
    if found.op != "sum":
        return {**judged, "parts": [_finding(part) for part in found.parts]}
    return {
        **judged,
        "query": found.query,
        "score": round(found.score, 6),
        "calibration": _rounded(found.calibration),
    }


def _text(match: Match) -> dict[str, Any]:
    timed = {} if match.start is None else {"start": match.start, "end": match.end}
    box = match.box
    placed = {} if box is None else {"box": [round(n, 6) for n in (box.x, box.y, box.width, box.height)]}
    marks = [list(mark) for mark in match.marks]
    return {"field": match.field, "text": match.text, "marks": marks, **timed, **placed}


def _rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(number, 6) for name, number in numbers.items()}


def _segment(segment: Segment | None) -> dict[str, Any] | None:
    if segment is None or segment.start is None:
        return None
    return span_json(segment)
