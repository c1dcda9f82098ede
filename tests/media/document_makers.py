"""Writers of small documents, from the text of their parts."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMES = (
    'xmlns:w="urn:w" xmlns:a="urn:a" xmlns:p="urn:p" xmlns:r="urn:r" xmlns:mc="urn:mc" xmlns:office="urn:office" '
    'xmlns:text="urn:text" xmlns:table="urn:table" xmlns:draw="urn:draw" xmlns:presentation="urn:presentation"'
)
Members = dict[str, str | bytes]


def zipped(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else method)
    return out.getvalue()


def xml(name: str, body: str) -> str:
    return f"{_XML}<{name} {_NAMES}>{body}</{name}>"


def relations(*targets: tuple[str, str]) -> str:
    """Relationships with the ids rId1, rId2..., of (kind, target)."""
    rows = (
        f'<Relationship Id="rId{number}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f"{_XML}<Relationships>{''.join(rows)}</Relationships>"


def office(kind: str, main: str, members: Members) -> Members:
    """The files of a package whose main file is `main`, of the type `kind`."""
    override = f'<Override PartName="/{main}" ContentType="{_TYPES}.{kind}.main+xml"/>'
    return {
        "[Content_Types].xml": f"{_XML}<Types>{override}</Types>",
        "_rels/.rels": relations(("officeDocument", f"/{main}")),
        **members,
    }


def docx_members(body: str, **more: str) -> Members:
    """A Word document with the content `body`; `more` are its other files by kind, such as styles."""
    files = {f"word/{kind}.xml": content for kind, content in more.items()}
    return office(
        "wordprocessingml.document",
        "word/document.xml",
        {
            "word/document.xml": xml("w:document", f"<w:body>{body}</w:body>"),
            "word/_rels/document.xml.rels": relations(*((kind, f"{kind}.xml") for kind in more)),
            **files,
        },
    )


STYLES = "".join(
    f'<w:style w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
    for key, name in (("T1", "heading 1"), ("T2", "Normal"))
)


def paragraph(text: str, style: str = "T2") -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{escape(text)}</w:t></w:r></w:p>'


def docx(*paragraphs: str) -> bytes:
    return zipped(docx_members("".join(map(paragraph, paragraphs)), styles=xml("w:styles", STYLES)))


def pptx_members(slides: Sequence[str], notes: Mapping[int, str] | None = None) -> Members:
    """A presentation; its slides are stored in the opposite order. `notes` are those of slides, counted from 1."""
    count = len(slides)
    shown = "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in range(1, count + 1))
    members: Members = {
        "ppt/presentation.xml": xml("p:presentation", f"<p:sldIdLst>{shown}</p:sldIdLst>"),
        "ppt/_rels/presentation.xml.rels": relations(
            *(("slide", f"slides/slide{count - n}.xml") for n in range(count))
        ),
    }
    for n, text in enumerate(slides, 1):
        lines = "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in text.splitlines())
        members[f"ppt/slides/slide{count + 1 - n}.xml"] = xml("p:sld", f"{lines}<a:p><a:fld><a:t>9</a:t></a:fld></a:p>")
        if notes and n in notes:
            name = f"../notesSlides/notes{n}.xml"
            members[f"ppt/slides/_rels/slide{count + 1 - n}.xml.rels"] = relations(("notesSlide", name))
            members[f"ppt/notesSlides/notes{n}.xml"] = xml("p:notes", f"<a:p><a:r><a:t>{notes[n]}</a:t></a:r></a:p>")
    return office("presentationml.presentation", "ppt/presentation.xml", members)


def xlsx_members(sheets: Mapping[str, str], strings: Sequence[str] = (), formats: Sequence[str] = ()) -> Members:
    """A workbook: rows in XML by the name of the sheet; the cell style n has the n-th format code."""
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
    shared = "".join(f"<si><t>{escape(text)}</t><rPh><t>spoken</t></rPh></si>" for text in strings)
    codes = "".join(f'<numFmt numFmtId="{164 + n}" formatCode={quoteattr(f)}/>' for n, f in enumerate(formats))
    styles = "".join(f'<xf numFmtId="{164 + n}"/>' for n in range(len(formats)))
    members: Members = {
        "xl/workbook.xml": xml("workbook", f"<workbookPr/><sheets>{listed}</sheets>"),
        "xl/_rels/workbook.xml.rels": relations(
            *(("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)),
            ("sharedStrings", "sharedStrings.xml"),
            ("styles", "styles.xml"),
        ),
        "xl/sharedStrings.xml": xml("sst", shared),
        "xl/styles.xml": xml("styleSheet", f"<numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs>"),
    }
    for n, rows in enumerate(sheets.values(), 1):
        members[f"xl/worksheets/sheet{n}.xml"] = xml("worksheet", f"<sheetData>{rows}</sheetData>")
    return office("spreadsheetml.sheet", "xl/workbook.xml", members)


def row(*cells: str) -> str:
    """A row of texts."""
    made = (f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in cells)
    return f"<row>{''.join(made)}</row>"


def open_members(kind: str, body: str) -> Members:
    """An OpenDocument file of the kind text, presentation or spreadsheet."""
    return {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "content.xml": xml(
            "office:document-content", f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        ),
        "META-INF/manifest.xml": "<manifest:manifest><manifest:file-entry/></manifest:manifest>",
    }


def epub_members(chapters: Mapping[str, str], titles: Mapping[str, str]) -> Members:
    """A book: documents in reading order, and the titles of those that are in the table of contents."""
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    nav = '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    entries = "".join(f'<li><a href="{name}.xhtml#top">{title}</a></li>' for name, title in titles.items())
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container><rootfile full-path="OEBPS/book.opf"/></container>',
        "OEBPS/book.opf": f"<package><manifest>{items}{nav}</manifest><spine>{spine}</spine></package>",
        "OEBPS/nav.xhtml": f"<html><body><nav>{entries}</nav></body></html>",
        **{
            f"OEBPS/{name}.xhtml": f"<html><head><title>Book</title></head><body><p>{text}</p></body></html>"
            for name, text in chapters.items()
        },
    }


def encrypted_office() -> bytes:
    """A compound file whose directory names an encrypted package."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", head, 30, 9)  # sectors of 512 bytes
    struct.pack_into("<I", head, 48, 1)  # the sector of the directory
    names = b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", "EncryptedPackage"))
    return bytes(head) + bytes(512) + names.ljust(512, b"\0")


