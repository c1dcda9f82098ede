"""Documents of several parts: pages of a scan, slides, sheets and chapters, each with a phrase of its own.

Office files are written as the smallest archives that the standards allow (ECMA-376, OpenDocument 1.2, EPUB 3).
"""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw

from demo.words.fonts import Fonts
from demo.words.pictures import wrapped, written

_OOXML = "http://schemas.openxmlformats.org"
_RELATIONS = f"{_OOXML}/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
# A part of a document: a heading, and paragraphs.
Part: TypeAlias = tuple[str, Sequence[str]]


def write_scan(parts: Sequence[Part], path: Path, fonts: Fonts) -> None:
    """Write a PDF whose pages are pictures of text, as a scanner makes them."""
    pages = []
    for heading, paragraphs in parts:
        page = Image.new("L", (1240, 1754), 250)
        pen, top = ImageDraw.Draw(page), 140.0
        for text, size in ((heading, 46), *((each, 32) for each in paragraphs)):
            font = fonts.of("latin", size)
            top = written(pen, (120, top), wrapped(text, font, 1000, "latin"), font, 20)[3] + 40
        pages.append(page.rotate(0.4, Image.Resampling.BICUBIC, fillcolor=250))
    pages[0].save(path, "PDF", save_all=True, append_images=pages[1:], resolution=150)


def write_docx(parts: Sequence[Part], path: Path) -> None:
    """Write a text document with a heading for each part."""
    run = '<w:r><w:t xml:space="preserve">{}</w:t></w:r></w:p>'
    body = _filled(parts, f'<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>{run}', f"<w:p>{run}")
    space = f'xmlns:w="{_OOXML}/wordprocessingml/2006/main"'
    document = f"{_HEAD}<w:document {space}><w:body>{body}</w:body></w:document>"
    kind = "wordprocessingml.document.main"
    _write(path, {**_package("word/document.xml", {"word/document.xml": kind}), "word/document.xml": document})


def write_pptx(parts: Sequence[Part], path: Path) -> None:
    """Write a presentation with a slide for each part."""
    space = f'xmlns:a="{_OOXML}/drawingml/2006/main" xmlns:p="{_OOXML}/presentationml/2006/main" xmlns:r="{_RELATIONS}"'
    files, kinds = {}, {"ppt/presentation.xml": "presentationml.presentation.main"}
    for n, (heading, paragraphs) in enumerate(parts, 1):
        shapes = _shape(2, "title", [heading]) + _shape(3, "body", paragraphs)
        group = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
        tree = f"<p:cSld><p:spTree>{group}{shapes}</p:spTree></p:cSld>"
        files[f"ppt/slides/slide{n}.xml"] = f"{_HEAD}<p:sld {space}>{tree}</p:sld>"
        kinds[f"ppt/slides/slide{n}.xml"] = "presentationml.slide"
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in range(1, len(parts) + 1))
    size = '<p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/>'
    files["ppt/presentation.xml"] = (
        f"{_HEAD}<p:presentation {space}><p:sldIdLst>{ids}</p:sldIdLst>{size}</p:presentation>"
    )
    links = {f"rId{n}": ("slide", f"slides/slide{n}.xml") for n in range(1, len(parts) + 1)}
    files["ppt/_rels/presentation.xml.rels"] = _links(links)
    _write(path, {**_package("ppt/presentation.xml", kinds), **files})


