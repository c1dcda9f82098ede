"""The pages of a PDF that have no text, as pictures: scans."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.material.wanted import Wanted
from omnisearch.types import Piece, Pixels, Segment

MAX_PAGES = 2000
MIN_LETTERS = 8  # a page with fewer has at most a stamp or a page number as text
_MAX_POINTS = 14_400.0  # the longest side of a page that Acrobat allows


def pages(source: Source, wanted: Wanted, notes: list[str]) -> Iterator[Piece]:
    """Yield the pages without text, one at a time; the index of a piece is its page, counted from 0.

    Raises:
        MediaError: damaged or needs_password.
    """
    import pypdfium2

    document = open_pages(source)
    count, failed = len(document), 0
    for number in range(min(count, MAX_PAGES)):
        try:
            pixels = _scanned(document, number, wanted.side)
        except pypdfium2.PdfiumError:
            failed += 1
            continue
        if pixels is not None:
            yield Piece(Segment(number), pixels)
    document.close()
    if failed:
        notes.append(f"partly read: {failed:,} of {count:,} pages could not be rendered")
    if count > MAX_PAGES:
        notes.append(f"partly read: the first {MAX_PAGES:,} of {count:,} pages")


def open_pages(source: Source) -> Any:
    """Open a PDF for rendering.

    Raises:
        MediaError: damaged or needs_password.
    """
    import pypdfium2

    source.file.seek(0)
    try:
        return pypdfium2.PdfDocument(source.file)
    except pypdfium2.PdfiumError as error:
        reason = Reason.NEEDS_PASSWORD if "password" in str(error).lower() else Reason.DAMAGED
        raise MediaError(reason, "the PDF cannot be rendered") from None


def rendered(page: Any, side: int) -> Pixels | None:
    """Render an open page with its longer side at `side` pixels; None if the page has an implausible size."""
    longer = max(page.get_size())
    if not 1.0 <= longer <= _MAX_POINTS:
        return None
    picture = page.render(scale=side / longer, may_draw_forms=False).to_numpy()
    return np.ascontiguousarray(picture[..., 2::-1] if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2))


def _scanned(document: Any, number: int, side: int) -> Pixels | None:
    """Render a page with its longer side at `side` pixels; None if it has text."""
    page = document[number]
    try:
        words = page.get_textpage()
        try:
            letters = len("".join(words.get_text_bounded().split()))
        finally:
            words.close()
        return None if letters >= MIN_LETTERS else rendered(page, side)
    finally:
        page.close()
