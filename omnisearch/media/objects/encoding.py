"""The encoding of text-based 3D files: numbers are ASCII, but names and comments may use another one."""

import codecs

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
FALLBACK = "windows-1252"


def read_text(data: bytes, notes: list[str] | None = None) -> str:
    """Decode by the byte order mark, else as UTF-8, else as windows-1252; UTF-16 and windows-1252 add a note."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding = FALLBACK
        text = data.decode(encoding, "replace")
    if notes is not None and not encoding.startswith("utf-8"):
        notes.append(f"text read as {encoding}")
    return text
