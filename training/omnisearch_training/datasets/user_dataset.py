"""A user's own media as a dataset: a manifest, or a folder whose file names are the captions."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch_training.datasets.base import Record
from omnisearch_training.datasets.captions import words_of
from omnisearch_training.datasets.manifest import Dataset
from omnisearch_training.datasets.split import source_id, split_of

_SUFFIXES = {
    Modality.IMAGE: {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif"},
    Modality.AUDIO: {".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus"},
    Modality.VIDEO: {".mp4", ".webm", ".mkv", ".mov", ".avi"},
    Modality.POINT_CLOUD: {".glb", ".gltf", ".obj", ".ply", ".stl", ".off", ".dae"},
}


def open_own(path: Path) -> Iterable[Record]:
    """Return the records of a manifest, or of every media file below a folder with a name in words.

    Raises:
        UsageError: `path` is neither; the message names it.
    """
    if path.is_file():
        return Dataset(path.stem, path)
    if path.is_dir():
        return list(_named_files(path))
    raise UsageError(f"{path} is neither a folder of media nor a manifest in JSON lines or Parquet")


def _named_files(folder: Path) -> Iterator[Record]:
    for path in sorted(folder.rglob("*")):
        modality = next((each for each, suffixes in _SUFFIXES.items() if path.suffix.lower() in suffixes), None)
        name = words_of(path.stem)
        if modality is None or not name:
            continue
        source = source_id(name)
        key = path.relative_to(folder).as_posix()
        yield Record(f"{folder.name}/{key}", source, split_of(source), (name,), {modality: path}, "")
