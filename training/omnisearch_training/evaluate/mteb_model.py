"""A bound model as an encoder of mteb, the package of the benchmarks MTEB, MIEB, MAEB and MVEB.

mteb calls `encode` with batches of rows, whose columns are named after modalities. A row with several columns, such as
a text and a picture, is the unit sum of their embeddings, as in mteb's own multimodal models; frames and sound of a
video are one clip. Files are decoded by our own decoders, so mteb's extras for sound and video are not needed.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.media.pool import DecoderPool
from omnisearch.spaces.towers import unit
from omnisearch.types import Clip, Content, Floats, Modality, Pixels, Role, Waveform
from omnisearch_training.stages.features import whole_files

# The columns of mteb, in the order in which they are embedded.
COLUMNS = (Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO)
FRAMES = 8  # of a video
T = TypeVar("T")


class MtebModel:
    """Implements mteb's `EncoderProtocol`. Use it as a context: leaving it stops the decoder processes."""

    def __init__(self, model: OmniBind, settings: Settings) -> None:
        self._model, self._workers = model, settings.workers
        self._pool = DecoderPool(whole_files(settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.close()

    @property
    def modalities(self) -> list[str]:
        """The modalities of the model that mteb knows too."""
        return [str(modality) for modality in COLUMNS if modality in self._model.modalities]

    @property
    def mteb_model_meta(self) -> Any:
        """The model as mteb lists it, an `mteb.models.ModelMeta`; its revision is the model's fingerprint."""
        from mteb.models.model_meta import ModelMeta

        return ModelMeta.create_empty(
            {
                "name": f"omnisearch/{self._model.name}",
                "revision": self._model.fingerprint[:40],
                "embed_dim": self._model.dim,
                "modalities": self.modalities,
                "similarity_fn_name": "cosine",
                "framework": ["PyTorch"],
            }
        )

    def encode(self, inputs: Any, *, prompt_type: Any = None, **_: Any) -> Floats:
        """Embed the rows of a torch DataLoader: float32 (n, dim), unit rows.

        `prompt_type` is "document" for the side that is searched, and None or "query" for other rows.

        Raises:
            UsageError: a row has no column that the model embeds, or its sound or video is in an unknown form.
            MediaError: a picture, sound or video cannot be decoded.
        """
        role = Role.DOCUMENT if prompt_type is not None and str(prompt_type) == "document" else Role.QUERY
        rows = [self._embed(batch, role) for batch in _undecoded(inputs)]
        return np.concatenate(rows) if rows else np.zeros((0, self._model.dim), np.float32)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """Return the cosines of all pairs of unit rows (n, dim) and (m, dim): (n, m)."""
        return _rows(embeddings1) @ _rows(embeddings2).T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """Return the cosine of each pair of unit rows (n, dim) and (n, dim): (n,)."""
        return (_rows(embeddings1) * _rows(embeddings2)).sum(dim=1)

    def _embed(self, batch: Mapping[str, Any], role: Role) -> Floats:
        total: Floats | None = None
        for modality, contents in self._contents(batch):
            rows = self._model.encode(modality, contents, role)
            total = rows if total is None else total + rows
        if total is None:
            raise UsageError(
                f"model {self._model.name} embeds {', '.join(self.modalities)}, and none of them is among the columns "
                f"of this task: {', '.join(batch)}"
            )
        return unit(total)

    def _contents(self, batch: Mapping[str, Any]) -> Iterator[tuple[Modality, Sequence[Content]]]:
        """Yield the contents of each column that the model embeds; the sound of a video belongs to its clip."""
        for modality in COLUMNS:
            if modality not in batch or str(modality) not in self.modalities:
                continue
            if modality is Modality.VIDEO:
                yield modality, self._clips(batch)
            elif modality is Modality.AUDIO and not (Modality.VIDEO in batch and "video" in self.modalities):
                yield modality, self._parallel(self._sound, batch[modality])
            elif modality is Modality.IMAGE:
                yield modality, [_pixels(picture) for picture in batch[modality]]
            elif modality is Modality.TEXT:
                yield modality, list(batch[modality])

    def _clips(self, batch: Mapping[str, Any]) -> list[Clip]:
        frames = self._parallel(self._frames, batch[Modality.VIDEO])
        if Modality.AUDIO not in batch:
            return [Clip(each) for each in frames]  # a task of pictures alone must not hear the sound track
        sounds = self._parallel(self._sound, batch[Modality.AUDIO])
        return [Clip(*pair) for pair in zip(frames, sounds, strict=True)]

    def _parallel(self, read: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
        with ThreadPoolExecutor(self._workers) as threads:
            return list(threads.map(read, items))

    def _sound(self, item: Any) -> Waveform:
        """Read a sound: samples with their rate, or the bytes or the path of a file."""
        if "array" in item:
            samples = np.asarray(item["array"], np.float32)
            return Waveform(samples.mean(axis=0) if samples.ndim > 1 else samples, int(item["sampling_rate"]))
        pieces = self._decode(item)
        sounds = [piece for piece in pieces if isinstance(piece, Waveform)]
        if len(sounds) != len(pieces):
            raise UsageError(f"a sound of this task is {type(pieces[0]).__name__}, not a sound")
        return Waveform(np.concatenate([each.samples for each in sounds]), sounds[0].rate)

    def _frames(self, item: Any) -> Pixels:
        """Read evenly spaced frames of a whole video: uint8 (FRAMES or fewer, height, width, 3)."""
        pieces = self._decode(item)
        clips = [piece for piece in pieces if isinstance(piece, Clip)]
        if len(clips) != len(pieces):
            raise UsageError(f"a video of this task is {type(pieces[0]).__name__}, not a video")
        frames = np.concatenate([each.frames for each in clips])
        chosen = np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(int)
        kept: Pixels = frames[chosen]
        return kept

    def _decode(self, item: Any) -> list[Content]:
        """Decode a file, given by its bytes or its path, into pieces that do not overlap."""
        if not isinstance(item, Mapping):
            kind = type(item).__name__
            raise UsageError(f"a task gives its media as {kind}; what is read is the bytes or the path of a file")
        if item.get("bytes") is None:
            return [piece.content for piece in self._pool.decode(Path(item["path"])).pieces]
        with tempfile.NamedTemporaryFile() as file:
            file.write(item["bytes"])
            file.flush()
            return [piece.content for piece in self._pool.decode(Path(file.name)).pieces]


def _undecoded(inputs: Any) -> Any:
    """Return a DataLoader of the same rows that leaves files of sounds and videos as they are."""
    data = inputs.dataset
    # By name, because tests and other rows need no `datasets`.
    files = {name: feature for name, feature in getattr(data, "features", {}).items() if _is_file(feature)}
    if not files:
        return inputs
    for name, feature in files.items():
        data = data.cast_column(name, type(feature)(decode=False))
    return torch.utils.data.DataLoader(data, inputs.batch_size, collate_fn=inputs.collate_fn)


def _is_file(feature: Any) -> bool:
    return type(feature).__name__ in ("Audio", "Video")


def _pixels(picture: Any) -> Pixels:
    return np.asarray(picture.convert("RGB"), np.uint8)


def _rows(embeddings: Any) -> torch.Tensor:
    rows = torch.as_tensor(embeddings, dtype=torch.float32)
    return rows.reshape(-1, rows.shape[-1])
