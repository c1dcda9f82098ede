"""Metadata in files beside pictures and films: `photo.jpg.xmp`, `photo.xmp`, and the JSON files of Google Takeout."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from omnisearch.media.file import Source
from omnisearch.media.metadata import takeout, xml_values
from omnisearch.media.metadata.xmp import read_xmp


def read_xmp_sidecar(source: Source) -> Mapping[str, Any]:
    """Return the fields of the XMP file beside a file; empty if there is none.

    Raises:
        ValueError: as `read_xmp`.
    """
    names = (f"{source.name}.xmp", f"{PurePosixPath(source.name).stem}.xmp")
    data = _first(source, names, xml_values.MAX_BYTES)
    return read_xmp(data) if data else {}


def read_takeout_sidecar(source: Source) -> Mapping[str, Any]:
    """Return the fields of the JSON file that Takeout wrote for a file; empty if there is none.

    Raises:
        ValueError: as `read_takeout`.
    """
    data = _first(source, takeout.sidecar_names(source.name), takeout.MAX_BYTES)
    return takeout.read_takeout(data, source.name) if data else {}


def _first(source: Source, names: Iterable[str], most: int) -> bytes | None:
    return next((data for name in names if (data := source.sibling(name, most))), None)
