"""Duplicates: files of an index that hold the same content, or almost the same. Nothing is changed or deleted.

Exact copies are one item with several files. Near-duplicates are several items, see `near_groups`.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from omnisearch.config import Settings
from omnisearch.meter import SILENT, Meter
from omnisearch.paths import show_path
from omnisearch.query.conditions import Condition
from omnisearch.stores.base import FIRST, Filter, VectorStore
from omnisearch.stores.catalog import open_current
from omnisearch.types import Modality
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import DiskState, FileRow
from omnisearch_indexer.near_groups import ItemVectors, group_near
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.storage_errors import named_faults

# The least cosine of near-duplicates in a modality, between those of variants and those of different items by `mini`
# (docs/indexing.md has the measurements). Texts of one form, such as invoices, may differ only by a number, so of texts
# only exact copies are found.
ALIKE = {Modality.IMAGE: 0.9, Modality.AUDIO: 0.93, Modality.VIDEO: 0.9, Modality.POINT_CLOUD: 0.999}


@dataclass(frozen=True)
class Copy:
    """A file of a group. `cosine` compares its item with the one that is kept: 1 for the same content.

    `keep` marks the file to keep, and `could_go` those that are as good as it. A file that is missing, or has changed
    since it was indexed, is neither, unless the whole group is.
    """

    path: str
    item_id: str
    bytes: int
    state: DiskState
    cosine: float
    keep: bool
    could_go: bool


@dataclass(frozen=True)
class Group:
    """Files of one modality with the same content ("exact") or almost the same ("near"), the one to keep first.

    `bytes` is the space on the disk that the files that could go take; a further hard link takes none.
    """

    modality: Modality
    kind: Literal["exact", "near"]
    bytes: int
    files: tuple[Copy, ...]


@dataclass
class Duplicates:
    """The result: the groups of each modality, those with most bytes to gain first."""

    groups: list[Group] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def could_go(self) -> int:
        """The number of files that could go."""
        return sum(file.could_go for group in self.groups for file in group.files)

    @property
    def bytes(self) -> int:
        """The space on the disk that they take."""
        return sum(group.bytes for group in self.groups)

    @property
    def missing(self) -> int:
        """The number of files in groups that are missing."""
        return sum(file.state == "missing" for group in self.groups for file in group.files)

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        totals = {"could_go": self.could_go, "bytes": self.bytes, "missing": self.missing}
        return {"groups": list(map(asdict, self.groups)), **totals, "seconds": round(self.seconds, 3)}

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield a row of a table per file. Its `file` says what to do with it, or its state if that forbids it."""
        for number, group in enumerate(self.groups, 1):
            for file in group.files:
                said = (
                    "could go" if file.could_go else "keep" if file.keep and file.state == "unchanged" else file.state
                )
                yield {"group": number, "modality": group.modality, "kind": group.kind, **asdict(file), "file": said}

    def __str__(self) -> str:
        return (
            f"{len(self.groups):,} groups of duplicates; {self.could_go:,} files of {self.bytes:,} bytes could go; "
            f"nothing was deleted"
        )


def find_duplicates(
    settings: Settings,
    modalities: Sequence[Modality] = tuple(Modality),
    where: tuple[Condition, ...] = (),
    meter: Meter = SILENT,
) -> Duplicates:
    """Find the duplicates among the items of some modalities that meet all conditions. `meter` receives the items.

    Needs no model and opens no indexed file.

    Raises:
        NoIndexError: nothing was indexed yet.
        StoreError: the engine cannot be reached, or the disk of temporary files is full.
    """
    begun, found = time.monotonic(), Duplicates()
    with (
        named_faults(settings.index_dir),
        closing(open_manifest(settings)) as manifest,
        closing(open_current(settings)) as store,
    ):
        known = manifest.modalities()
        meter.start(sum(known.get(modality, (0, 0))[0] for modality in modalities))
        held = _Held(manifest, set(modalities))
        for modality in modalities:
            chosen = Filter(modalities=(modality,), where=where)
            groups = (held.group(modality, items) for items in _groups(store, chosen, held, ALIKE.get(modality), meter))
            found.groups += sorted((group for group in groups if group), key=lambda group: -group.bytes)
    found.seconds = time.monotonic() - begun
    return found


class _Held:
    """The files of items: which items have several files, and which have no unchanged one."""

    def __init__(self, manifest: Manifest, modalities: set[Modality]) -> None:
        self._manifest = manifest
        self.several: set[str] = set()
        self.gone: set[str] = set()
        for item, rows in manifest.held():
            if item.modality in modalities:
                self.several.update([item.id] if len(rows) > 1 else ())
                self.gone.update(() if any(row.is_unchanged() for row in rows) else [item.id])

    def group(self, modality: Modality, items: Sequence[tuple[str, float]]) -> Group | None:
        """Make the group of some items with their cosines, the one to keep first; None if it has only one file."""
        files = [(row, row.on_disk(), cosine) for item_id, cosine in items for row in self._by_rank(item_id)]
        if len(files) < 2 or files[0][0].item_id != items[0][0]:  # it was deleted meanwhile
            return None
        is_kept, copies, size = files[0][1] == "unchanged", [], 0
        inodes = {_inode(files[0][0])}
        for n, (row, state, cosine) in enumerate(files):
            could_go = n > 0 and is_kept and state == "unchanged"
            if could_go and _inode(row) not in inodes:
                inodes.add(_inode(row))
                size += row.signature.size
            shown = show_path(row.path), str(row.item_id), row.signature.size
            copies.append(Copy(*shown, state, round(cosine, 4), keep=n == 0, could_go=could_go))
        return Group(modality, "exact" if len(items) == 1 else "near", size, tuple(copies))

    def _by_rank(self, item_id: str) -> list[FileRow]:
        """Return the files of an item: unchanged ones first, the oldest first, then by path."""
        rows = self._manifest.holders(item_id)
        return sorted(rows, key=lambda row: (not row.is_unchanged(), row.signature.mtime_ns, row.path))


def _groups(
    store: VectorStore, chosen: Filter, held: _Held, alike: float | None, meter: Meter
) -> Iterator[list[tuple[str, float]]]:
    """Yield the items of each group with their cosines, the one to keep first: alone if it has exact copies only."""
    if alike is None:
        points = store.scroll(Filter(modalities=chosen.modalities, where=chosen.where, segments=FIRST))
        for point in points:
            meter.advance(1)
            if point.payload.item_id in held.several:
                yield [(point.payload.item_id, 1.0)]
        return
    with ItemVectors(store.dim) as vectors:
        sizes, times = [], []
        for point in store.scroll(chosen, with_vectors=True):
            if vectors.add(point):
                sizes.append(point.payload.size)
                times.append(point.payload.mtime)
        if not sizes:
            return
        vectors.close_rows()
        gone = np.array([item_id in held.gone for item_id in vectors.ids])
        keys = np.array(vectors.ids), np.array(times), -np.array(sizes, np.int64), gone  # the last one comes first
        best_first = np.lexsort(keys).tolist()
        near = group_near(vectors, best_first, alike, meter)
        grouped = {other for others in near.values() for other, _ in others} | near.keys()
        for item, others in near.items():
            yield [(vectors.ids[n], cosine) for n, cosine in ((item, 1.0), *others)]
        for item, item_id in enumerate(vectors.ids):
            if item not in grouped and item_id in held.several:
                yield [(item_id, 1.0)]


def _inode(row: FileRow) -> tuple[int, int]:
    return row.signature.device, row.signature.inode
