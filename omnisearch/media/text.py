"""Text: plain, Markdown, HTML and PDF, cut into passages as it is read."""

from collections.abc import Iterable, Iterator
from itertools import chain

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.texts.clean import clean
from omnisearch.media.texts.encoding import blocks, find_encoding
from omnisearch.media.texts.html import html_words
from omnisearch.media.texts.passages import passages
from omnisearch.media.texts.pdf import open_pdf, page_words, pdf_words
from omnisearch.types import Decoded, MediaInfo, Modality, Page

# The characters of the largest text file. Only a PDF or a page that decompresses to more is cut.
MAX_CHARACTERS = 64 << 20


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:
    """Read a text as passages, block by block.

    Raises:
        MediaError: undecodable_text, needs_password, empty_text, bad_slice or decode_error.
    """
    if source.part is not None and kind.format != "pdf":
        raise MediaError(Reason.BAD_SLICE, f"@{source.part} is a page of a PDF, and the file is {kind.mime}")
    notes: list[str] = []
    words = clean(_limited(_words(source, kind, notes), notes))
    first = next((block for block in words if block), None)
    if first is None:
        raise MediaError(Reason.EMPTY_TEXT, "; ".join(notes))
    return Decoded(MediaInfo(Modality.TEXT, kind.mime), passages(chain([first], words), cut), notes)


def _words(source: Source, kind: Kind, notes: list[str]) -> Iterable[str]:
    if kind.format == "pdf":
        reader = open_pdf(source.file)
        return [page_words(reader, source.part)] if isinstance(source.part, Page) else pdf_words(reader, notes)
    encoding = find_encoding(source.file, declares=kind.format == "html")
    if encoding.note:
        notes.append(encoding.note)
    text = blocks(source.file, encoding.codec)
    return html_words(text) if kind.format == "html" else text


def _limited(words: Iterable[str], notes: list[str]) -> Iterator[str]:
    left = MAX_CHARACTERS
    for block in words:
        yield block[:left]
        left -= len(block)
        if left <= 0:
            notes.append(f"partly read: the first {MAX_CHARACTERS:,} characters")
            return
