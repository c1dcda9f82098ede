"""Recognise documents: packages by the list of their content, others by how they begin."""

import re
import zipfile
from typing import BinaryIO

from omnisearch.errors import MediaError, Reason
from omnisearch.media.sniff.head import FileHead

_ZIP, _RTF, _COMPOUND = b"PK\x03\x04", b"{\\rtf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CONTENTS, _MIMETYPE = "[Content_Types].xml", "mimetype"
_MAX_CONTENTS = 4 << 20
# Parts of the type of a package's main file; those of templates and of files with macros differ in the words before.
_OFFICE = (
    (b"wordprocessingml.document.main", "docx"), (b"wordprocessingml.template.main", "docx"),
    (b"ms-word.document.macroEnabled", "docx"), (b"ms-word.template.macroEnabled", "docx"),
    (b"presentationml.presentation.main", "pptx"), (b"presentationml.slideshow.main", "pptx"),
    (b"presentationml.template.main", "pptx"), (b"ms-powerpoint.presentation.macroEnabled", "pptx"),
    (b"ms-powerpoint.slideshow.macroEnabled", "pptx"), (b"ms-powerpoint.template.macroEnabled", "pptx"),
    (b"spreadsheetml.sheet.main", "xlsx"), (b"spreadsheetml.template.main", "xlsx"),
    (b"ms-excel.sheet.macroEnabled", "xlsx"), (b"ms-excel.template.macroEnabled", "xlsx"),
)  # fmt: skip
_OASIS = {"text": "odt", "presentation": "odp", "spreadsheet": "ods"}
_OPEN = re.compile(rb"application/vnd\.oasis\.opendocument\.(text|presentation|spreadsheet)(?:-template|-master)?\s*")
# Names of files in the head of a package whose list of contents is lost, as it is at the end.
_NAMES = ((b"word/document", "docx"), (b"ppt/presentation", "pptx"), (b"xl/workbook", "xlsx"))
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OF_A_PICTURE = '"photoTakenTime"'  # in the files of Google Takeout
_HEADER = re.compile(r"[!-9;-~]{1,60}:[ \t]")
_MAIL = re.compile(r"^(?:from|date|subject|message-id|received|mime-version):", re.IGNORECASE | re.MULTILINE)


def document_format(head: FileHead, file: BinaryIO) -> str | None:
    """The document format of a file, or None. Puts the file position back to the start.

    Raises:
        MediaError: needs_password, for an encrypted package of Office.
    """
    if head.data.startswith(_RTF):
        return "rtf"
    if head.data.startswith(_COMPOUND) and _is_encrypted(head, file):
        raise MediaError(Reason.NEEDS_PASSWORD, "an encrypted document of Office")
    if head.data.startswith(_ZIP):
        found = _package(file)
        file.seek(0)
        return found or _by_names(head.data)
    return None


def document_text_format(head: FileHead) -> str | None:
    """The format of a document that is text: its name promises it, and it begins like one.

    Raises:
        MediaError: unsupported_format, for the file that Google Takeout writes beside a picture.
    """
    start = (head.text or "").lstrip("\ufeff \t\r\n")
    if head.suffix in (".json", ".jsonl", ".ndjson", ".ipynb") and start[:1] in ("{", "["):
        if _OF_A_PICTURE in start:
            raise MediaError(Reason.UNSUPPORTED_FORMAT, "metadata of a picture, which are read with the picture")
        return "ipynb" if head.suffix == ".ipynb" else "json"
    if head.suffix in (".eml", ".mbox"):
        return _mail(head.data[:8192].decode("latin-1"))
    return None


def _package(file: BinaryIO) -> str | None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            for name, known in ((_MIMETYPE, _by_mimetype), (_CONTENTS, _by_contents)):
                if name in names:
                    with archive.open(name) as member:
                        return known(member.read(_MAX_CONTENTS))
    except Exception:  # the decoder reports the damage
        return None
    return None


def _by_mimetype(data: bytes) -> str | None:
    if data.strip() == b"application/epub+zip":
        return "epub"
    found = _OPEN.fullmatch(data)
    return _OASIS[found[1].decode()] if found else None


def _by_contents(data: bytes) -> str | None:
    return next((name for part, name in _OFFICE if part in data), None)


def _by_names(data: bytes) -> str | None:
    if data[30:38] == b"mimetype":
        return _by_mimetype(data[38 : data.find(b"PK", 38)])
    if b"[Content_Types].xml" in data or b"_rels/.rels" in data:
        return next((name for part, name in _NAMES if part in data), None)
    return None


def _is_encrypted(head: FileHead, file: BinaryIO) -> bool:
    """Whether a compound file has the stream of an encrypted package, by the names in its directory."""
    size = 1 << min(int.from_bytes(head.data[30:32], "little"), 12)
    file.seek((int.from_bytes(head.data[48:52], "little") + 1) * size)
    directory = file.read(4096)
    file.seek(0)
    return _ENCRYPTED in directory


def _mail(text: str) -> str | None:
    if text.startswith("From ") and _MAIL.search(text):
        return "mbox"
    return "eml" if _HEADER.match(text) and _MAIL.search(text) else None
