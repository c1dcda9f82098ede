"""The status of an index, read from its manifest without a model or an engine."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omnisearch.binding.model_facts import known_models
from omnisearch.binding.model_version import model_version
from omnisearch.config import COLLECTIONS, Settings
from omnisearch.errors import OmnisearchError, reason_message
from omnisearch.paths import show_path
from omnisearch.stores.absent_folders import read_absent_folders
from omnisearch_indexer.item_metadata import keeps_gps
from omnisearch_indexer.manifest_rows import FileState
from omnisearch_indexer.open_manifest import open_manifest


def read_status(settings: Settings) -> dict[str, Any]:
    """Return counts by modality and by metadata, failures by reason, the model and the store.

    Raises:
        NoIndexError, DamageError: as `open_manifest`.
    """
    with closing(open_manifest(settings)) as manifest:
        states, meta = manifest.states(), manifest.meta()
        counts = manifest.modalities()
        return {
            "data_dir": str(settings.index_dir.absolute()),
            "bytes": _disk_bytes(settings.index_dir),
            "model": meta.get("model", ""),
            "fingerprint": meta.get("fingerprint", ""),
            "store": meta.get("store", ""),
            "roots": [show_path(root) for root in manifest.roots()],
            "kept": [asdict(place) for place in read_absent_folders(settings.index_dir)],
            "files": states,
            "items": {modality: items for modality, (items, _) in counts.items()},
            "segments": {modality: segments for modality, (_, segments) in counts.items()},
            "metadata": manifest.count_metadata(),
            "places": "kept" if keeps_gps(manifest) else "left out",
            "not_indexed": manifest.reasons(),
            "unfinished": len(manifest.intents),
        }


def find_outdated(settings: Settings) -> str:
    """Return a line that says what to do if the model of an index was replaced by another version, else "".

    Nothing is said if the model is not on this machine or is damaged, or if an earlier omnisearch wrote the index: it
    recorded no versions. The next run of the indexer records them.

    Raises:
        NoIndexError, DamageError: as `open_manifest`.
    """
    with closing(open_manifest(settings)) as manifest:
        meta = manifest.meta()
    if "model_version" not in meta:
        return ""
    try:
        source = known_models(settings).get(meta["model"])
        if source is None or model_version(source, settings) == meta["model_version"]:
            return ""
    except (OmnisearchError, OSError):
        return ""
    return (
        f"the index was made by another version of model {meta['model']!r}: bring it up to date with "
        "`omnisearch rebind --read`, which reads only files that lack an embedding"
    )


def read_failures(settings: Settings, every: bool) -> Iterator[dict[str, Any]]:
    """Yield every file that could not be read: path, state, reason, detail, message to the user, attempts.

    With `every`, also the files of unsupported formats, then the indexed files that were read in part: their reason is
    empty and their message is the note.

    Raises:
        NoIndexError, DamageError: as `open_manifest`.
    """
    with closing(open_manifest(settings)) as manifest:
        for row in manifest.failures(every):
            assert row.reason is not None
            yield {
                "path": show_path(row.path),
                "state": str(row.state),
                "reason": str(row.reason),
                "detail": row.detail,
                "message": reason_message(row.reason, row.detail),
                "attempts": row.attempts,
            }
        for path, note in manifest.partly_read() if every else ():
            yield {
                "path": show_path(path),
                "state": str(FileState.INDEXED),
                "reason": "",
                "detail": note,
                "message": note,
                "attempts": 1,
            }


def _disk_bytes(index_dir: Path) -> int:
    """Return the disk space of an index in bytes. The folder of the default one contains those of the others."""
    found = 0
    for folder, folders, files in os.walk(index_dir):  # it skips folders that the engine deletes meanwhile
        if folder == str(index_dir) and COLLECTIONS in folders:
            folders.remove(COLLECTIONS)
        found += sum(_file_bytes(Path(folder, name)) for name in (*folders, *files))
    return found


def _file_bytes(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512  # the engine's files are sparse
    except OSError:
        return 0
