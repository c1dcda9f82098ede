"""Documents: their words in reading order, by pages, slides, sheets and chapters."""

import io
import json
import zipfile
from collections.abc import Sequence

import pytest

from omnisearch.errors import MediaError, Reason
from omnisearch.media.decode import decode
from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.kinds import KINDS
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.texts import rtf
from omnisearch.media.texts.number_formats import EPOCH_1900, EPOCH_1904, is_date, written_date
from omnisearch.types import Decoded, Page
from tests.media import document_makers as makers

CUT = Segmentation(seconds=10, overlap=2, characters=1000, character_overlap=150)
LONG = "A sentence of some length that fills a passage. " * 6


def read(data: bytes, name: str) -> Decoded:
    return decode(Source(io.BytesIO(data), len(data), name), CUT)


def text_of(data: bytes, name: str) -> str:
    (piece,) = read(data, name).pieces
    return str(piece.content)


def named(decoded: Decoded) -> list[tuple[str, str]]:
    return [(piece.segment.part, str(piece.content).split(".")[0].strip()) for piece in decoded.pieces]


@pytest.mark.parametrize("kind", makers.SMALL)
@pytest.mark.parametrize("name", ["right", "wrong.txt", "wrong.png", "none"])
def test_a_document_is_recognised_by_its_content(kind: str, name: str) -> None:
    data = makers.SMALL[kind]
    if kind in ("json", "ipynb", "eml", "mbox"):
        name = "right"  # these are texts, of which the name tells the kind
    found = detect(Source(io.BytesIO(data), len(data), f"a.{kind}" if name == "right" else name))
    assert found.format == kind
    decoded = read(data, f"a.{kind}")
    assert decoded.info.mime == found.mime
    assert "fox" in str(next(decoded.pieces).content).replace("\u00f6", "o")


def test_a_word_document_in_the_order_of_its_text() -> None:
    table = "<w:tbl>" + "".join(
        f"<w:tr><w:tc>{makers.paragraph(a)}{makers.paragraph(b)}</w:tc><w:tc>{makers.paragraph(c)}</w:tc></w:tr>"
        for a, b, c in (("a", "b", "c"), ("d", "", "e"))
    )
    box = "<mc:AlternateContent><mc:Choice>%s</mc:Choice><mc:Fallback>%s</mc:Fallback></mc:AlternateContent>"
    body = (
        makers.paragraph("first")
        + f"{table}</w:tbl>"
        + "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>one</w:t><w:tab/><w:t>tw</w:t></w:r><w:r><w:t>o</w:t>"
        + "<w:del><w:delText>gone</w:delText></w:del><w:br/><w:instrText>PAGE</w:instrText></w:r></w:p>"
        + "<w:p><w:r>"
        + box % (makers.paragraph("in a box"), makers.paragraph("in a box"))
        + "</w:r></w:p>"
    )
    members = makers.docx_members(body, footnotes=makers.xml("w:footnotes", makers.paragraph("a note")))
    lines = ["first", "a b | c", "d | e", "one\ttwo", "in a box", "a note"]
    assert [line for line in text_of(makers.zipped(members), "a.docx").splitlines() if line] == lines


def test_chapters_of_a_word_document_begin_with_a_heading() -> None:
    body = makers.paragraph("Before. " + LONG) + "".join(
        makers.paragraph(title, "T1") + makers.paragraph(LONG) for title in ("Autumn.", "Winter.")
    )
    members = makers.docx_members(body, styles=makers.xml("w:styles", makers.STYLES))
    expected = [("", "Before"), ("chapter 1: Autumn.", "Autumn"), ("chapter 2: Winter.", "Winter")]
    assert named(read(makers.zipped(members), "a.docx")) == expected


def test_slides_in_the_order_in_which_they_are_shown() -> None:
    slides = [f"Number {number}.\n{LONG}" for number in range(1, 4)]
    pieces = list(read(makers.zipped(makers.pptx_members(slides, {2: "said aloud"})), "a.pptx").pieces)
    assert [piece.segment.part for piece in pieces] == ["slide 1", "slide 2", "slide 3"]
    for number, piece in enumerate(pieces, 1):
        words = str(piece.content)
        assert words.startswith(f"Number {number}.\n")
        assert ("said aloud" in words) == (number == 2)
        assert "9" not in words  # the field with the number of the slide


