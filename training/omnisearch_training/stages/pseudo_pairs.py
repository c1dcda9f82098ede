"""Pseudo item pairs: nearest neighbours across modalities, found by specialist spaces (OmniBind, section 3.2).

Every modality in turn is the start: each of its items retrieves the k nearest items of every other modality. If no
space joins two modalities, a chain of spaces does. The result is a table of integers in Parquet, one row per start:

    start_modality  int32              index into the modalities of the metadata
    start_id        int32              row of its pool
    {modality}_id     int32 [k]        column j of every list makes tuple j; the start's own list repeats its id
    {modality}_score  float32 [k]      of a chain, the lowest score of its hops; 1 for the start itself
    text_source       int32 [k]        source of the tuple's text: index into the metadata's sources; -1 unknown
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from omnisearch.durable import written_aside
from omnisearch.errors import CheckpointError, UsageError
from omnisearch.types import Floats, Modality
from omnisearch_training.progress_log import logged
from omnisearch_training.stages.nearest import Method, nearest
from omnisearch_training.stages.pools import UNKNOWN, Pools

ROW_GROUP = 65536
METADATA = b"omnisearch.pairs"

Ints = NDArray[np.int32]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RetrieverConfig(_Strict):
    """Joins the two ends of `path`, in either direction: spaces[i] reads path[i] and path[i + 1]."""

    path: tuple[Modality, ...] = Field(min_length=2)
    spaces: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> "RetrieverConfig":
        if len(set(self.path)) != len(self.path) or len(self.spaces) != len(self.path) - 1:
            raise ValueError(f"a path of n different modalities needs n - 1 spaces, not {self.path} with {self.spaces}")
        return self

    def hops(self, start: Modality) -> list[tuple[str, Modality, Modality]]:
        """Return (space, from, to) of every hop, from the end `start` to the other end."""
        hops = list(zip(self.spaces, self.path, self.path[1:], strict=False))
        return hops if start is self.path[0] else [(space, to, source) for space, source, to in reversed(hops)]


class PairConfig(_Strict):
    """Retriever configuration: one retriever for every pair of modalities. `k` neighbours are stored."""

    retrievers: tuple[RetrieverConfig, ...] = Field(min_length=1)
    k: int = Field(16, ge=1)
    method: Method = "int8"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The paired modalities, in the order of reports."""
        ends = {end for retriever in self.retrievers for end in (retriever.path[0], retriever.path[-1])}
        return tuple(m for m in Modality if m in ends)

    @property
    def reads(self) -> dict[Modality, tuple[str, ...]]:
        """The spaces that retrievers need for each modality."""
        hops = [hop for r in self.retrievers for hop in r.hops(r.path[0])]
        return {m: tuple(space for space, *ends in hops if m in ends) for m in Modality}

    def retriever(self, start: Modality, goal: Modality) -> RetrieverConfig:
        """Return the retriever that joins two modalities."""
        return next(r for r in self.retrievers if {start, goal} == {r.path[0], r.path[-1]})

    @model_validator(mode="after")
    def _joins_all(self) -> "PairConfig":
        joined = sorted(tuple(sorted((r.path[0], r.path[-1]))) for r in self.retrievers)
        wanted = sorted(tuple(sorted((a, b))) for a in self.modalities for b in self.modalities if a < b)
        if joined != wanted:
            raise ValueError(f"every pair of modalities needs one retriever: {wanted}, not {joined}")
        return self


@dataclass(frozen=True, eq=False)
class Tuples:
    """n tuples: one item of every modality each, and the index of the text's source (n,)."""

    ids: Mapping[Modality, Ints]
    text_source: Ints | None


@dataclass(frozen=True, eq=False)
class Pairs:
    """The table in memory: `start` (n,) indexes `modalities`; ids, scores and text_source are (n, k)."""

    modalities: tuple[Modality, ...]
    start: Ints
    ids: Mapping[Modality, Ints]
    scores: Mapping[Modality, Floats]
    text_source: Ints | None
    sources: tuple[str, ...]
    provenance: Mapping[str, Any]

    def started(self, *modalities: Modality) -> NDArray[np.int64]:
        """Return the rows that start from one of these modalities."""
        codes = [self.modalities.index(m) for m in modalities if m in self.modalities]
        return np.flatnonzero(np.isin(self.start, codes))

    def tuples(self, rows: NDArray[np.int64], choice: NDArray[np.int64]) -> Tuples:
        """Return tuple number choice[i] of each of n rows."""
        sources = None if self.text_source is None else self.text_source[rows, choice]
        return Tuples({m: ids[rows, choice] for m, ids in self.ids.items()}, sources)


