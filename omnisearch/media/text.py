"""Text: plain, Markdown, HTML and PDF, cut into passages."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from itertools import islice

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.segmentation import Segmentation
from omnisearch.types import Decoded, MediaInfo, Modality, Page, Piece, Segment

MAX_CHARACTERS = 200_000
MAX_PAGES = 500
SNIPPET = 160
_HIDDEN = {"script", "style", "template", "noscript", "head"}
_BLOCKS = {"p", "div", "li", "tr", "br", "section", "article", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table"}
_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019)\]]*\s+|\n")


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:
    """Read the first 200,000 characters as passages.

    Raises:
        MediaError: undecodable_text, empty_text, bad_slice or decode_error.
    """
    if source.part is not None and kind.format != "pdf":
        raise MediaError(Reason.BAD_SLICE, f"@{source.part} is a page of a PDF, and the file is {kind.mime}")
    text = clean("\n\n".join(_pdf_pages(source)) if kind.format == "pdf" else _characters(source, kind))
    if not text:
        raise MediaError(Reason.EMPTY_TEXT)
    return Decoded(MediaInfo(Modality.TEXT, kind.mime), passages(text, cut))


def clean(text: str) -> str:
    """NFC without control, format and private characters; tabs and line ends stay."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return "".join(islice(kept, MAX_CHARACTERS)).strip()


def passages(text: str, cut: Segmentation) -> Iterator[Piece]:
    """Cut at the end of a paragraph, else of a sentence, else of a word; neighbours overlap."""
    start = index = 0
    while True:
        end = _end(text, start, cut.characters)
        whole = start == 0 and end == len(text)
        segment = Segment() if whole else Segment(index, start, end, "characters")
        yield Piece(segment, text[start:end], snippet(text[start:end]))
        if end == len(text):
            return
        start, index = _next_start(text, start, end, cut.character_overlap), index + 1


def snippet(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text[: 4 * SNIPPET].split())
    return line if len(line) <= SNIPPET else line[: SNIPPET - 1].rstrip() + "\u2026"


def _end(text: str, start: int, length: int) -> int:
    if len(text) - start <= length * 1.25:  # a short rest joins the last passage
        return len(text)
    half = start + length // 2
    for pattern in (_PARAGRAPH, _SENTENCE):
        ends = [match.end() for match in pattern.finditer(text, half, start + length)]
        if ends:
            return ends[-1]
    space = text.rfind(" ", half, start + length)
    return space + 1 if space > 0 else start + length


def _next_start(text: str, start: int, end: int, overlap: int) -> int:
    earliest = max(end - overlap, start + 1)
    sentence = _SENTENCE.search(text, earliest, end)
    if sentence and sentence.end() < end:
        return sentence.end()
    space = text.find(" ", earliest, end - 1)
    return space + 1 if space > 0 else earliest


def _characters(source: Source, kind: Kind) -> str:
    data = source.file.read(4 * MAX_CHARACTERS * (8 if kind.format == "html" else 1))
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    if len(data) < source.size:  # cut between characters, not inside one
        data = data[: len(data) // 2 * 2] if wide else data.rstrip(bytes(range(0x80, 0x100)))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise MediaError(Reason.UNDECODABLE_TEXT, f"not {error.encoding} at byte {error.start}") from None
    return "".join(_html_text(text)) if kind.format == "html" else text


def _html_text(text: str) -> Iterable[str]:
    reader = _HtmlText()
    reader.feed(text)
    reader.close()
    return reader.parts


class _HtmlText(HTMLParser):
    """Collects the words of a page: its title and what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0
        self._title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "title":
            self._title = True
        elif tag == "body":
            self._hidden = 0
        elif tag in _HIDDEN:
            self._hidden += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._title = False
            self.parts.append("\n\n")
        elif tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._title or not self._hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


def _pdf_pages(source: Source) -> Iterator[str]:
    from pypdf import PdfReader

    reader, count = PdfReader(source.file), 0
    if reader.is_encrypted and not reader.decrypt(""):
        raise MediaError(Reason.DECODE_ERROR, "the PDF needs a password")
    if isinstance(source.part, Page):
        if source.part.number > len(reader.pages):
            raise MediaError(Reason.BAD_SLICE, f"@{source.part} lies outside of {len(reader.pages)} pages")
        yield reader.pages[source.part.number - 1].extract_text()
        return
    for page in islice(reader.pages, MAX_PAGES):
        text = page.extract_text()
        count += len(text)
        yield text
        if count > MAX_CHARACTERS:
            return
