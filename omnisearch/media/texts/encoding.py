"""Find the encoding of a text file: by byte order mark, declaration, UTF-8, or else with a detector."""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from omnisearch.errors import MediaError, Reason

BLOCK = 1 << 18
_HEAD = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_DECLARED = re.compile(rb"""<(?:meta|\?xml)\s[^<>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", re.I)
# As in browsers, a page that declares the encoding on the left is read as its superset on the right.
_LARGER = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949",
    "utf-16": "utf-8", "utf-16-le": "utf-8", "utf-16-be": "utf-8",  # a declaration in ASCII bytes is wrong
}  # fmt: skip
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "mac-roman")
_OTHER_ALPHABETS = ("cp1251", "koi8-r", "cp866", "cp1253", "cp1255", "cp1256", "cp874")
_MANY_BYTES = ("gb18030", "big5hkscs", "cp932", "euc_jis_2004", "cp949")
_NAMES = {
    "big5hkscs": "big5", "cp932": "shift_jis", "euc_jis_2004": "euc-jp", "cp949": "euc-kr", "cp866": "ibm866",
    "mac-roman": "macintosh",
}  # fmt: skip
# With fewer bytes outside ASCII, every Latin encoding fits; the most common one is used.
_ENOUGH = 3
# The largest share of control and unassigned characters that still counts as text.
_JUNK = 0.02


@dataclass(frozen=True)
class Encoding:
    """The Python `codec` of a file. `note` tells the user which encoding was assumed; empty for Unicode."""

    codec: str
    note: str = ""


def find_encoding(file: BinaryIO, declares: bool) -> Encoding:
    """Find the encoding of a text file; `declares`: its format can name its charset, as HTML does.

    Raises:
        MediaError: undecodable_text, if the content is not text in any known encoding.
    """
    file.seek(0)
    head = file.read(_HEAD)
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return Encoding(codec)
    declared = _declared(head) if declares else None
    if declared is not None:
        return declared
    if wide := _without_mark(head):
        return Encoding(wide, f"text read as {wide}")
    bad, rest = _count_utf8(file)
    if bad == 0 or bad * 20 <= rest:
        return Encoding("utf-8", f"partly read: {bad:,} characters are not UTF-8" if bad else "")
    return _detected(file)


def blocks(file: BinaryIO, codec: str) -> Iterator[str]:
    """Decode a file block by block; invalid bytes become U+FFFD."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    file.seek(0)
    while data := file.read(BLOCK):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def _declared(head: bytes) -> Encoding | None:
    found = _DECLARED.search(head[:4096])
    if found is None:
        return None
    name = found[1].decode("ascii", "replace")
    try:
        b" ".decode(name, "replace")  # LookupError if it is not a text encoding, such as zip
        codec = codecs.lookup(name).name
        codec = _LARGER.get(codec, codec)
        text = _start_of(head, codec)
    except (LookupError, ValueError):
        return None
    if _junk(text) > _JUNK:
        return None
    return Encoding(codec, "" if codec == "utf-8" else f"text read as {_name(codec)}, which it declares")


def _without_mark(head: bytes) -> str | None:
    """Detect UTF-16 or UTF-32 without a byte order mark by many zero bytes, or because the text is not UTF-8."""
    zeros = head.count(0)
    if zeros == 0 or (zeros * 4 < len(head) and _is_utf8(head)):
        return None
    junk = {codec: _junk(_start_of(head, codec)) for codec in _WIDE}
    best = min(junk, key=lambda codec: junk[codec])
    return best if junk[best] <= _JUNK else None


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _start_of(head: bytes, codec: str) -> str:
    return codecs.getincrementaldecoder(codec)("replace").decode(head)


def _junk(text: str) -> float:
    """The share of control, unassigned, private and replacement characters, which do not occur in text."""
    if not text:
        return 1.0
    junk = [c for c in set(text) if c not in "\n\t\r\f" and (c == "\ufffd" or unicodedata.category(c)[0] == "C")]
    return sum(text.count(c) for c in junk if c != "\ufeff") / len(text)


def _count_utf8(file: BinaryIO) -> tuple[int, int]:
    """Count the invalid UTF-8 sequences of a file, and its valid characters outside ASCII."""
    bad = other = 0
    for block in blocks(file, "utf-8"):
        replaced = block.count("\ufffd")
        bad, other = bad + replaced, other + len(block) - len(block.encode("ascii", "ignore")) - replaced
    return bad, other


def _detected(file: BinaryIO) -> Encoding:
    import chardet

    sample = _sample(file)

    def best(*codecs: str) -> str:
        return str(chardet.detect(sample, include_encodings=codecs, compat_names=False)["encoding"] or "cp1252")

    codec = best(*_LATIN, *_OTHER_ALPHABETS, *_MANY_BYTES)
    if codec not in _MANY_BYTES and _mixed(sample):
        codec = best(*_LATIN) if len(re.findall(rb"[\x80-\xff]", sample)) >= _ENOUGH else "cp1252"
    if sample.decode(codec, "replace") == sample.decode("cp1252", "replace"):
        codec = "cp1252"
    if _junk(sample.decode(codec, "replace")) > _JUNK:
        raise MediaError(Reason.UNDECODABLE_TEXT, "not UTF-8, and no other encoding fits")
    return Encoding(codec, f"text read as {_name(codec)}")


def _sample(file: BinaryIO) -> bytes:
    """Distinct lines that contain bytes outside ASCII, up to 64 KiB."""
    file.seek(0)
    lines: dict[bytes, None] = {}
    size = 0
    while size < _HEAD and (line := file.readline(_HEAD)):
        if not line.isascii() and line not in lines:
            lines[line] = None
            size += len(line)
    return b"".join(lines)


def _mixed(sample: bytes) -> bool:
    """Whether words mix ASCII letters with other bytes, as only those of Latin alphabets do."""
    runs = len(re.findall(rb"[\x80-\xff]+", sample))
    return 2 * len(re.findall(rb"(?<=[A-Za-z])[\x80-\xff]+|[\x80-\xff]+(?=[A-Za-z])", sample)) > runs


def _name(codec: str) -> str:
    """The name of an encoding as browsers and editors show it."""
    return _NAMES.get(codec, codec.replace("cp125", "windows-125").replace("cp874", "windows-874").replace("_", "-"))
