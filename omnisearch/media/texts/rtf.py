"""Rich Text Format: its text, read token by token. Source: Rich Text Format Specification 1.9.1."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.texts.encoding import BLOCK
from omnisearch.media.texts.paragraphs import CELL
from omnisearch.media.texts.parts import Part

MAX_DEPTH = 1000
_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})?(?P<space> )?"
    r"|\\'(?P<hex>[0-9a-fA-F]{0,2})|\\(?P<symbol>[^a-zA-Z'])|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)|\\",
    re.DOTALL,
)
_SIGNS = {
    **dict.fromkeys(("par", "line", "sect", "page", "row", "nestrow", "column"), "\n"),
    "tab": "\t", "emdash": "\u2014", "endash": "\u2013", "bullet": "\u2022", "emspace": " ", "enspace": " ",
    "lquote": "\u2018", "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d", "qmspace": " ",
}  # fmt: skip
_SYMBOLS = {"\\": "\\", "{": "{", "}": "}", "~": "\u00a0", "_": "\u2011", "\n": "\n", "\r": "\n", "\t": "\t"}
# Groups that hold no text of the document. Those that begin with \* are left out too.
_LEFT_OUT = {
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "fldinst", "listtable", "listoverridetable",
    "rsidtbl", "generator", "themedata", "colorschememapping", "datastore", "latentstyles", "xmlnstbl", "pntext",
    "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf",
}  # fmt: skip
_CHARSETS = {
    77: "mac-roman", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5hkscs", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
_CODE_PAGES = {10000: "mac-roman", 65001: "utf-8", 936: "gb18030", 950: "big5hkscs"}
_HIGH, _LOW = range(0xD800, 0xDC00), range(0xDC00, 0xE000)


@dataclass(frozen=True)
class _Group:
    """The state of a group: whether it is left out, its encoding, and how many characters stand in for \\u."""

    left_out: bool = False
    in_fonts: bool = False
    codec: str = ""
    stand_ins: int = 1


def parts(source: Source, notes: list[str]) -> Iterator[Part]:  # noqa: ARG001
    """Yield the one part of a document."""
    yield Part("", _words(source.file))


def _words(file: BinaryIO) -> Iterator[str]:
    reader, rest = _Reader(), ""
    while block := file.read(BLOCK):
        rest = reader.read(rest + block.decode("latin-1"))
        yield reader.take()
    reader.read(f"{rest}}}")  # a brace ends the last control word
    yield reader.take()


class _Reader:
    """Reads the tokens of a document."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._bytes = bytearray()  # characters of the encoding of the group, not decoded yet
        self._separator = ""  # a bar between cells, if another cell follows
        self._group, self._groups = _Group(), list[_Group]()
        self._codec, self._fonts, self._font = "cp1252", dict[int, str](), 0
        self._skipped = 0  # characters that stand in for \u
        self._binary = 0  # bytes of \bin
        self._high = 0  # the first half of a character

    def take(self) -> str:
        """The words since the last call, up to the last control word."""
        text, self._text = "".join(self._text), []
        return text

    def read(self, text: str) -> str:
        """Read the tokens of a text. Returns the last one if it may go on in the next text."""
        at = min(self._binary, len(text))
        self._binary -= at
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None or (token.end() == len(text) and text[at] == "\\"):
                break
            at = token.end()
            self._take_in(token)
            if self._binary:
                skipped = min(self._binary, len(text) - at)
                at, self._binary = at + skipped, self._binary - skipped
        return text[at:]

    def _take_in(self, token: "re.Match[str]") -> None:
        match token.lastgroup:
            case "text":
                self._add(token["text"].encode("latin-1"))
            case "hex":
                self._add(bytes.fromhex(token["hex"]) if len(token["hex"]) == 2 else b"")
            case "brace":
                self._brace(token["brace"])
            case "symbol":
                self._symbol(token["symbol"])
            case "word" | "number" | "space":
                self._word(token["word"], token["number"])

    def _add(self, data: bytes) -> None:
        skipped = min(self._skipped, len(data))
        self._skipped -= skipped
        if not self._group.left_out:
            self._bytes += data[skipped:]

    def _write(self, text: str) -> None:
        self._flush()
        self._skipped = 0
        if not self._group.left_out:
            self._text.append(text if text == "\n" else self._separator + text)
            self._separator = ""

    def _flush(self) -> None:
        if self._bytes:
            self._text.append(self._separator + self._bytes.decode(self._group.codec or self._codec, "replace"))
            self._bytes.clear()
            self._separator = ""

    def _brace(self, brace: str) -> None:
        self._flush()
        self._skipped = 0
        if brace == "{":
            if len(self._groups) == MAX_DEPTH:
                raise MediaError(Reason.DECODE_ERROR, f"rtf: more than {MAX_DEPTH} nested groups")
            self._groups.append(self._group)
        elif self._groups:
            self._group = self._groups.pop()

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._change(left_out=True)
        elif symbol in _SYMBOLS:
            self._write(_SYMBOLS[symbol])

    def _change(self, **changes: object) -> None:
        self._flush()
        self._group = replace(self._group, **changes)  # type: ignore[arg-type]

    def _word(self, word: str, number: str | None) -> None:
        value = int(number or 0)
        if word in _SIGNS:
            self._write(_SIGNS[word])
        elif word in ("cell", "nestcell"):
            self._flush()
            self._separator = CELL
        elif word in _LEFT_OUT:
            self._change(left_out=True, in_fonts=word == "fonttbl")
        elif word == "u" and number is not None:
            self._unicode(value % 0x10000)
        elif word == "uc":
            self._change(stand_ins=max(value, 0))
        elif word == "bin":
            self._binary = max(value, 0)
        elif word == "ansicpg":
            self._codec = _code_page(value)
        elif word in ("f", "fcharset", "plain"):
            self._choose_font(word, value)

    def _choose_font(self, word: str, value: int) -> None:
        if word == "f" and self._group.in_fonts:
            self._font = value
        elif word == "fcharset":
            self._fonts[self._font] = _CHARSETS.get(value, "")
        else:
            self._change(codec=self._fonts.get(value, "") if word == "f" else "")

    def _unicode(self, code: int) -> None:
        if code in _HIGH:
            self._high = code
        elif code in _LOW and self._high:
            self._write(chr(0x10000 + ((self._high - _HIGH.start) << 10) + (code - _LOW.start)))
        elif code not in _LOW:
            self._write(chr(code))
        self._skipped = self._group.stand_ins


def _code_page(number: int) -> str:
    name = _CODE_PAGES.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"
