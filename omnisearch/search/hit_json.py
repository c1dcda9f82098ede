"""A hit as JSON: one shape for the command line and for HTTP."""

from typing import Any

from omnisearch.types import Hit, Segment


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return the contract's object. `segment` is null for a hit on a whole item."""
    return {
        "id": hit.id,
        "path": hit.path,
        "modality": str(hit.modality),
        "score": round(hit.score, 6),
        "relevance": round(hit.relevance, 4),
        "segment": _segment(hit.segment),
        "matched_by": [
            {
                "term": match.term,
                "weight": match.weight,
                "contribution": round(match.contribution, 6),
                **({"factors": {k: round(v, 4) for k, v in match.factors.items()}} if match.factors else {}),
            }
            for match in hit.matched_by
        ],
        "snippet": hit.snippet,
        "mime": hit.mime,
    }


def _segment(segment: Segment | None) -> dict[str, Any] | None:
    if segment is None or segment.start is None:
        return None
    return {"start": segment.start, "end": segment.end, "unit": segment.unit}
