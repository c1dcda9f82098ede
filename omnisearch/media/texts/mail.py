"""Mail: the subject, the people, and the text of a message; a mailbox has one part for each message."""

import email
from collections.abc import Iterable, Iterator, Sequence
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from itertools import chain

from omnisearch.media.file import Source
from omnisearch.media.texts.html import html_words
from omnisearch.media.texts.parts import Part

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_BEGINS = b"From "


def parts(source: Source, notes: list[str]) -> Iterator[Part]:  # noqa: ARG001
    """Yield the one part of a message."""
    yield Part("", _message(email.message_from_binary_file(source.file)))


def mailbox_parts(source: Source, notes: list[str]) -> Iterator[Part]:  # noqa: ARG001
    """Yield a part for each message of an mbox file."""
    for number, lines in enumerate(_messages(source.file), 1):
        yield Part(f"message {number}", _message(email.message_from_bytes(b"".join(lines))))


def _messages(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Split at lines that begin with "From " after a blank line."""
    message, is_blank = list[bytes](), True
    for line in lines:
        if is_blank and line.startswith(_BEGINS):
            if message:
                yield message
            message = []
        else:
            message.append(line)
        is_blank = not line.strip()
    if message:
        yield message


def _message(message: Message) -> Iterator[str]:
    for name in _HEADERS:
        if value := _decoded(message.get(name, "")):
            yield f"{name}: {value}\n"
    yield "\n"
    yield from _body(message)


def _body(part: Message) -> Iterator[str]:
    payload = part.get_payload() if part.is_multipart() else None
    if isinstance(payload, list):
        below = [each for each in payload if isinstance(each, Message)]
        if part.get_content_type() == "message/rfc822":
            yield from chain.from_iterable(map(_message, below))
        else:
            chosen = [_plainest(below)] if part.get_content_type() == "multipart/alternative" and below else below
            yield from chain.from_iterable(map(_body, chosen))
    elif name := part.get_filename():
        yield f"Attachment: {_decoded(name)}\n"
    elif part.get_content_maintype() == "text":
        text = _text(part)
        yield from html_words([text]) if part.get_content_subtype() == "html" else [text]
        yield "\n\n"


def _plainest(parts: Sequence[Message]) -> Message:
    """The form of a text that needs the least reading: plain, else HTML, else the first."""
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == wanted:
                return part
    return parts[0]


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        return data.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):  # a codec with a zero byte in its name
        return data.decode("utf-8", "replace")


def _decoded(value: object) -> str:
    """A header as text on one line; as it is if its encoding is broken."""
    try:
        text = str(make_header(decode_header(str(value))))
    except (LookupError, ValueError, MessageError):
        text = str(value)
    return " ".join(text.split())