def test_a_slide_is_a_slice() -> None:
    data = makers.zipped(makers.pptx_members(["one", "two", "three"]))
    (piece,) = decode(Source(io.BytesIO(data), len(data), "a.pptx", slice=Page(2)), CUT).pieces
    assert (piece.segment.part, piece.content) == ("slide 2", "two")
    with pytest.raises(MediaError, match="@p4 is outside of 3 slides"):
        decode(Source(io.BytesIO(data), len(data), "a.pptx", slice=Page(4)), CUT)


def test_metadata_of_a_picture_are_no_document() -> None:
    data = json.dumps({"title": "a.jpg", "photoTakenTime": {"timestamp": "1"}}).encode()
    with pytest.raises(MediaError) as caught:
        read(data, "a.jpg.json")
    assert caught.value.reason is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(("kind", "most"), [("pdf", 512), ("docx", 512), ("txt", 64), ("json", 64)])
def test_a_document_with_pictures_may_be_larger(kind: str, most: int) -> None:
    check_size(KINDS[kind], most << 20)
    with pytest.raises(MediaError):
        check_size(KINDS[kind], (most << 20) + 1)


def test_cells_of_a_workbook_as_they_are_shown() -> None:
    rows = (
        '<row><c t="s"><v>1</v></c><c t="s"><v>0</v></c><c t="s"><v>7</v></c><c/></row><row/>'
        '<row><c><f>A1+B1</f><v>0.30000000000000004</v></c><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c>'
        '<c t="str"><v>made</v></c><c><v>12</v></c></row>'
        '<row><c s="0"><v>45000</v></c><c s="1"><v>45000.5</v></c><c s="2"><v>45000</v></c></row>'
    )
    members = makers.xlsx_members(
        {"Empty": "", "Budget": rows}, ["pear", "apple <1>"], ["yyyy-mm-dd", "[$-407]d/m hh:mm", '0.0 "days"']
    )
    lines = ["Budget", "apple <1> | pear", "0.3 | TRUE | made | 12", "2023-03-15 | 2023-03-15 12:00 | 45000"]
    decoded = read(makers.zipped(members), "a.xlsx")
    (piece,) = decoded.pieces
    assert str(piece.content).splitlines() == lines
    assert piece.segment.part == "sheet Budget"


@pytest.mark.parametrize(
    ("code", "shown"),
    [("m/d/yy", True), ("[h]:mm", True), ("General", False), ("0.00", False), ('0 "days"', False), ("[Red]0", False),
     ("#,##0_);[Red]-d", False), ("\\d0", False), ("@", False)],
)  # fmt: skip
def test_a_number_format_that_shows_a_date(code: str, shown: bool) -> None:
    assert is_date(code) is shown


@pytest.mark.parametrize(
    ("days", "epoch", "written"),
    [(45000, EPOCH_1900, "2023-03-15"), (43538, EPOCH_1904, "2023-03-15"), (0.75, EPOCH_1900, "18:00"),
     (1.5, EPOCH_1900, "1899-12-31 12:00"), (1e9, EPOCH_1900, ""), (-1e9, EPOCH_1900, ""),
     (float("inf"), EPOCH_1900, ""), (float("nan"), EPOCH_1900, "")],
)  # fmt: skip
def test_a_number_of_days_is_a_date(days: float, epoch: int, written: str) -> None:
    assert written_date(days, epoch) == written


def test_opendocument_text() -> None:
    chapters = "".join(
        f'<text:h text:outline-level="1">{title}</text:h><text:p>{LONG}</text:p>' for title in ("Autumn.", "Winter.")
    )
    body = (
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        f"<text:p>a<text:s/>b<text:tab/>c<text:line-break/>{LONG}</text:p>{chapters}"
    )
    pieces = list(read(makers.zipped(makers.open_members("text", body)), "a.odt").pieces)
    assert str(pieces[0].content).startswith("a b\tc\nA sentence")
    assert [piece.segment.part for piece in pieces] == ["", "chapter 1: Autumn.", "chapter 2: Winter."]


