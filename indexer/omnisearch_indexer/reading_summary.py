"""The summary of the readings of an item, by which searches filter: what was read, and in which languages."""

from collections.abc import Sequence
from dataclasses import replace

from omnisearch.metadata import LANGUAGE_CODE
from omnisearch.stores.base import Point
from omnisearch.types import Reading
from omnisearch_indexer.manifest_rows import ItemRow
from omnisearch_indexer.path_labels import facts_json

_HAS = {"speech": "speech", "ocr": "text"}
MAX_LANGUAGES = 16


def summary(readings: Sequence[Reading]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what `Facts.has` and `Facts.languages` say of the readings of an item."""
    has = {_HAS[reading.field] for reading in readings if reading.field in _HAS}
    languages = {reading.language for reading in readings if LANGUAGE_CODE.fullmatch(reading.language)}
    return tuple(sorted(has)), tuple(sorted(languages)[:MAX_LANGUAGES])


def summarized(item: ItemRow, points: Sequence[Point], has: tuple[str, ...], languages: tuple[str, ...]) -> ItemRow:
    """Return the row of an item after its points get a summary of its readings."""
    row = replace(item, has=has, languages=languages)
    if points and facts_json(points[0].payload.facts) == item.facts_json:
        row = replace(row, facts_json=facts_json(replace(points[0].payload.facts, has=has, languages=languages)))
    return row
