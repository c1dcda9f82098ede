"""Text: plain texts, pages and documents, cut into passages as they are read."""

from collections.abc import Callable, Iterable
from importlib import import_module
from itertools import chain

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.texts.encoding import blocks, find_encoding
from omnisearch.media.texts.html import html_words
from omnisearch.media.texts.parts import Part, joined
from omnisearch.media.texts.passages import passages
from omnisearch.media.texts.pdf import open_pdf, pdf_page, pdf_pages
from omnisearch.types import Decoded, MediaInfo, Modality, Page

# The characters of the largest text file. Only a PDF or a page that decompresses to more is cut.
MAX_CHARACTERS = 64 << 20
# The functions that read the parts of documents. Their modules are imported when they are first needed.
DOCUMENTS = {
    "docx": "word:parts",
    "pptx": "slides:parts",
    "xlsx": "sheets:parts",
    **dict.fromkeys(("odt", "odp", "ods"), "opendocument:parts"),
    "epub": "epub:parts",
    "rtf": "rtf:parts",
    "json": "json_words:parts",
    "ipynb": "notebook:parts",
    "eml": "mail:parts",
    "mbox": "mail:mailbox_parts",
}


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:
    """Read a text as passages, block by block.

    Raises:
        MediaError: undecodable_text, needs_password, empty_text, bad_slice or decode_error.
    """
    if source.slice is not None and kind.format not in ("pdf", "pptx"):
        is_page = f"@{source.slice} is a page of a PDF or a slide"
        raise MediaError(Reason.BAD_SLICE, f"{is_page}, and the file is {kind.mime}")
    notes: list[str] = []
    words = joined(_parts(source, kind, notes), MAX_CHARACTERS, notes)
    first = next(words, None)
    if first is None:
        raise MediaError(Reason.EMPTY_TEXT, "; ".join(notes))
    return Decoded(MediaInfo(Modality.TEXT, kind.mime), passages(chain([first], words), cut), notes)


def _parts(source: Source, kind: Kind, notes: list[str]) -> Iterable[Part]:
    if kind.format in DOCUMENTS:
        module, _, function = DOCUMENTS[kind.format].partition(":")
        read: Callable[[Source, list[str]], Iterable[Part]] = getattr(
            import_module(f"omnisearch.media.texts.{module}"), function
        )
        return read(source, notes)
    if kind.format == "pdf":
        reader = open_pdf(source.file)
        return [pdf_page(reader, source.slice)] if isinstance(source.slice, Page) else pdf_pages(reader, notes)
    encoding = find_encoding(source.file, declares=kind.format == "html")
    if encoding.note:
        notes.append(encoding.note)
    text = blocks(source.file, encoding.codec)
    return [Part("", html_words(text) if kind.format == "html" else text)]
