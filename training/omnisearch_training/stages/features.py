"""Features: the outputs of the frozen towers for a dataset, computed once and stored."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from blake3 import blake3

from omnisearch.config import Settings
from omnisearch.errors import MediaError
from omnisearch.media.pool import DecoderPool
from omnisearch.spaces.towers import load_tower, prompted, tower_fingerprint, unit
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.types import Clip, Content, Floats, Modality, Role
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import Split
from omnisearch_training.progress_log import logged

log = logging.getLogger(__name__)

CHUNK = 256
# A training item shows one thing, so only the beginning of a long recording is used.
PIECES = 3
TEXT_TOWER = "minilm"
# With longer segments, decoders would take fewer than 8 frames of a video of ten seconds.
WHOLE_SECONDS = 60.0
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Table:
    """Records of one modality with their features: row i of `features` (n, width) belongs to record i."""

    records: tuple[Record, ...]
    features: Floats

    def of(self, *splits: Split) -> "Table":
        """Return the rows of these splits."""
        kept = [i for i, record in enumerate(self.records) if record.split in splits]
        return Table(tuple(self.records[i] for i in kept), self.features[kept])

    @property
    def groups(self) -> tuple[str, ...]:
        """The source item of each row: rows of one group show the same concept."""
        return tuple(record.source_id for record in self.records)


def whole_files(settings: Settings) -> Settings:
    """Return settings that decode a sound or video of up to a minute as one piece, as benchmarks expect.

    A video of some seconds or more is 8 evenly spaced frames then, and every tower takes the part of a sound that its
    authors take. The segmentation is no part of the keys of `Features`: give it a folder of its own.
    """
    return settings.model_copy(update={"segment_seconds": WHOLE_SECONDS, "segment_overlap": 0.0})


class Features:
    """Tower outputs by content hash, in the same kind of store as the space embeddings of an index."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self._store = SpaceEmbeddingStore(directory)
        self._settings = settings

    def table(self, records: Iterable[Record], modality: Modality, tower: str, part: Modality | None = None) -> Table:
        """Run a tower over files of one modality; undecodable files are logged and left out.

        `part` is the part of a video that the tower reads: its frames (image) or its sound track (audio). An item is
        the mean over its pieces.
        """
        chosen = [record for record in records if modality in record.files]
        keys = self.fill(chosen, modality, (tower,), part)
        rows, present = self._store.get(_name(tower, self._settings), modality, keys)
        kept = np.flatnonzero(present)
        return Table(tuple(chosen[i] for i in kept), rows[kept])

    def fill(
        self, records: Sequence[Record], modality: Modality, towers: Sequence[str], part: Modality | None = None
    ) -> list[str]:
        """Run several towers over the files of one modality, decoding each file once; return the files' keys."""
        paths = [record.files[modality] for record in records]
        keys = [blake3(path.read_bytes()).hexdigest() for path in paths]
        self._encode(dict(zip(keys, paths, strict=True)), modality, towers, part)
        return keys

    def contents(self, records: Sequence[Record], modality: Modality) -> list[Content]:
        """Decode the first pieces of files of one modality; undecodable files are logged and left out."""
        with DecoderPool(self._settings) as pool:
            found = [_contents(pool, record.files[modality], modality, None) for record in records]
        return [content for each in found for content in each]

    def texts(self, texts: Sequence[str], tower: str = TEXT_TOWER, role: Role = Role.QUERY) -> Floats:
        """Embed captions: float32 (n, width of the tower), unit rows; by default as queries."""
        texts = [str(text) for text in prompted(tower, texts, role)]
        keys = [blake3(text.encode()).hexdigest() for text in texts]
        name = _name(tower, self._settings)
        _, present = self._store.get(name, Modality.TEXT, keys)
        fresh = {key: text for key, text, known in zip(keys, texts, present, strict=True) if not known}
        for chunk in _chunks(list(fresh.items())):
            rows = load_tower(tower, self._settings).features([text for _, text in chunk])
            self._store.put(name, Modality.TEXT, [key for key, _ in chunk], rows)
        self._store.flush()
        return unit(self._store.get(name, Modality.TEXT, keys)[0])

    def _encode(self, files: dict[str, Path], modality: Modality, towers: Sequence[str], part: Modality | None) -> None:
        lacking = {tower: self._lacking(tower, modality, list(files)) for tower in towers}
        fresh = [item for item in files.items() if any(item[0] in keys for keys in lacking.values())]
        chunks = _chunks(fresh)
        with DecoderPool(self._settings) as pool:
            for chunk in logged(chunks, f"{', '.join(towers)}: groups of {CHUNK} files"):
                # One chunk is decoded and encoded at a time, so that memory is bounded for any dataset.
                with ThreadPoolExecutor(self._settings.workers) as threads:
                    decoded = list(threads.map(lambda item: _contents(pool, item[1], modality, part), chunk))
                kept = {key: contents for (key, _), contents in zip(chunk, decoded, strict=True) if contents}
                made = {tower: self._run(tower, kept, keys) for tower, keys in lacking.items()}
                # Written only now, because the store is locked from the first row to the flush.
                for tower, rows in made.items():
                    if rows:
                        self._store.put(
                            _name(tower, self._settings), modality, list(rows), np.stack(list(rows.values()))
                        )
                self._store.flush()

    def _run(self, tower: str, decoded: dict[str, list[Content]], keys: set[str]) -> dict[str, Floats]:
        """Return the rows of the decoded files in `keys`."""
        items = {key: contents for key, contents in decoded.items() if key in keys}
        return dict(zip(items, _means(tower, self._settings, list(items.values())), strict=True)) if items else {}

    def _lacking(self, tower: str, modality: Modality, keys: list[str]) -> set[str]:
        _, present = self._store.get(_name(tower, self._settings), modality, keys)
        return {key for key, known in zip(keys, present, strict=True) if not known}


def _chunks(items: list[T]) -> list[list[T]]:
    return [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]


def _name(tower: str, settings: Settings) -> str:
    return f"tower:{tower}@{tower_fingerprint(tower, settings)}"


def _contents(pool: DecoderPool, path: Path, modality: Modality, part: Modality | None) -> list[Content]:
    try:
        decoded = pool.decode(path)
        if decoded.info.modality is modality:
            return [each for piece in islice(decoded.pieces, PIECES) for each in _parts(piece.content, part)]
        log.warning("left out: %s: %s instead of %s", path, decoded.info.modality, modality)
    except MediaError as error:
        log.warning("left out: %s: %s", path, error)
    return []


def _parts(content: Content, part: Modality | None) -> list[Content]:
    if not isinstance(content, Clip):
        return [content]
    if part is Modality.AUDIO:
        return [] if content.sound is None else [content.sound]
    return list(content.frames)


def _means(tower: str, settings: Settings, items: list[list[Content]]) -> Iterator[Floats]:
    flat = load_tower(tower, settings).features([content for contents in items for content in contents])
    start = 0
    for contents in items:
        yield flat[start : start + len(contents)].mean(axis=0)
        start += len(contents)