def test_opendocument_slides_and_sheets() -> None:
    slides = "".join(f"<draw:page><text:p>Number {n}.</text:p><text:p>{LONG}</text:p></draw:page>" for n in (1, 2))
    decoded = read(makers.zipped(makers.open_members("presentation", slides)), "a.odp")
    assert named(decoded) == [("slide 1", "Number 1"), ("slide 2", "Number 2")]
    cell = "<table:table-cell><text:p>%s</text:p></table:table-cell>"
    cells = f"<table:table-row>{cell % 'a'}<table:table-cell/>{cell % 'b'}<table:table-cell/></table:table-row>"
    sheet = f'<table:table table:name="Budget">{cells}</table:table>'
    (piece,) = read(makers.zipped(makers.open_members("spreadsheet", sheet)), "a.ods").pieces
    assert (piece.segment.part, piece.content) == ("sheet Budget", "Budget\na | b")


def test_chapters_of_a_book_have_the_names_of_its_table_of_contents() -> None:
    chapters = {name: f"Begin {name}. {LONG}" for name in ("cover", "b", "more", "a")}
    data = makers.zipped(makers.epub_members(chapters, {"b": "Autumn", "a": "Winter"}))
    assert named(read(data, "a.epub")) == [
        ("", "Begin cover"), ("chapter 1: Autumn", "Begin b"), ("chapter 2: Winter", "Begin a"),
    ]  # fmt: skip


def test_the_table_of_contents_of_an_older_book() -> None:
    members = makers.epub_members({"one": LONG}, {})
    opf = str(members["OEBPS/book.opf"]).replace('href="nav.xhtml" properties="nav"', 'href="toc.ncx"')
    members["OEBPS/book.opf"] = opf.replace(
        '"application/xhtml+xml"/></manifest>', '"application/x-dtbncx+xml"/></manifest>'
    )
    members["OEBPS/toc.ncx"] = (
        "<ncx><docTitle><text>Book</text></docTitle><navPoint><navLabel><text>Autumn</text></navLabel>"
        '<content src="one.xhtml"/></navPoint></ncx>'
    )
    assert [part for part, _ in named(read(makers.zipped(members), "a.epub"))] == ["chapter 1: Autumn"]


