"""Encode readings as messages; decode them with checks, because the process that made them is not trusted."""

from collections.abc import Sequence
from dataclasses import replace

from omnisearch.types import Reading
from omnisearch.wire import Message, WireError

MAX_READINGS = 4096  # in one message
MAX_TEXT = 4096  # characters of one reading
MAX_NOTES, MAX_NOTE = 8, 200


def pack(readings: Sequence[Reading], notes: Sequence[str] = ()) -> Message:
    """Encode readings, and what was not read, as one message."""
    return Message({"readings": [reading.as_row() for reading in readings], "notes": list(notes)})


def unpack(message: Message) -> tuple[list[Reading], list[str]]:
    """Decode a message into readings and notes; long ones are cut.

    Raises:
        WireError: the message does not hold readings.
    """
    try:
        readings = [_bounded(Reading.from_row(row)) for row in message.body["readings"][:MAX_READINGS]]
        notes = [str(note)[:MAX_NOTE] for note in message.body["notes"][:MAX_NOTES]]
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"not readings: {error!r}") from None
    return readings, notes


def _bounded(reading: Reading) -> Reading:
    language, confidence = reading.language[:16], min(max(reading.confidence, 0.0), 1.0)
    return replace(reading, text=reading.text[:MAX_TEXT], language=language, confidence=confidence)
