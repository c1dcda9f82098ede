"""Texts are read whole, in the encoding that they have, and what was assumed or left out is told."""

# ruff: noqa: RUF001 - text in many alphabets

import io
import itertools
import re
import tracemalloc
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.errors import MediaError, Reason
from omnisearch.media import text as decoding
from omnisearch.media.file import Source
from omnisearch.media.kinds import KINDS
from omnisearch.media.pool import DecoderPool
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.texts import pdf
from omnisearch.media.texts.clean import clean
from omnisearch.media.texts.passages import passages
from omnisearch.types import Decoded, Page, Slice
from tests.media import makers

CUT = Segmentation(seconds=10, overlap=2, characters=1000, character_overlap=150)
LEGACY = (
    ("windows-1252", "cp1252", "café noir"),
    ("windows-1252", "cp1252", "Grüße aus Köln. Die Straße ist naß."),
    ("windows-1252", "cp1252", "L’été dernier, à la plage; c’était très agréable."),
    ("windows-1250", "cp1250", "Zażółć gęślą jaźń. Dziękuję bardzo."),
    ("windows-1251", "cp1251", "Красная собака бежит"),
    ("koi8-r", "koi8_r", "Красная собака бежит по снегу"),
    ("gb18030", "gbk", "红色的狗在雪地里奔跑，很高兴。"),
    ("big5", "big5", "這是一個測試檔案，裡面有一些中文文字。"),
    ("shift_jis", "cp932", "赤い犬が雪の中を走る。テキスト"),
    ("euc-jp", "euc_jp", "赤い犬が雪の中を走る。テキスト"),
    ("euc-kr", "euc_kr", "안녕하세요 세계. 빨간 개가 달린다."),
)  # fmt: skip


def read(data: bytes, kind: str, part: Slice | None = None, cut: Segmentation = CUT) -> Decoded:
    return decoding.decode(Source(io.BytesIO(data), len(data), f"a.{kind}", slice=part), KINDS[kind], cut)


def whole(decoded: Decoded) -> str:
    """The text that the passages cover."""
    text = ""
    for piece in decoded.pieces:
        start = int(piece.segment.start or 0)
        assert start <= len(text)
        text = text[:start] + str(piece.content)
    return text


@pytest.mark.parametrize(("name", "codec", "text"), LEGACY)
def test_a_legacy_encoding_is_detected_and_named(name: str, codec: str, text: str) -> None:
    decoded = read(f"# plain\n{text}\n".encode(codec), "txt")
    assert whole(decoded) == f"# plain\n{text}"
    assert decoded.notes == [f"text read as {name}"]


def test_the_only_other_byte_may_come_late() -> None:
    decoded = read(b"An ordinary line.\n" * 30_000 + b"na\xefve\n", "txt")
    assert whole(decoded).endswith("na\u00efve")
    assert decoded.notes == ["text read as windows-1252"]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("text", ["Red dogs run.\nBlue cats sit.", "\u7ea2\u8272\u7684\u72d7\n\u5728\u96ea\u5730 1"])
def test_wide_text_without_a_mark(codec: str, text: str) -> None:
    decoded = read(text.encode(codec), "txt")
    assert whole(decoded) == text
    assert decoded.notes == [f"text read as {codec}"]


def test_unicode_needs_no_note() -> None:
    for codec in ("ascii", "utf-8", "utf-8-sig", "utf-16", "utf-32"):
        decoded = read("Red dogs run.".encode(codec), "txt")
        assert whole(decoded) == "Red dogs run."
        assert decoded.notes == []


def test_a_few_broken_bytes_do_not_change_the_encoding() -> None:
    decoded = read("gr\u00fc\u00dfe ".encode() * 100 + b"\xff" + b" ende", "txt")
    assert whole(decoded).startswith("gr\u00fc\u00dfe gr")
    assert decoded.notes == ["partly read: 1 characters are not UTF-8"]


@pytest.mark.parametrize(
    ("declaration", "codec", "name"),
    [
        ('<meta charset="iso-8859-1">', "cp1252", "windows-1252"),
        ("<META http-equiv=Content-Type content='text/html; charset=Windows-1251'>", "cp1251", "windows-1251"),
        ('<?xml version="1.0" encoding="iso-8859-2"?>', "iso8859-2", "iso8859-2"),
    ],
)
def test_a_declared_charset_is_believed_first(declaration: str, codec: str, name: str) -> None:
    data = b"%s<title>t</title><p>\xe4\xe6 \xe4\xe6" % declaration.encode()
    decoded = read(data, "html")
    assert b"\xe4\xe6 \xe4\xe6".decode(codec) in whole(decoded)
    assert decoded.notes == [f"text read as {name}, which it declares"]


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "nonsense", "zip", "idna", "hex", "undefined"])
def test_a_charset_that_cannot_be_is_not_believed(charset: str) -> None:
    decoded = read(f'<meta charset="{charset}"><p>gr\u00fc\u00dfe'.encode(), "html")
    assert whole(decoded) == "gr\u00fc\u00dfe"


def test_a_page_that_declares_utf_8_and_is_not() -> None:
    page = "<meta charset=utf-8><p>Łódź, zażółć gęślą jaźń"
    assert whole(read(page.encode("cp1250"), "html")) == "Łódź, zażółć gęślą jaźń"


@given(
    st.text(
        alphabet=st.sampled_from("ab \n\r\t\u0301\u0327\u1100\u1161\u11a8\u200b\x07\U0001f600\u304b\u3099"), max_size=60
    ),
    st.data(),
)
def test_cleaning_does_not_depend_on_blocks(raw: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=5)))
    blocks = [raw[a:b] for a, b in itertools.pairwise([0, *cuts, len(raw)])]
    assert "".join(clean(blocks)) == "".join(clean([raw]))