def write_xlsx(parts: Sequence[Part], path: Path) -> None:
    """Write a workbook with a sheet for each part, and a row for each paragraph."""
    space = f'xmlns="{_OOXML}/spreadsheetml/2006/main" xmlns:r="{_RELATIONS}"'
    files, kinds = {}, {"xl/workbook.xml": "spreadsheetml.sheet.main"}
    for n, (_, paragraphs) in enumerate(parts, 1):
        rows = "".join(
            f'<row r="{r}"><c r="A{r}"><v>{r}</v></c><c r="B{r}" t="inlineStr"><is><t>{escape(text)}</t></is></c></row>'
            for r, text in enumerate(paragraphs, 1)
        )
        files[f"xl/worksheets/sheet{n}.xml"] = f"{_HEAD}<worksheet {space}><sheetData>{rows}</sheetData></worksheet>"
        kinds[f"xl/worksheets/sheet{n}.xml"] = "spreadsheetml.worksheet"
    sheets = "".join(
        f'<sheet name="{escape(heading)}" sheetId="{n}" r:id="rId{n}"/>' for n, (heading, _) in enumerate(parts, 1)
    )
    files["xl/workbook.xml"] = f"{_HEAD}<workbook {space}><sheets>{sheets}</sheets></workbook>"
    links = {f"rId{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(parts) + 1)}
    files["xl/_rels/workbook.xml.rels"] = _links(links)
    _write(path, {**_package("xl/workbook.xml", kinds), **files})


def write_odt(parts: Sequence[Part], path: Path) -> None:
    """Write an OpenDocument text with a heading for each part."""
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    kind = "application/vnd.oasis.opendocument.text"
    body = _filled(parts, '<text:h text:outline-level="1">{}</text:h>', "<text:p>{}</text:p>")
    space = f'xmlns:office="{urn}:office:1.0" xmlns:text="{urn}:text:1.0" office:version="1.2"'
    content = f"{_HEAD}<office:document-content {space}><office:body><office:text>{body}</office:text></office:body>"
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>'
    listed = entry.format("/", kind) + entry.format("content.xml", "text/xml")
    manifest = f'{_HEAD}<manifest:manifest xmlns:manifest="{urn}:manifest:1.0" manifest:version="1.2">{listed}'
    _write(
        path,
        {
            "mimetype": kind,
            "content.xml": f"{content}</office:document-content>",
            "META-INF/manifest.xml": f"{manifest}</manifest:manifest>",
        },
    )


def write_epub(parts: Sequence[Part], path: Path) -> None:
    """Write a book with a chapter for each part."""
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{0}</title></head><body><h1>{0}</h1>{1}</body></html>'
    )
    chapters = {
        f"c{n}.xhtml": _HEAD + page.format(escape(heading), "".join(f"<p>{escape(text)}</p>" for text in paragraphs))
        for n, (heading, paragraphs) in enumerate(parts, 1)
    }
    items = "".join(f'<item id="{name[:-6]}" href="{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    order = "".join(f'<itemref idref="{name[:-6]}"/>' for name in chapters)
    about = (
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">words</dc:identifier>'
        "<dc:title>Notes</dc:title><dc:language>en</dc:language></metadata>"
    )
    package = f'<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">{about}'
    root = '<rootfile full-path="content.opf" media-type="application/oebps-package+xml"/>'
    container = f'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>{root}'
    _write(
        path,
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": f"{_HEAD}{container}</rootfiles></container>",
            "content.opf": f"{_HEAD}{package}<manifest>{items}</manifest><spine>{order}</spine></package>",
            **chapters,
        },
    )


# Writers by extension. The parts of the first three are numbered pages, slides and sheets.
WRITERS: Mapping[str, Callable[[Sequence[Part], Path], None]] = {
    ".pptx": write_pptx,
    ".xlsx": write_xlsx,
    ".epub": write_epub,
    ".docx": write_docx,
    ".odt": write_odt,
}


def _filled(parts: Sequence[Part], title: str, paragraph: str) -> str:
    """The parts one after another: headings and paragraphs, each in its template."""
    return "".join(
        title.format(escape(heading)) + "".join(paragraph.format(escape(text)) for text in paragraphs)
        for heading, paragraphs in parts
    )


def _shape(number: int, kind: str, texts: Sequence[str]) -> str:
    about = f'<p:cNvPr id="{number}" name="{kind}"/><p:cNvSpPr/><p:nvPr><p:ph type="{kind}"/></p:nvPr>'
    lines = "".join(f"<a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p>" for text in texts)
    return f"<p:sp><p:nvSpPr>{about}</p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/>{lines}</p:txBody></p:sp>"


def _package(main: str, kinds: Mapping[str, str]) -> dict[str, str]:
    prefix = "application/vnd.openxmlformats-officedocument"
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{prefix}.{kind}+xml"/>' for name, kind in kinds.items()
    )
    relations = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    xml = '<Default Extension="xml" ContentType="application/xml"/>'
    types = f'<Types xmlns="{_OOXML}/package/2006/content-types">{relations}{xml}{overrides}</Types>'
    return {"[Content_Types].xml": _HEAD + types, "_rels/.rels": _links({"rId1": ("officeDocument", main)})}


def _links(links: Mapping[str, tuple[str, str]]) -> str:
    every = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for name, (kind, target) in links.items()
    )
    return f'{_HEAD}<Relationships xmlns="{_OOXML}/package/2006/relationships">{every}</Relationships>'


def _write(path: Path, files: Mapping[str, str]) -> None:
    """Write an archive; its times are constant, so that the same parts give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (2023, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
