"""The texts of a segment, by field: the name of its file, what the file says of itself, what was read in it."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from omnisearch.metadata import Metadata
from omnisearch.types import Reading

# Fields that people write to describe a file count more, and words that were read in pictures less. A passage has a
# hundred times as many words as a name, so one of them says less of it. The weight of a reading is multiplied by the
# confidence of the recognizer.
WEIGHTS: Mapping[str, float] = {
    "name": 1.5, "title": 1.5, "caption": 1.5, "keywords": 1.5, "tag": 1.5, "ocr": 0.75, "passage": 0.5,
}  # fmt: skip


@dataclass(frozen=True)
class FieldText:
    """A text of a segment. `language` is a code of ISO 639-1, empty if it is unknown; `reading` is set if it was read.

    `field` is name, path, tag, label, passage, a field of `Metadata`, or that of the reading.
    """

    field: str
    text: str
    language: str = ""
    reading: Reading | None = None

    @property
    def weight(self) -> float:
        """The weight of one of its words."""
        return WEIGHTS.get(self.field, 1.0) * (self.reading.confidence if self.reading else 1.0)


def field_texts(
    path: str,
    names: Iterable[str],
    tags: Iterable[str],
    labels: Mapping[str, str],
    metadata: Metadata,
    passage: str,
    readings: Iterable[Reading],
) -> Iterator[FieldText]:
    """Yield the texts of a segment. `names` are those of files and folders in the other paths of its item."""
    folder, name = posixpath.split(path)
    yield FieldText("name", name)
    yield FieldText("path", folder)
    yield from (FieldText("path", name) for name in names)
    yield from (FieldText("tag", tag) for tag in tags)
    yield from (FieldText("label", value) for value in labels.values())
    yield from (FieldText(field, text, metadata.language) for field, text in metadata.fields().items())
    yield from (FieldText(one.field, one.text, one.language, one) for one in readings)
    if passage:
        yield FieldText("passage", passage, metadata.language)
