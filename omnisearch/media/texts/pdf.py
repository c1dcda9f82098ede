"""The pages of a PDF."""

from collections.abc import Iterator
from time import monotonic
from typing import Any, BinaryIO

from omnisearch.errors import MediaError, Reason
from omnisearch.media.texts.parts import Part
from omnisearch.media.time_limit import TooSlow, at_most
from omnisearch.types import Page

# A page that takes longer is skipped. Reading ends after this much work without a word, before the pool's 60 seconds.
PAGE_SECONDS = 15.0
SILENT_SECONDS = 40.0
# pypdf caches every object that it reads; the cache is cleared after this many pages.
_REMEMBERED_PAGES = 64


def open_pdf(file: BinaryIO) -> Any:
    """Open a PDF, also an encrypted one that opens without a password.

    Raises:
        MediaError: needs_password.
    """
    from pypdf import PdfReader

    reader = PdfReader(file)
    if reader.is_encrypted and not reader.decrypt(""):
        raise MediaError(Reason.NEEDS_PASSWORD, "the PDF opens only with its password")
    return reader


def pdf_page(reader: Any, page: Page) -> Part:
    """The words of one page.

    Raises:
        MediaError: bad_slice, if the PDF has no such page.
    """
    if page.number > len(reader.pages):
        raise MediaError(Reason.BAD_SLICE, f"@{page} is outside of {len(reader.pages)} pages")
    return _page(page.number, str(reader.pages[page.number - 1].extract_text()))


def pdf_pages(reader: Any, notes: list[str]) -> Iterator[Part]:
    """Yield the words of every page. Notes say how many pages were not read.

    Raises:
        MediaError: damaged, if no page can be read.
    """
    count, failed, silent = len(reader.pages), 0, 0.0
    for number in range(count):
        if silent > SILENT_SECONDS:
            notes.append(f"partly read: the first {number:,} of {count:,} pages; the rest took too long")
            break
        start = monotonic()
        try:
            with at_most(PAGE_SECONDS):
                words = str(reader.pages[number].extract_text())
        except (TooSlow, Exception):
            failed, silent = failed + 1, silent + monotonic() - start
            continue
        silent = 0.0 if words.strip() else silent + monotonic() - start
        yield _page(number + 1, words)
        if number % _REMEMBERED_PAGES == _REMEMBERED_PAGES - 1:
            reader.resolved_objects.clear()
    if failed == count:
        raise MediaError(Reason.DAMAGED, f"none of {count:,} pages can be read")
    if failed:
        notes.append(f"partly read: {failed:,} of {count:,} pages could not be read")


def _page(number: int, words: str) -> Part:
    return Part(f"page {number}", [words])
