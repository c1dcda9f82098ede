"""A location as JSON: one shape for the command line and for HTTP."""

from typing import Any

from omnisearch.search.locate.results import Extent, Location, MarkedText, slice_of
from omnisearch.search.present.span_json import span_json
from omnisearch.types import Region, Segment


def location_json(location: Location, path: str) -> dict[str, Any]:
    """Return the JSON object of a location: its `segment` or `region`, and the `slice` that names it in a term."""
    return {
        "path": path,
        **_at(location.at),
        **_judged(location.score, location.relevance),
        **_words(location.text),
        "parts": [
            {"query": part.query, **_at(part.at), **_judged(part.score, part.relevance)} for part in location.parts
        ],
    }


def _words(found: MarkedText | None) -> dict[str, Any]:
    return {} if found is None else {"field": found.field, "text": found.text, "marks": [list(m) for m in found.marks]}


def _at(at: Extent) -> dict[str, Any]:
    written = slice_of(at)
    return {
        "segment": span_json(at) if isinstance(at, Segment) else None,
        "region": _corner(at) if isinstance(at, Region) else None,
        "slice": None if written is None else str(written),
    }


def _corner(at: Region) -> dict[str, float]:
    return {name: round(getattr(at, name), 6) for name in ("x", "y", "width", "height")}


def _judged(score: float, relevance: float) -> dict[str, Any]:
    return {"score": round(score, 6), "relevance": round(relevance, 4)}
