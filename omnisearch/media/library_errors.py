"""Translate errors of media libraries into reasons and messages for users, without Python object names."""

import re
import resource
import struct
import tokenize
import zlib

from omnisearch.errors import MediaError, Reason
from omnisearch.media.kinds import Kind

_LENGTH = 200
# Exceptions whose own text is not useful to users. Keyed by name, because some of their libraries are imported late.
_MESSAGES: dict[str, tuple[Reason, str]] = {
    "UnidentifiedImageError": (Reason.DAMAGED, "the header of the picture is broken"),
    "DecompressionBombError": (Reason.TOO_MANY_PIXELS, "it decompresses to far more pixels than the limit"),
    "InvalidDataError": (Reason.DAMAGED, "its data break the rules of the format"),
    "PdfReadError": (Reason.DAMAGED, "its structure is broken"),
    "EOFError": (Reason.DAMAGED, "it ends too early"),
    "IndexError": (Reason.DAMAGED, "it names an entry that does not exist"),
    "RecursionError": (Reason.DECODE_ERROR, "its parts are nested too deep"),
    "AssertionError": (Reason.DECODE_ERROR, "it breaks a rule of the format"),
    "NotImplementedError": (Reason.UNSUPPORTED_FORMAT, "it uses a part of the format that is not read"),
}
_KINDS: tuple[tuple[type[Exception], tuple[Reason, str]], ...] = (
    (struct.error, (Reason.DAMAGED, "it ends too early")),
    (zlib.error, (Reason.DAMAGED, "its compressed data are broken")),
    (tokenize.TokenError, (Reason.DAMAGED, "its header is broken")),
)
# The messages of these errors describe the interpreter, not the defect of the file.
_PYTHONS_OWN = (ValueError, TypeError, AttributeError, ArithmeticError, NameError)
_BAD_VALUE = "a value in it breaks the rules of the format"
# Parts of messages that are meant for developers.
_NOISE = re.compile(r"<[^<>]* object at [^>]*>|<_io\.[^>]*>|\[Errno -?\d+\]\s*|:? ?'\d+'$|^\(|\)$|^'|'$")


def as_media_error(error: Exception, kind: Kind | None = None) -> MediaError:
    """Convert an exception of a library to a MediaError; its detail names the format, if known, and the defect."""
    if isinstance(error, MediaError):
        return error
    if isinstance(error, MemoryError):
        return MediaError(Reason.MEMORY_LIMIT, memory_limit())
    reason, text = _explained(error)
    return MediaError(reason, f"{kind.format}: {text}" if kind is not None else text)


def memory_limit() -> str:
    """The memory that this process may use, in words; empty if it has no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return "" if soft == resource.RLIM_INFINITY else f"the limit is {soft >> 20:,} MiB"


def _explained(error: Exception) -> tuple[Reason, str]:
    for base in type(error).__mro__:
        if base.__name__ in _MESSAGES:
            return _MESSAGES[base.__name__]
    for known, message in _KINDS:
        if isinstance(error, known):
            return message
    if type(error).__module__ == "builtins" and isinstance(error, _PYTHONS_OWN):
        return Reason.DECODE_ERROR, _BAD_VALUE
    text = _NOISE.sub("", " ".join(str(error).split()))
    text = "".join(c if c.isprintable() else "?" for c in text).strip(" :,.")[:_LENGTH]
    if isinstance(error, KeyError):
        return Reason.DAMAGED, f"it lacks the entry {text!r}"
    if "truncated" in text.lower():
        return Reason.DAMAGED, "it ends too early"
    return Reason.DECODE_ERROR, text or "the library gave no reason"
