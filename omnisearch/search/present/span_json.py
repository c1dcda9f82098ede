"""The span of a segment as JSON, in hits and in locations."""

from typing import Any

from omnisearch.types import Segment


def span_json(segment: Segment) -> dict[str, Any]:
    """Return the JSON object of the bounds of a segment, and of the name of its part if it has one."""
    bounds = {"start": segment.start, "end": segment.end, "unit": segment.unit}
    return {**bounds, "part": segment.part} if segment.part else bounds
