"""Maps: the output of the image tower below its last stage, computed once and stored as float16."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from blake3 import blake3
from numpy.typing import NDArray
from torch import nn

from omnisearch.config import Settings
from omnisearch.durable import written_aside
from omnisearch.media.pool import DecoderPool
from omnisearch.spaces.families.efficientnet import BATCH, EfficientNet, normalise, prepare
from omnisearch.spaces.towers import tower_fingerprint
from omnisearch.types import Floats, Modality, Pixels
from omnisearch_training.datasets import Record
from omnisearch_training.progress_log import logged

log = logging.getLogger(__name__)

CHUNK = 64  # pictures that are decoded at once


def maps_of(records: Sequence[Record], below: nn.Module, settings: Settings, directory: Path) -> Floats:
    """Return the maps of the records' pictures: (n, channels, h, w), in the order of the records.

    `below` is the network below the last stage. They are stored in `directory`, in one file for these pictures.

    Raises:
        MediaError: a picture cannot be decoded.
    """
    paths = [record.files[Modality.IMAGE] for record in records]
    contents = "".join(blake3(path.read_bytes()).hexdigest() for path in paths)
    name = blake3(f"{tower_fingerprint(EfficientNet.name, settings)} {contents}".encode()).hexdigest()
    stored = directory / f"{name}.npy"
    if not stored.is_file():
        directory.mkdir(parents=True, exist_ok=True)
        rows = _compute(paths, below, settings)
        with written_aside(stored) as aside, aside.open("wb") as file:
            np.save(file, rows)
    maps: Floats = np.load(stored).astype(np.float32)
    return maps


def _compute(paths: Sequence[Path], below: nn.Module, settings: Settings) -> NDArray[np.float16]:
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    rows = []
    with DecoderPool(settings) as pool, ThreadPoolExecutor(settings.workers) as threads:
        for chunk in logged(chunks, f"maps: groups of {CHUNK} pictures"):
            images = list(threads.map(lambda path: _picture(pool, path), chunk))
            for start in range(0, len(images), BATCH):
                batch = torch.from_numpy(np.stack(images[start : start + BATCH]))
                with torch.inference_mode():
                    rows.append(below(normalise(batch)).contiguous().numpy().astype(np.float16))
    return np.concatenate(rows)


def _picture(pool: DecoderPool, path: Path) -> Pixels:
    first, *_ = pool.decode(path).pieces
    return prepare(np.asarray(first.content))
