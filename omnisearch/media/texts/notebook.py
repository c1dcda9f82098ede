"""Notebooks of Jupyter (ipynb): the text and the code of each cell, and what the code printed."""

import json
from collections.abc import Iterator
from typing import Any

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.texts.json_words import is_data
from omnisearch.media.texts.parts import Part


def parts(source: Source, notes: list[str]) -> Iterator[Part]:  # noqa: ARG001
    """Yield the cells of a notebook.

    Raises:
        MediaError: damaged.
    """
    try:
        book = json.load(source.file)
        sheets = book.get("worksheets", [book])
        cells = [cell for sheet in sheets for cell in sheet.get("cells", ())]
        for number, cell in enumerate(cells, 1):
            yield Part(f"cell {number}", [f"{text}\n" for text in _texts(cell) if not is_data(text)])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise MediaError(Reason.DAMAGED, "it is not a notebook") from error


def _texts(cell: Any) -> Iterator[str]:
    yield _text(cell.get("source", cell.get("input")))
    for output in cell.get("outputs", ()):
        yield _text(output.get("text", output.get("data", {}).get("text/plain")))


def _text(lines: Any) -> str:
    """A text of a notebook, which is a string or a list of lines."""
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines or "")
