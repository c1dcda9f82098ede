"""Metadata in files beside pictures and films: `photo.jpg.xmp`, `photo.xmp`, and the JSON files of Google Takeout."""

from collections.abc import Iterable, Mapping
from typing import Any

from omnisearch.media.file import Source
from omnisearch.media.metadata import takeout, xml_values
from omnisearch.media.metadata.sidecar_names import takeout_names, xmp_names
from omnisearch.media.metadata.xmp import read_xmp


def read_xmp_sidecar(source: Source) -> Mapping[str, Any]:
    """Return the fields of the XMP file beside a file; empty if there is none.

    Raises:
        ValueError: as `read_xmp`.
    """
    data = _first(source, xmp_names(source.name), xml_values.MAX_BYTES)
    return read_xmp(data) if data else {}


def read_takeout_sidecar(source: Source) -> Mapping[str, Any]:
    """Return the fields of the JSON file that Takeout wrote for a file; empty if there is none.

    Raises:
        ValueError: as `read_takeout`.
    """
    data = _first(source, takeout_names(source.name), takeout.MAX_BYTES)
    return takeout.read_takeout(data, source.name) if data else {}


def _first(source: Source, names: Iterable[str], most: int) -> bytes | None:
    return next((data for name in names if (data := source.sibling(name, most))), None)
