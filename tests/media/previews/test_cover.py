"""Documents show their first page or the picture that they hold of it."""

import io
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omnisearch.media.pool import DecoderPool
from omnisearch.media.rendition import AnyRendition, PagePicture, Rendition
from omnisearch.types import Modality
from tests.media import document_makers as documents
from tests.media import makers

BOOK = documents.epub_members({"one": "First words of a book."}, {"one": "One"})


def jpeg() -> bytes:
    out = io.BytesIO()
    makers.picture(200, 300).save(out, "JPEG")
    return out.getvalue()


def book(manifest: str, metadata: str = "") -> bytes:
    package = str(BOOK["OEBPS/book.opf"]).replace("<manifest>", f"{metadata}<manifest>{manifest}")
    return documents.zipped({**BOOK, "OEBPS/book.opf": package, "OEBPS/img/c.jpg": jpeg()})


PICTURED = {
    "office.docx": documents.zipped({**documents.docx_members("<w:p/>"), "docProps/thumbnail.jpeg": jpeg()}),
    "open.odt": documents.zipped({**documents.open_members("text", ""), "Thumbnails/thumbnail.png": jpeg()}),
    "new.epub": book('<item id="c" href="img/c.jpg" properties="cover-image"/>'),
    "old.epub": book('<item id="c" href="img/c.jpg"/>', '<metadata><meta name="cover" content="c"/></metadata>'),
}
PLAIN = {
    "office.docx": documents.zipped(documents.docx_members("<w:p/>")),
    "bad.docx": documents.zipped({**documents.docx_members("<w:p/>"), "docProps/thumbnail.jpeg": b"no picture"}),
    "plain.epub": documents.zipped(BOOK),
    "lost.epub": book('<item id="c" href="img/gone.jpg" properties="cover-image"/>'),
    "vector.odt": documents.zipped({**documents.open_members("text", ""), "Thumbnails/thumbnail.png": b"<svg/>"}),
    "a.txt": b"words",
}


def rendered(pool: DecoderPool, path: Path, content: bytes, rendition: AnyRendition) -> Image.Image | None:
    path.write_bytes(content)
    with path.open("rb") as file:
        made = pool.render(path, file.fileno(), rendition)
    return None if made is None else Image.open(BytesIO(made))


@pytest.mark.parametrize("name", PICTURED)
def test_a_picture_in_the_document_is_its_preview(name: str, pool: DecoderPool, tmp_path: Path) -> None:
    image = rendered(pool, tmp_path / name, PICTURED[name], Rendition.SMALL)
    assert image is not None
    expected = np.asarray(makers.picture(200, 300), np.float32)
    assert np.abs(np.asarray(image.convert("RGB"), np.float32) - expected).mean() < 10


@pytest.mark.parametrize("name", PLAIN)
def test_a_document_without_one_has_none(name: str, pool: DecoderPool, tmp_path: Path) -> None:
    assert rendered(pool, tmp_path / name, PLAIN[name], Rendition.SMALL) is None


@pytest.mark.parametrize(("rendition", "side"), [(Rendition.SMALL, 320), (Rendition.LARGE, 1280)])
def test_a_pdf_shows_its_first_page(rendition: Rendition, side: int, pool: DecoderPool, tmp_path: Path) -> None:
    image = rendered(pool, tmp_path / "a.pdf", makers.pdf_of(["Dogs run", "Cats sleep"]), rendition)
    assert image is not None
    assert max(image.size) == side
    pixels = np.asarray(image.convert("L"))
    assert pixels.max() > 250  # paper
    assert pixels.min() < 128  # ink


def test_a_pdf_shows_each_of_its_pages(pool: DecoderPool, tmp_path: Path) -> None:
    content = makers.pdf_of(["Dogs run", "", "Cats sleep"])
    pages = [rendered(pool, tmp_path / "a.pdf", content, PagePicture(number)) for number in (1, 2, 3)]
    inks = [np.asarray(page.convert("L")) < 128 for page in pages if page is not None]
    assert [ink.any() for ink in inks] == [True, False, True]
    assert (inks[0] != inks[2]).any()
    assert rendered(pool, tmp_path / "a.pdf", content, PagePicture(4)) is None
    assert rendered(pool, tmp_path / "a.txt", b"words", PagePicture(1)) is None


def test_documents_alone_among_texts_have_previews() -> None:
    assert Rendition.SMALL.suits(Modality.TEXT, "application/pdf")
    assert not Rendition.SMALL.suits(Modality.TEXT, "text/plain")
    assert not Rendition.PEAKS.suits(Modality.TEXT, "application/pdf")
