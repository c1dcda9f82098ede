"""Rebuild a lost or damaged manifest from the payloads of the engine's points, without reading the indexed files.

The engine knows each item with one of its paths. The rows of files get no inode and no ctime, so the next run of the
indexer reads each file once to compare its hash, and encodes nothing again. Roots, labels and the choice about places
are taken from what can still be read of the damaged file.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from omnisearch.config import Settings
from omnisearch.durable import sync
from omnisearch.errors import DamageError, NoIndexError, StoreError
from omnisearch.media.versions import fingerprint
from omnisearch.paths import find_path
from omnisearch.stores.base import Payload, VectorStore
from omnisearch.stores.catalog import DIRECTORY, describe_store, nothing_indexed
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch_indexer.item_metadata import GPS, KEPT, LEFT_OUT
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.manifest_rows import SUSPECT, FileRow, ItemRow
from omnisearch_indexer.path_labels import facts_json
from omnisearch_indexer.walk import Signature


@dataclass
class Salvaged:
    """What can be read of a damaged manifest; None where that is not known."""

    roots: list[str] = field(default_factory=list)
    labels: list[tuple[str, str, str]] | None = None
    gps: str | None = None


def find_manifest(settings: Settings) -> bool:
    """Return whether the manifest of an index exists and can be read to its end; false if it must be rebuilt.

    Raises:
        NoIndexError: there is neither a manifest nor a collection of points.
    """
    place = settings.index_dir / MANIFEST_FILE
    if place.exists():
        try:
            with closing(Manifest(place)) as manifest:
                manifest.check()
                if manifest.is_bound:
                    return True
        except DamageError:
            return False
        except NoIndexError:
            pass  # it was made and nothing was written yet
    if settings.store is None and not list((settings.index_dir / DIRECTORY).glob("omni*__*")):
        raise nothing_indexed(settings)
    if settings.store is not None:
        describe_store(settings)  # raises if there is none
    return False


def rebuild_manifest(settings: Settings, store: VectorStore) -> str:
    """Write a manifest of the items in the engine; the caller binds it to a model. Returns where the old one is.

    A server's collection may hold points of other data directories: only those with stored embeddings here are taken.
    """
    place = settings.index_dir / MANIFEST_FILE
    aside = _set_aside(place)
    salvaged = _salvage(aside)
    own = None if settings.store is None else _stored_keys(settings)
    first: dict[str, Payload] = {}
    held = Counter[str]()
    with suppress(StoreError):  # the points after a damaged one are read from their files again
        for point in store.scroll():
            if own is None or point.id in own:
                held[point.payload.item_id] += 1
                first.setdefault(point.payload.item_id, point.payload)
    made = place.with_name(f".{place.name}.rebuilt")
    made.unlink(missing_ok=True)
    with closing(Manifest(made, create=True)) as manifest:
        fill_manifest(manifest, list(first.values()), held, fingerprint(settings), salvaged)
    made.replace(place)
    sync(place.parent)
    return str(aside) if aside.exists() else ""


def _stored_keys(settings: Settings) -> set[str]:
    with closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)) as raw:
        return raw.all_keys()


def _set_aside(place: Path) -> Path:
    """Rename the damaged manifest. One without a row replaces no earlier one, which an interrupted repair has left."""
    aside = place.with_name(f"{place.name}.damaged")
    with suppress(DamageError, NoIndexError), closing(Manifest(place)) as manifest:
        if not manifest.is_bound:
            return aside
    for end in ("-wal", "-shm", ""):
        old = place.with_name(f"{place.name}{end}")
        if old.exists():
            old.replace(f"{aside}{end}")
    sync(place.parent)
    return aside


def fill_manifest(
    manifest: Manifest, payloads: Sequence[Payload], held: Mapping[str, int], decoder: str, salvaged: Salvaged
) -> None:
    """Write the rows of items, given a payload of each and the number of points that the engine `held` of it."""
    with manifest.transaction():
        manifest.put_items(_item(one, held[one.item_id], decoder) for one in payloads)
        manifest.put_files(_file(one, decoder) for one in payloads)
    manifest.add_roots(salvaged.roots)
    if salvaged.labels is None:  # of each file, where those of its folders are lost
        labels = [(str(find_path(one.path)), "", tag) for one in payloads for tag in one.tags]
        labels += [(str(find_path(one.path)), *pair) for one in payloads for pair in one.meta.items()]
    else:
        labels = salvaged.labels
    for path, key, value in labels:
        manifest.label([path], [(key, value)], anew=False)
    has_place = any(one.metadata.latitude is not None or one.metadata.place for one in payloads)
    with manifest.transaction():
        manifest.rename(**{GPS: salvaged.gps or (KEPT if has_place else LEFT_OUT)})


def _item(payload: Payload, held: int, decoder: str) -> ItemRow:
    return ItemRow(
        payload.item_id,
        payload.modality,
        payload.segments,
        decoder if held == payload.segments else SUSPECT + decoder,
        payload.mime,
        facts_json(payload.facts),
        payload.notes,
        payload.metadata,
        has=payload.has,
        languages=payload.languages,
        added=payload.added,
    )


def _file(payload: Payload, decoder: str) -> FileRow:
    unread = Signature(payload.size, int(payload.mtime) * 10**9, inode=0, device=0)
    return FileRow(str(find_path(payload.path)), unread, decoder, payload.item_id)


def _salvage(place: Path) -> Salvaged:
    found = Salvaged()
    if not place.exists():
        return found
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.text_factory = bytes
        for table in (_salvage_roots, _salvage_labels, _salvage_gps):
            with suppress(sqlite3.Error, UnicodeDecodeError, TypeError):
                table(db, found)
    return found


def _salvage_roots(db: sqlite3.Connection, found: Salvaged) -> None:
    found.roots = [os.fsdecode(path) for (path,) in db.execute("SELECT path FROM roots").fetchall()]


def _salvage_labels(db: sqlite3.Connection, found: Salvaged) -> None:
    rows = db.execute("SELECT path, key, value FROM labels").fetchall()
    found.labels = [(os.fsdecode(path), key.decode(), value.decode()) for path, key, value in rows]


def _salvage_gps(db: sqlite3.Connection, found: Salvaged) -> None:
    rows = db.execute("SELECT value FROM meta WHERE key = ?", (GPS,)).fetchall()
    found.gps = rows[0][0].decode() if rows else KEPT