def test_rich_text() -> None:
    shown = "The quick brown f\u00f6x\n\u043b\u0438\u0441\u0430\t\u20ac\u2014\na | b"
    assert text_of(makers.RTF, "a.rtf") == shown


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_rich_text_does_not_depend_on_blocks(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = text_of(makers.RTF, "a.rtf")
    monkeypatch.setattr(rtf, "BLOCK", size)
    assert text_of(makers.RTF, "a.rtf") == whole


@pytest.mark.parametrize(
    ("code", "shown"),
    [(rb"\u-10179?\u-8704?", "\U0001f600"), (rb"{\uc2\u233 xx}e", "\u00e9e"), (rb"{\uc0\u233 e}", "\u00e9e"),
     (rb"\u233\'e9e", "\u00e9e"), (rb"a\{b\}\\c\~d", "a{b}\\c\u00a0d"), (rb"\ansicpg932 \'83A\'83\'42", "\u30a2\u30a3"),
     (rb"{\*\unknown {x}}y", "y"), (rb"a\-b\_c", "ab\u2011c")],
)  # fmt: skip
def test_characters_of_rich_text(code: bytes, shown: str) -> None:
    assert text_of(rb"{\rtf1\ansi " + code + b"}", "a.rtf") == shown


def test_mail_is_its_subject_its_people_and_its_plain_text() -> None:
    lines = [line for line in text_of(makers.MAIL, "a.eml").splitlines() if line]
    assert lines == [
        "Subject: \u00c4pfel and pears", "From: Ren\u00e9e <renee@example.org>", "To: Ann <ann@example.org>",
        "Date: Mon, 1 Jun 2026 10:00:00 +0000", "The quick brown f\u00f6x", "Attachment: report.pdf",
    ]  # fmt: skip


@pytest.mark.parametrize("charset", ["nonsense", "u\u00e9-8", "x\0y", "hex"])
def test_mail_with_a_charset_that_does_not_exist(charset: str) -> None:
    head = f"Subject: =?{charset}?q?fox?=\nContent-Type: text/plain; charset={charset}\n\nThe fox"
    assert text_of(head.encode(), "a.eml").endswith("The fox")


def test_each_message_of_a_mailbox_is_a_part() -> None:
    message = b"From a\nSubject: number %d.\n\n" + LONG.encode() + b"\n>From here\n\n"
    box = b"".join(message % number for number in (1, 2))
    assert named(read(box, "a.mbox")) == [("message 1", "Subject: number 1"), ("message 2", "Subject: number 2")]


def test_json_in_lines() -> None:
    value = {
        "name": "fox", "legs": 4, "wild": True, "none": None, "home": {"in": "the woods"},
        "eats": ["mice", "berries"], "size": [1, 2.5], "blob": "A" * 2000,
    }  # fmt: skip
    lines = [
        "name: fox", "legs: 4", "wild: true", "home:", "in: the woods", "eats:", "mice", "berries", "size:", "1 2.5",
    ]  # fmt: skip
    assert [line.strip() for line in text_of(json.dumps(value).encode(), "a.json").splitlines() if line] == lines


def test_every_line_of_json_lines_is_a_paragraph() -> None:
    data = b"".join(b'{"a": %d, "b": {"c": "x"}}\n' % number for number in range(3))
    assert text_of(data, "a.jsonl") == "\n\n".join(f"a: {number}\nb:\nc: x" for number in range(3))


def test_broken_json_is_read_as_far_as_it_goes() -> None:
    decoded = read(b'{"a": "fox", "b": [1, 2', "a.json")
    assert [str(piece.content).split() for piece in decoded.pieces] == [["a:", "fox", "b:", "1", "2"]]
    assert decoded.notes == ["partly read: the rest is not valid JSON"]
    decoded = read(b'// settings\n{"a": 1}', "a.json")
    assert [piece.content for piece in decoded.pieces] == ['// settings\n{"a": 1}']
    decoded = read(b'{ // settings\n"a": 1}', "a.json")
    assert [piece.content for piece in decoded.pieces] == ['{ // settings\n"a": 1}']
    assert decoded.notes == ["read as plain text: it is not valid JSON"]


def test_cells_of_a_notebook() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# One.\n", LONG]},
        {"cell_type": "code", "source": "Two.", "outputs": [{"text": [LONG]}, {"data": {"text/plain": ["3"]}}]},
    ]
    data = json.dumps({"cells": cells, "nbformat": 4}).encode()
    assert named(read(data, "a.ipynb")) == [("cell 1", "# One"), ("cell 2", "Two")]


def test_the_text_ends_at_the_limit_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnisearch.media.text.MAX_CHARACTERS", 3000)
    rows = "".join(makers.row(f"cell {number}") for number in range(1000))
    decoded = read(makers.zipped(makers.xlsx_members({"A": rows})), "a.xlsx")
    *_, last = decoded.pieces
    assert last.segment.end == 3000
    assert decoded.notes == ["partly read: the first 3,000 characters"]


def _damaged(kind: str, name: str, change: Sequence[tuple[bytes, bytes]]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(makers.SMALL[kind])) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    for old, new in change:
        assert old in members[name]
        members[name] = members[name].replace(old, new)
    return makers.zipped(members)


def test_an_encrypted_document_needs_its_password() -> None:
    marked = _damaged("odt", "META-INF/manifest.xml", [(b"<manifest:file-entry/>", b"<manifest:encryption-data/>")])
    for data, name in ((makers.encrypted_office(), "a.docx"), (makers.encrypted_office(), "a"), (marked, "a.odt")):
        with pytest.raises(MediaError) as caught:
            list(read(data, name).pieces)
        assert caught.value.reason is Reason.NEEDS_PASSWORD


def test_another_zip_is_not_a_document() -> None:
    data = makers.zipped({"a.txt": "words", "[Content_Types].xml": "<Types/>"})
    for name, reason in (("a.zip", Reason.UNSUPPORTED_FORMAT), ("a.docx", Reason.DAMAGED)):
        with pytest.raises(MediaError) as caught:
            detect(Source(io.BytesIO(data), len(data), name))
        assert caught.value.reason is reason
