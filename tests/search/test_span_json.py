"""Spans as JSON and as cells of a table."""

import pytest

from omnisearch.cli.search import _at
from omnisearch.schema.segment import SpanOut
from omnisearch.search.present.span_json import span_json
from omnisearch.types import Segment


@pytest.mark.parametrize(
    ("segment", "cell"),
    [
        (Segment(1, 8.0, 18.5, "seconds"), "8-18.5"),
        (Segment(1, 850, 1830, "characters"), "850-1830"),
        (Segment(1, 850, 1830, "characters", "slide 2"), "slide 2"),
    ],
)
def test_a_span_names_its_part(segment: Segment, cell: str) -> None:
    span = span_json(segment)
    assert _at(span) == cell
    assert SpanOut.model_validate(span).part == segment.part
    assert ("part" in span) == bool(segment.part)
