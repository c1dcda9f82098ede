"""Recognise texts: a PDF by its magic bytes, any other by its encoding and the extension of its name."""

import re

from omnisearch.media.kinds import BY_SUFFIX
from omnisearch.media.sniff.head import FileHead

# The formats that a plain text may have by its name. JSON and mail that do not begin as they should are plain text too.
_PLAIN = {"txt": "txt", "md": "md", "html": "html", **dict.fromkeys(("json", "ipynb", "eml", "mbox"), "txt")}


def pdf_format(head: FileHead) -> str | None:
    """`pdf` for a PDF, else None. Other bytes may come before its header, unless the file is a text of another name."""
    if head.data.startswith(b"%PDF-"):
        return "pdf"
    late = b"%PDF-" in head.data[:1024] and (head.suffix == ".pdf" or head.text is None)
    return "pdf" if late else None


def named_text(head: FileHead) -> str | None:
    """The plain text format that the name promises; a name without an extension promises plain text."""
    kind = BY_SUFFIX.get(head.suffix)
    if not head.suffix:
        return "txt"
    return _PLAIN.get(kind.format) if kind is not None else None


def text_format(head: FileHead) -> str | None:
    """The format of a file whose name promises a text and whose content can be one, or None."""
    named = named_text(head)
    if named is None or head.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return named
    if head.text is None:  # with an extension of a text, the decoder reports the damage
        return named if head.suffix else None
    html = re.match(r"\s*(<!doctype html|<html)", head.text.lstrip("\ufeff"), re.IGNORECASE)
    return "html" if named == "txt" and html else named
