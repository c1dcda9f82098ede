"""Documents made to harm: each is refused by the pool with its reason, or read within the limits."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from omnisearch.errors import MediaError, Reason
from omnisearch.media import archive
from omnisearch.media.pool import DecoderPool
from tests.media import document_makers as makers

MAIN = "word/document.xml"
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(10))
OUTSIDE = '<!ENTITY x SYSTEM "file:///etc/passwd">'


def _with(kind: str, name: str, content: str | bytes) -> bytes:
    """A small document with another content of one of its files."""
    with zipfile.ZipFile(io.BytesIO(makers.SMALL[kind])) as package:
        members: makers.Members = {each: package.read(each) for each in package.namelist()}
    return makers.zipped({**members, name: content})


def _entities(declared: str, used: str) -> str:
    return f'<!DOCTYPE d [{declared}]><w:document xmlns:w="w"><w:p><w:t>{used}</w:t></w:p></w:document>'


def _bomb(kind: str, name: str, start: bytes) -> Callable[[], bytes]:
    """A document of a megabyte, of which one file unpacks to more than the limit."""

    def made() -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(makers.SMALL[kind])) as good, zipfile.ZipFile(out, "w", 8) as bad:
            for each in good.namelist():
                if each != name:
                    bad.writestr(each, good.read(each))
            with bad.open(name, "w") as member:
                member.write(start)
                for _ in range((archive.MAX_UNPACKED >> 20) + 1):
                    member.write(b" " * (1 << 20))
        return out.getvalue()

    return made


def _wrong_sum() -> bytes:
    data = bytearray(makers.SMALL["docx"])
    for signature, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        at = data.find(signature)
        while at >= 0:
            if data[at + 26 :][:20].find(b"word") >= 0 or b"word/document.xml" in data[at : at + 70]:
                struct.pack_into("<I", data, at + offset, zlib.crc32(b"another content"))
            at = data.find(signature, at + 4)
    return bytes(data)


def _nested_mail(depth: int) -> bytes:
    parts = (b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth))
    return b"From: a\nSubject: nested\n" + b"".join(parts) + b"\nfox\n"


def _wrong_offset() -> bytes:
    """A zip that says that its first file begins before the archive."""
    data = bytearray(makers.SMALL["docx"])
    struct.pack_into("<I", data, data.find(b"PK\x05\x06") + 16, 0xFFFFFFF)
    return bytes(data)


def _lying_archive() -> bytes:
    """A zip whose file says that it is short and unpacks to more."""
    data = bytearray(makers.SMALL["docx"])
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        struct.pack_into("<I", data, at + 24, 10)
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


HOSTILE: dict[str, tuple[str, bytes, set[Reason]]] = {
    "docx with billions of laughs": (
        "a.docx",
        _with("docx", MAIN, _entities(LAUGHS, "&a9;")),
        {Reason.UNSUPPORTED_FORMAT},
    ),
    "docx with a file of the machine": (
        "a.docx",
        _with("docx", MAIN, _entities(OUTSIDE, "&x;")),
        {Reason.UNSUPPORTED_FORMAT},
    ),
    "odt with a file of the machine": (
        "a.odt",
        _with("odt", "content.xml", _entities(OUTSIDE, "&x;")),
        {Reason.UNSUPPORTED_FORMAT},
    ),
    "docx of half a file": ("a.docx", makers.SMALL["docx"][: len(makers.SMALL["docx"]) // 2], {Reason.DAMAGED}),
    "epub of half a file": ("a.epub", makers.SMALL["epub"][: len(makers.SMALL["epub"]) // 2], {Reason.DAMAGED}),
    "docx with a wrong sum": ("a.docx", _wrong_sum(), {Reason.DAMAGED}),
    "docx with a wrong offset": ("a.docx", _wrong_offset(), {Reason.DAMAGED}),
    "docx with wrong sizes": ("a.docx", _lying_archive(), {Reason.DAMAGED}),
    "docx with broken XML": ("a.docx", _with("docx", MAIN, "<w:document><w:p>"), {Reason.DAMAGED}),
    "docx without its document": ("a.docx", _with("docx", "_rels/.rels", makers.relations()), {Reason.DAMAGED}),
    "docx outside of itself": (
        "a.docx",
        _with("docx", "_rels/.rels", makers.relations(("officeDocument", "../../../../etc/passwd"))),
        {Reason.DAMAGED},
    ),
    "docx by another method": (
        "a.docx",
        makers.zipped(makers.docx_members(""), zipfile.ZIP_LZMA),
        {Reason.UNSUPPORTED_FORMAT},
    ),
    "epub without a book": ("a.epub", _with("epub", "META-INF/container.xml", "<container/>"), {Reason.DAMAGED}),
    "epub with its key elsewhere": (
        "a.epub",
        _with("epub", "META-INF/encryption.xml", '<e><CipherReference URI="OEBPS/one.xhtml"/></e>'),
        {Reason.NEEDS_PASSWORD},
    ),
    "rtf of many groups": ("a.rtf", b"{\\rtf1 " + b"{" * 100_000, {Reason.DECODE_ERROR}),
    "rtf of nothing": ("a.rtf", b"{\\rtf1 \\bin2000000000 x}", {Reason.EMPTY_TEXT}),
    "no notebook": ("a.ipynb", b'[{"cells": 3}]', {Reason.DAMAGED}),
    "a notebook of many lists": ("a.ipynb", b'{"cells": ' + b"[" * 100_000, {Reason.DECODE_ERROR, Reason.DAMAGED}),
    "no words": ("a.docx", makers.docx(" "), {Reason.EMPTY_TEXT}),
}
BOMBS: dict[str, tuple[str, Callable[[], bytes], set[Reason]]] = {
    "docx of many files": (
        "a.docx",
        lambda: makers.zipped({**makers.docx_members(""), **{f"{n}": "" for n in range(20_001)}}),
        {Reason.TOO_LARGE},
    ),
    "mail in mail": ("a.eml", lambda: _nested_mail(1000), {Reason.DECODE_ERROR}),
    "docx": ("a.docx", _bomb("docx", MAIN, b"<w:document><w:p>"), {Reason.TOO_LARGE}),
    "xlsx": ("a.xlsx", _bomb("xlsx", "xl/sharedStrings.xml", b"<sst>"), {Reason.TOO_LARGE}),
    "epub": ("a.epub", _bomb("epub", "OEBPS/one.xhtml", b"<p>"), {Reason.TOO_LARGE}),
}


def _refused(name: str, content: bytes, reasons: set[Reason], pool: DecoderPool, folder: Path) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(MediaError) as caught:
        list(pool.decode(folder / name).pieces)
    assert caught.value.reason in reasons, caught.value


@pytest.mark.parametrize("case", HOSTILE)
def test_refused_with_its_reason(case: str, pool: DecoderPool, tmp_path: Path) -> None:
    _refused(*HOSTILE[case], pool, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused(kind: str, pool: DecoderPool, tmp_path: Path) -> None:
    name, made, reasons = BOMBS[kind]
    _refused(name, made(), reasons, pool, tmp_path)


def test_json_may_be_nested_to_any_depth(pool: DecoderPool, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"a": "fox", "b": ' + b"[" * 300_000 + b"]" * 300_000 + b"}")
    (piece,) = pool.decode(tmp_path / "a.json").pieces
    assert str(piece.content).startswith("a: fox")


def test_cells_far_away_cost_nothing(pool: DecoderPool, tmp_path: Path) -> None:
    cells = '<c r="ZZZZZZZ999999999999" t="s"><v>99999999999999999999</v></c><c><v>1e999</v></c>'
    rows = f'<row r="999999999999">{cells}</row>'
    (tmp_path / "a.xlsx").write_bytes(makers.zipped(makers.xlsx_members({"A": rows + makers.row("fox")})))
    (piece,) = pool.decode(tmp_path / "a.xlsx").pieces
    assert piece.content == "A\ninf\nfox"
