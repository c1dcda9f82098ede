"""The cover of a document: the first page of a PDF, the cover of a book, the picture that an office program stored."""

from dataclasses import replace
from io import BytesIO

from omnisearch.errors import MediaError
from omnisearch.media.archive import Archive
from omnisearch.media.detect import detect
from omnisearch.media.file import ILLUSTRATED, Source
from omnisearch.media.image import read as read_image
from omnisearch.media.kinds import Kind
from omnisearch.media.material.pages import open_pages, rendered
from omnisearch.media.texts.epub import MAX_FILES, find_cover
from omnisearch.types import Modality, Pixels

_STORED = ("docProps/thumbnail.jpeg", "docProps/thumbnail.jpg", "docProps/thumbnail.png", "Thumbnails/thumbnail.png")


def cover(source: Source, kind: Kind) -> Pixels | None:
    """The picture, its longer side at most `source.side`; None if there is none that Pillow reads.

    Raises:
        MediaError: as decoding the document does.
    """
    if kind.format not in ILLUSTRATED:
        return None
    if kind.format == "pdf":
        return page_picture(source, kind, 1)
    archive = Archive(source.file, MAX_FILES)
    name = find_cover(archive) if kind.format == "epub" else next((name for name in _STORED if name in archive), "")
    content = archive.read(name) if name else None
    return _picture(replace(source, file=BytesIO(content), size=len(content), name=name)) if content else None


def page_picture(source: Source, kind: Kind, number: int) -> Pixels | None:
    """The picture of a page, counted from 1, its longer side at `source.side`; None if the file has no such page.

    Raises:
        MediaError: damaged or needs_password.
    """
    if kind.format != "pdf":
        return None
    document = open_pages(source)
    try:
        if number > len(document):
            return None
        page = document[number - 1]
        try:
            return rendered(page, source.side)
        finally:
            page.close()
    finally:
        document.close()


def _picture(source: Source) -> Pixels | None:
    try:
        kind = detect(source)
    except MediaError:
        return None
    return read_image(source, kind, []) if kind.modality is Modality.IMAGE and kind.reader == "Pillow" else None