@given(st.text(alphabet="ab .\n", max_size=2000), st.integers(1, 300))
def test_passages_do_not_depend_on_blocks(text: str, size: int) -> None:
    cut = Segmentation(seconds=10, overlap=2, characters=100, character_overlap=20)
    halves = [("one", text[: len(text) // 2]), ("two", text[len(text) // 2 :])]
    blocks = [(name, half[i : i + size]) for name, half in halves for i in range(0, len(half), size)]
    first, second = (
        [(piece.segment, piece.content, piece.snippet) for piece in passages(source, cut)]
        for source in (filter(itemgetter(1), halves), blocks)
    )
    assert first == second


SENTENCES = [f"This is sentence number {number}." for number in range(60_000)]


@pytest.mark.parametrize("kind", ["txt", pytest.param("html", marks=pytest.mark.slow)])
def test_a_long_text_is_read_to_its_end_in_little_memory(kind: str) -> None:
    text = "\n".join(SENTENCES)  # 1.9 million characters
    data = f"<title>Book</title>{text.replace(chr(10), '<br>')}" if kind == "html" else text
    decoded = read(data.encode(), kind)
    tracemalloc.start()
    end = 0
    for piece in decoded.pieces:
        last, end = str(piece.content), int(piece.segment.end or 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last.endswith(SENTENCES[-1])
    assert end == len(text) + (len("Book\n\n") if kind == "html" else 0)
    assert decoded.notes == []
    assert peak < 2 * len(text)


def test_positions_are_those_of_the_whole_text() -> None:
    text = " ".join(SENTENCES[:20_000])
    for piece in read(text.encode(), "txt").pieces:
        assert piece.content == text[int(piece.segment.start or 0) : int(piece.segment.end or 0)]


def test_a_limit_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_CHARACTERS", 5000)
    decoded = read(" ".join(SENTENCES[:2000]).encode(), "txt")
    assert len(whole(decoded)) <= 5000
    assert decoded.notes == ["partly read: the first 5,000 characters"]


def test_a_pdf_is_read_past_500_pages() -> None:
    decoded = read(makers.pdf_of([f"Page {number} of the book" for number in range(1, 521)]), "pdf")
    assert "Page 520 of the book" in whole(decoded)
    assert decoded.notes == []


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256-R5", "AES-256"])
def test_an_encrypted_pdf(algorithm: str, pool: DecoderPool, tmp_path: Path) -> None:
    for password, name in (("", "open.pdf"), ("secret", "shut.pdf")):
        (tmp_path / name).write_bytes(makers.encrypted(makers.pdf("Hello page"), password, algorithm))
    (piece,) = pool.decode(tmp_path / "open.pdf").pieces
    assert piece.content == "Hello page"
    with pytest.raises(MediaError) as caught:
        pool.decode(tmp_path / "shut.pdf")
    assert caught.value.reason is Reason.NEEDS_PASSWORD


@pytest.mark.parametrize("before", [b"HTTP/1.1 200 OK\r\n\r\n", b"\xef\xbb\xbf", bytes(1000), b"\n"])
@pytest.mark.parametrize("counted", [False, True])
def test_a_pdf_after_other_bytes(before: bytes, counted: bool) -> None:
    data = before + makers.pdf("Hello page")
    if counted:  # the offsets count from the start of the file, not from the header
        data = makers.pdf("Hello page", before)
    assert whole(read(data, "pdf")) == "Hello page"


class FewPages:
    """A PDF of which the pages whose words are None cannot be read."""

    def __init__(self, words: list[str | None]) -> None:
        self.pages = [self.Page(each) for each in words]
        self.resolved_objects: dict[int, int] = {}

    class Page:
        def __init__(self, words: str | None) -> None:
            self._words = words

        def extract_text(self) -> str:
            if self._words is None:
                raise ValueError("broken")
            while self._words == "slow":
                try:
                    while True:
                        pass
                except Exception:  # as pypdf does here and there
                    continue
            return self._words


def test_pages_that_cannot_be_read_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "PAGE_SECONDS", 0.05)
    notes: list[str] = []
    pages = pdf.pdf_pages(FewPages(["one", None, "slow", "four"]), notes)
    assert [(page.name, *page.blocks) for page in pages] == [("page 1", "one"), ("page 4", "four")]
    assert notes == ["partly read: 2 of 4 pages could not be read"]
    with pytest.raises(MediaError) as caught:
        list(pdf.pdf_pages(FewPages([None, None]), []))
    assert caught.value.reason is Reason.DAMAGED


def test_reading_ends_where_no_words_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "PAGE_SECONDS", 0.05)
    monkeypatch.setattr(pdf, "SILENT_SECONDS", 0.12)
    notes: list[str] = []
    assert [page.name for page in pdf.pdf_pages(FewPages(["one", *["slow"] * 9]), notes)] == ["page 1"]
    # How many fit into the time depends on the machine.
    assert re.fullmatch(r"partly read: the first [2-9] of 10 pages; the rest took too long", notes[0])


def test_a_page_of_a_pdf_is_a_slice() -> None:
    data = makers.pdf_of(["first", "second", "third"])
    assert whole(read(data, "pdf", Page(3))) == "third"
    with pytest.raises(MediaError, match="@p4 is outside of 3 pages"):
        read(data, "pdf", Page(4))
