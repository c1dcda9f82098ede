"""Notes of a reading: which text or speech of an item was not read. The next reading of the item replaces them."""

from collections.abc import Iterable

from omnisearch.notes import PARTLY_READ
from omnisearch.stores.validation import MAX_NOTE, MAX_NOTES

_OF_READING = f"{PARTLY_READ}, text or speech: "


def with_reading_notes(notes: Iterable[str], of_reading: Iterable[str]) -> tuple[str, ...]:
    """Return the notes of an item, once each, with those of its last reading in the place of earlier ones.

    `of_reading` are its notes as the reader wrote them, with or without "partly read: ".
    """
    kept = [note for note in notes if not note.startswith(_OF_READING)]
    added = [_OF_READING + note.removeprefix(f"{PARTLY_READ}: ") for note in of_reading]
    return tuple(dict.fromkeys(note[:MAX_NOTE] for note in (*kept, *added)))[:MAX_NOTES]
