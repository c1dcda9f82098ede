"""The metadata of items: add places or leave them out, and read those of items that an older version indexed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

from omnisearch.errors import MediaError, Reason
from omnisearch.media.decoder import Decoder
from omnisearch.metadata import NO_METADATA, Metadata
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import FileRow
from omnisearch_indexer.places import with_places

CHUNK = 256
GPS, KEPT, LEFT_OUT = "gps", "kept", "left out"  # its key and its values in the table meta
# The file may be readable in a later run.
_LATER = {Reason.VANISHED, Reason.PERMISSION, Reason.UNREADABLE, Reason.DECODER_CRASHED}


def finished(found: Sequence[Metadata], gps: bool) -> list[Metadata]:
    """Return metadata as the index keeps them: with the names of the places, or without places."""
    return with_places(found) if gps else [without_place(one) for one in found]


def without_place(metadata: Metadata) -> Metadata:
    """Return metadata that do not say where the file was made."""
    return replace(metadata, latitude=None, longitude=None, place="")


def keeps_gps(manifest: Manifest) -> bool:
    """Whether the index keeps places."""
    return manifest.meta().get(GPS, KEPT) == KEPT


def update_metadata(manifest: Manifest, decoder: Decoder, workers: int, gps: bool | None, stop: Event) -> None:
    """Keep places from now on or leave them out, as `gps` says, and read the metadata that are missing.

    Without `gps`, the earlier choice stays; the first one is to keep them. The manifest is written; the next `settle`
    writes the engine. The files of an item whose metadata are missing are described, not decoded. If they are not there
    or have changed, the metadata stay missing.
    """
    if gps not in (None, keeps_gps(manifest)):
        _change(manifest, gps)
    last = ""
    with ThreadPoolExecutor(workers, thread_name_prefix="metadata") as threads:
        while not stop.is_set() and (items := manifest.items_without_metadata(last, CHUNK)):
            last = items[-1].id
            chunk = [(item, manifest.holders(item.id)) for item in items]
            found = list(threads.map(lambda one: _describe(one[1], decoder), chunk))
            known = [(item, one) for (item, _), one in zip(chunk, found, strict=True) if one is not None]
            kept = finished([one for _, one in known], keeps_gps(manifest))
            with manifest.transaction():
                manifest.put_items(replace(item, metadata=one) for (item, _), one in zip(known, kept, strict=True))


def _change(manifest: Manifest, gps: bool) -> None:
    """Remove all places, or mark all metadata as missing, so that places are read again."""
    items = list(manifest.items())
    with manifest.transaction():
        manifest.put_items(
            replace(item, metadata=None if gps or item.metadata is None else without_place(item.metadata))
            for item in items
        )
        manifest.rename(**{GPS: KEPT if gps else LEFT_OUT})


def _describe(holders: Sequence[FileRow], decoder: Decoder) -> Metadata | None:
    """Return the metadata of the first file that is as the index knows it; None if there is none, or for now."""
    for row in holders:
        try:
            if row.is_unchanged():
                return decoder.describe(Path(row.path), follow_links=False)
        except MediaError as error:
            return None if error.reason in _LATER else NO_METADATA
        except OSError:
            continue
    return None