def write_pairs(path: Path, pools: Pools, config: PairConfig, provenance: Mapping[str, Any]) -> None:
    """Mine the pools into a Parquet file, one row group at a time; an existing file is complete.

    Every row group is written to a separate file in `{path}.parts` until all exist, so that a killed run resumes after
    the last. `provenance` (seeds, fingerprints, versions) is stored with counts and retrievers.

    Raises:
        UsageError: a pool is missing or smaller than k.
        CheckpointError: the parts belong to another recipe or other pools.
    """
    counts = {m: pools.count(m) for m in config.modalities}
    small = {m: n for m, n in counts.items() if n < config.k}
    if small:
        raise UsageError(f"cannot store k = {config.k} neighbours from pools of {small}: use a smaller k or add items")
    sources = tuple(dict.fromkeys(s for s in pools.text_sources if s != UNKNOWN)) if Modality.TEXT in counts else ()
    metadata = {**config.model_dump(mode="json"), "modalities": config.modalities, "counts": counts}
    metadata |= {"sources": sources, "provenance": dict(provenance), "pools": pools.digest()}
    schema = _schema(config, bool(sources)).with_metadata({METADATA: json.dumps(metadata).encode()})
    indices = {UNKNOWN: -1, **{source: i for i, source in enumerate(sources)}}
    codes = np.array([indices[source] for source in pools.text_sources] if sources else [], np.int32)
    parts = path.with_name(path.name + ".parts")
    parts.mkdir(parents=True, exist_ok=True)
    made = []
    places = [(start, first) for start in config.modalities for first in range(0, counts[start], ROW_GROUP)]
    for start, first in logged(places, f"pairs: groups of {ROW_GROUP} starts"):
        made.append(parts / f"{start}-{first}.parquet")
        if not _stands(made[-1], schema):
            ids = np.arange(first, min(first + ROW_GROUP, counts[start]))
            _write(made[-1], schema, [_batch(schema, pools, config, start, ids, codes)])
    _write(path, schema, (batch for part in made for batch in _batches(part)))
    shutil.rmtree(parts)


def read_pairs(path: Path, k: int = 1) -> Pairs:
    """Read the first k tuples of every row.

    Raises:
        CheckpointError: the file is not such a table, or it stores fewer than k.
    """
    try:
        with pq.ParquetFile(path) as file:
            metadata = json.loads(file.schema_arrow.metadata[METADATA])
            if not 1 <= k <= metadata["k"]:
                raise CheckpointError(f"{path} stores {metadata['k']} neighbours, not {k}: mine it with a larger k")
            groups = [_columns(file.read_row_group(i), k) for i in range(file.num_row_groups)]
    except (OSError, pa.ArrowInvalid, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: not a table of pseudo item pairs: {error}") from None
    columns = {name: np.concatenate([group[name] for group in groups]) for name in groups[0]}
    modalities = tuple(Modality(m) for m in metadata["modalities"])
    return Pairs(
        modalities,
        columns["start_modality"],
        {m: columns[f"{m}_id"] for m in modalities},
        {m: columns[f"{m}_score"] for m in modalities},
        columns.get("text_source"),
        tuple(metadata["sources"]),
        metadata,
    )


def retrieve(
    pools: Pools, config: PairConfig, start: Modality, goal: Modality, ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Floats]:
    """Retrieve the k nearest items of another modality for each item: ids (n, k), scores (n, k).

    Every hop of a chain except the last uses the one nearest item; the chain's score is its lowest hop score.
    """
    *bridges, (space, source, _) = config.retriever(start, goal).hops(start)
    weakest = np.full((len(ids), 1), np.inf, np.float32)
    for bridge, near, far in bridges:
        found, scores = _hop(pools, bridge, near, far, ids, 1, config.method)
        ids, weakest = found[:, 0], np.minimum(weakest, scores)
    found, scores = _hop(pools, space, source, goal, ids, config.k, config.method)
    return found, np.minimum(scores, weakest)


def _hop(
    pools: Pools, space: str, start: Modality, goal: Modality, ids: NDArray[np.int64], k: int, method: Method
) -> tuple[NDArray[np.int64], Floats]:
    asked, back = np.unique(ids, return_inverse=True)
    found, scores = nearest(pools.rows(space, start)[asked], pools.rows(space, goal), k, method)
    return found[back], scores[back]


def _batch(
    schema: pa.Schema, pools: Pools, config: PairConfig, start: Modality, ids: NDArray[np.int64], codes: Ints
) -> pa.RecordBatch:
    columns = {"start_modality": np.full(len(ids), config.modalities.index(start)), "start_id": ids}
    for m in config.modalities:
        itself = np.repeat(ids[:, None], config.k, axis=1), np.ones((len(ids), config.k), np.float32)
        found, scores = itself if m is start else retrieve(pools, config, start, m, ids)
        columns[f"{m}_id"], columns[f"{m}_score"] = found, scores
    if len(codes):
        columns["text_source"] = codes[columns[f"{Modality.TEXT}_id"]]
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _stands(part: Path, schema: pa.Schema) -> bool:
    """Whether a part was already mined from the same pools with the same settings."""
    if not part.exists():
        return False
    if pq.read_schema(part).metadata != schema.metadata:
        raise CheckpointError(f"{part} belongs to another recipe or other pools; delete its folder to mine again")
    return True


def _write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write a Parquet file atomically, one row group per batch."""
    with written_aside(path) as aside, pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _batches(part: Path) -> Iterator[pa.RecordBatch]:
    yield from pq.read_table(part).combine_chunks().to_batches()


def _schema(config: PairConfig, has_sources: bool) -> pa.Schema:
    ids, scores = pa.list_(pa.int32(), config.k), pa.list_(pa.float32(), config.k)
    fields = [("start_modality", pa.int32()), ("start_id", pa.int32())]
    fields += [field for m in config.modalities for field in ((f"{m}_id", ids), (f"{m}_score", scores))]
    return pa.schema(fields + ([("text_source", ids)] if has_sources else []))


def _array(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_fixed_size_list(kind):
        return pa.array(values, kind)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), kind.value_type), type=kind)


def _columns(table: pa.Table, k: int) -> dict[str, NDArray[Any]]:
    """Convert a row group to arrays, with the first k of every list."""
    found = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_fixed_size_list(column.type):
            found[name] = column.flatten().to_numpy().reshape(len(column), -1)[:, :k].copy()
        else:
            found[name] = column.to_numpy()
    return found
