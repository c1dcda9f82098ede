"""Text vectors: embed the texts of segments that are not texts themselves, such as captions and readings."""

from collections.abc import Sequence
from dataclasses import replace

from omnisearch.stores.base import Payload, Point
from omnisearch.stores.validation import MAX_TEXT, usable
from omnisearch.types import Modality
from omnisearch_indexer.encoder import Encoder

# A text with fewer letters has no meaning of its own: a house number, or a stain that was read as a letter.
LETTERS = 3


def with_text_vectors(points: Sequence[Point], encoder: Encoder, kept: bool = False) -> list[Point]:
    """Return points with their text vectors, under whose ids the embeddings of the texts are stored.

    `kept` texts with undamaged embeddings are not encoded again. A model that embeds no text gives none.
    """
    texts = {point.id: text for point in points if (text := segment_text(point.payload))}
    if not texts or Modality.TEXT not in encoder.modalities:
        return [replace(point, text_vector=None) for point in points]
    rows, _ = encoder.encode(Modality.TEXT, list(texts), list(texts.values()), [kept] * len(texts))
    vectors = {id_: row for id_, row in zip(texts, rows, strict=True) if usable(row)}
    return [replace(point, text_vector=vectors.get(point.id)) for point in points]


def segment_text(payload: Payload) -> str:
    """Return the text of a segment: the title and the caption, in the first segment of its item, then the readings.

    It is empty for texts, whose vectors are those of their passages, and if it has fewer than three letters.
    """
    if payload.modality is Modality.TEXT:
        return ""
    said = [payload.metadata.title, payload.metadata.caption] if payload.segment.index == 0 else []
    said += [reading.text for reading in payload.readings]
    text = "\n".join(filter(None, said))[:MAX_TEXT]
    return text if sum(map(str.isalpha, text)) >= LETTERS else ""