MAIL = b"""\
From: =?utf-8?q?Ren=C3=A9e?= <renee@example.org>
To: Ann <ann@example.org>
Subject: =?utf-8?b?w4RwZmVs?= and pears
Date: Mon, 1 Jun 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/html; charset=utf-8

<p>The <b>red</b> fox</p>
--c
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

The quick brown f=F6x
--c--
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename="report.pdf"
Content-Transfer-Encoding: base64

AAAA
--b--
"""
RTF = rb"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Arial Cyr;}}{\info{\title hidden}}
{\*\generator hidden;}\pard The {\b quick} brown f\'f6x\par
\f1\'eb\'e8\'f1\'e0\f0\tab \u8364?\emdash{\pict\bin4 }}{{ff00ff00}
\par a\cell b\cell\row}"""


_FOX = "The quick brown fox"
_ODS = f'<table:table table:name="A"><table:table-row><table:table-cell><text:p>{_FOX}</text:p></table:table-cell>'
SMALL: dict[str, bytes] = {
    "docx": docx(_FOX),
    "pptx": zipped(pptx_members([_FOX])),
    "xlsx": zipped(xlsx_members({"Animals": row("fox", "quick", "brown")})),
    "odt": zipped(open_members("text", f"<text:p>{_FOX}</text:p>")),
    "odp": zipped(open_members("presentation", f"<draw:page><text:p>{_FOX}</text:p></draw:page>")),
    "ods": zipped(open_members("spreadsheet", f"{_ODS}</table:table-row></table:table>")),
    "epub": zipped(epub_members({"one": _FOX}, {"one": "Foxes"})),
    "rtf": RTF,
    "json": b'{"animal": "The quick brown fox", "legs": 4}',
    "ipynb": b'{"cells": [{"cell_type": "markdown", "source": ["The quick brown fox"]}], "nbformat": 4}',
    "eml": MAIL,
    "mbox": b"From a@example.org Mon Jun 1 10:00:00 2026\n" + MAIL,
}
