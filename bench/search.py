"""What omnisearch adds to a bare call of the engine: python bench/search.py --points 10000 100000 1000000

Fills an embedded index of a temporary directory with random vectors of five modalities, a sound and a film having five
segments each, and a text having a passage of 150 words, which are as unequally frequent as those of a language. Then it
asks, turn by turn in this one run,

    bare       the engine, in this process, for the ten nearest of a vector, with payloads, exactly
    lookups    the engine, in this process, for what a query looks up: the nearest of each modality, without payloads
    STAGE of Q what a stage of the query Q takes, of the vector and the text: this time is not of the processor
    QUERIES    the whole query of a vector, or of texts that were not asked before, with and without options

and prints medians, and the medians of the ratios within a turn. It measures processor time, in this process and in the
worker of the store, because on a busy machine a query waits each time that it goes from one to the other. The texts are
embedded before. The first QUERIES compare with the bare call, the others with the query that has no option. Needs
the weights (`omnisearch models pull`), and Linux.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import qdrant_edge as edge

from bench.results import Report, add_json_option, in_blocks, package_version
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import And, Not, Or, Sum, Term, Then
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Payload, Point, VectorStore
from omnisearch.stores.catalog import DIRECTORY, open_store
from omnisearch.stores.edge_worker import LOCK_FILE
from omnisearch.stores.ids import point_id
from omnisearch.types import Floats, Modality, Segment

T = TypeVar("T")
LIMIT, LOOKED_UP, BATCH, PAGE = 10, 36, 4096, 20
STAGED, STAGES = ("vector", "text"), ("calibrate", "search", "group")
SEGMENTS = {Modality.AUDIO: 5, Modality.VIDEO: 5}
FOLDERS, YEAR, YEARS = 100, 365 * 86400, 20
VOCABULARY, PASSAGE = 20_000, 150  # words
WARM_UP = 2  # turns, which load the encoders and fill the caches
SETTLED_SECONDS = 0.001  # the worker goes on for a moment after its answer
ENCODED_SECONDS = 0.2  # the threads of the encoder wait busily for a moment after its last text
LINGER_SECONDS = 3.0  # the worker ends two seconds after its last client


def word(rank: int) -> str:
    """Return the word of a rank, from 0 for the most frequent."""
    letters = []
    for _ in range(4):
        rank, letter = divmod(rank, 20)
        letters.append("bcdfghjklmnprstvwxyz"[letter] + "aeiou"[letter % 5])
    return "".join(letters)


def fill(store: VectorStore, count: int) -> None:
    """Write `count` points, a fifth of each modality."""
    random = np.random.default_rng(0)
    odds = 1 / np.arange(1, VOCABULARY + 1)
    for start in range(0, count, BATCH):
        rows = random.normal(size=(min(BATCH, count - start), store.dim)).astype(np.float32)
        drawn = random.choice(VOCABULARY, (len(rows), PASSAGE), p=odds / odds.sum())
        payloads = [payload_of(start + n, list(map(int, ranks))) for n, ranks in enumerate(drawn)]
        store.upsert([Point(point_id(p.item_id, p.segment), row, p) for p, row in zip(payloads, rows, strict=True)])


def payload_of(point: int, ranks: list[int]) -> Payload:
    """Say of which item a point is, and of which of its segments."""
    modality, turn = list(Modality)[point % len(Modality)], point // len(Modality)
    segments = SEGMENTS.get(modality, 1)
    n, at = divmod(turn, segments)
    item = n * len(Modality) + point % len(Modality)
    passage = " ".join(map(word, ranks)) if modality is Modality.TEXT else ""
    return Payload(
        item_id=f"{item:032x}",
        modality=modality,
        path=f"/bench/f{item % FOLDERS}/{word(ranks[0])} {word(ranks[1])} {item}.bin",
        mime="application/octet-stream",
        segment=Segment() if segments == 1 else Segment(at, 8.0 * at, 8.0 * at + 10, "seconds"),
        segments=segments,
        mtime=float(item % YEARS * YEAR),
        tags=("holiday",) if item % 10 == 0 else (),
        passage=passage,
        snippet=passage[:160],
    )


def text(number: int, *ranks: int) -> Term:
    """Return a term with words of ranks near some, and a number, so that no query before has asked it."""
    return Term(f"{number} " + " ".join(word(rank + number % 9) for rank in ranks))


def queries(vector: Floats, n: int) -> Iterator[tuple[str, str, Query]]:
    """Yield the queries of a turn: what each is, with which it is compared, and the query."""
    by_vector = Query(Term(tuple(map(float, vector))), limit=LIMIT)
    plain = Query(text(n), limit=LIMIT, words=False)
    yield "vector", "bare", by_vector
    yield "vector, one modality", "bare", replace(by_vector, modalities=(Modality.IMAGE,))
    yield "text", "bare", plain
    yield "near-duplicates not folded", "text", replace(plain, fold=False)
    yield "best segment alone", "text", replace(plain, segments=1)
    yield "explained", "vector", replace(by_vector, explain=True)
    for name, where in (
        ("path, 1 of 100 folders", "path:/bench/f7/**"),
        ("time, 1 of 2", "mtime>=1980-01-01"),
        ("tag, 1 of 10", "tag:holiday"),
    ):
        yield name, "text", replace(plain, where=tuple(parse_conditions([where])))
    for name, ranks in (
        ("no word", (VOCABULARY + 9, VOCABULARY + 99)),
        ("rare words", (9_000, 15_000)),
        ("two words", (300, 1_000)),
        ("four words", (30, 300, 1_000, 3_000)),
        ("common words", (2, 12)),
    ):
        yield name, "text", Query(text(n, *ranks), limit=LIMIT)
    three = text(n, 300), text(n, 1_000), text(n, 3_000)
    for kind in (Sum, And, Or, Then):
        made = replace(plain, expression=kind(three))
        yield f"{kind.__name__.upper()} of three", "text", made
        yield (
            f"{kind.__name__.upper()} of three, with words",
            f"{kind.__name__.upper()} of three",
            replace(made, words=True),
        )
    yield "AND NOT", "text", replace(plain, expression=And((three[0], Not(three[1]))))


class Bare:
    """The engine alone, in this process, over a copy of an index."""

    def __init__(self, shard: Path) -> None:
        self._shard = edge.EdgeShard.load(str(shard))
        self._exact = edge.SearchParams(exact=True)
        self._only = [
            edge.Filter(must=[edge.FieldCondition("modality", match=edge.MatchValue(str(m)))]) for m in Modality
        ]

    @property
    def calls(self) -> dict[str, Callable[[Floats], None]]:
        """The calls by name."""
        return {"bare": self.nearest, "lookups": self.lookups}

    def nearest(self, vector: Floats) -> None:
        """Find the ten nearest points, with their payloads."""
        nearest = edge.Query.Nearest(vector)
        self._shard.query(edge.QueryRequest(limit=LIMIT, query=nearest, with_payload=True, params=self._exact))

    def lookups(self, vector: Floats) -> None:
        """Find what a query of all modalities looks up."""
        nearest = edge.Query.Nearest(vector)
        made = [edge.QueryRequest(limit=LOOKED_UP, query=nearest, filter=f, params=self._exact) for f in self._only]
        self._shard.query_batch(edge.QueryBatchRequest(made))


def spent(worker: int) -> float:
    """Return the milliseconds that the processor has worked for this process and for the `worker` of the store."""
    clock = (~worker << 3) | 2  # Linux: the clock of another process, with its threads that have ended
    return 1000 * (time.process_time() + time.clock_gettime(clock))


def timed(worker: int, call: Callable[[], T]) -> tuple[float, T]:
    """Return the milliseconds of the processor that a call takes, and what it returns."""
    before = spent(worker)
    made = call()
    time.sleep(SETTLED_SECONDS)
    return spent(worker) - before, made


def deep(engine: Engine, query: Query) -> Query:
    """Return the query for the page PAGE of a query."""
    for _ in range(PAGE - 1):
        query = replace(query, cursor=engine.search(query).next_cursor or "")
    return query


@dataclass(frozen=True)
class Row:
    """What a query took in each turn, in milliseconds, and the ratios to another query in the same turn."""

    name: str
    took: list[float]
    ratios: list[float]
    to: str


def measure(settings: Settings, count: int, times: int, only: Sequence[str] = ()) -> list[Row]:
    """Return a row of each query, or of those that `only` names, for an index of `count` points."""
    model = OmniBind.load(settings.model, settings)
    named = {"model": model.name, "dim": model.dim, "fingerprint": model.fingerprint}
    with closing(open_store(settings, **named, create=True)) as store:
        fill(store, count)
        collection = store.collection
    time.sleep(LINGER_SECONDS)
    with tempfile.TemporaryDirectory(dir=settings.data_dir.parent, ignore_cleanup_errors=True) as copied:
        shard = Path(shutil.copytree(settings.data_dir / DIRECTORY / collection, Path(copied) / collection))
        return ask(settings, shard, np.random.default_rng(1).normal(size=(times, model.dim)).astype(np.float32), only)


def ask(settings: Settings, shard: Path, vectors: Floats, only: Sequence[str]) -> list[Row]:
    """Ask the queries in each turn, whose vector is one of `vectors` (n, dim). `shard` is a copy of the index."""
    bare, took, compared = Bare(shard), defaultdict[str, list[float]](list), {"lookups": "bare"}
    with Engine.open(settings) as engine:
        last = deep(engine, Query(text(0), limit=LIMIT, words=False))
        worker = json.loads((settings.data_dir / DIRECTORY / LOCK_FILE).read_text())["pid"]
        for n, vector in enumerate((*vectors[:WARM_UP], *vectors), -WARM_UP):
            every = (*queries(vector, n), (f"page {PAGE}", "text", last))
            asked = [each for each in every if not only or each[0] in only]
            engine.embed([term for _, _, query in asked for term in query.terms])
            time.sleep(ENCODED_SECONDS)
            turn = {name: timed(worker, partial(call, vector))[0] for name, call in bare.calls.items()}
            for name, to, query in asked:
                turn[name], answer = timed(worker, partial(engine.search, query))
                compared[name] = to
                if name in STAGED:
                    turn |= {f"{stage} of {name}": ms for stage, ms in answer.took_ms.items() if stage in STAGES}
            for name, one in turn.items() if n >= 0 else ():
                took[name].append(one)
    ratios = {name: [a / b for a, b in zip(took[name], took[to], strict=True)] for name, to in compared.items()}
    return [Row(name, each, ratios.get(name, [1.0] * len(each)), compared.get(name, "")) for name, each in took.items()]


def main() -> None:
    """Run and print a Markdown table, with the columns of each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--model")
    parser.add_argument("--only", nargs="*", default=[], metavar="QUERY", help="names of queries of the table")
    add_json_option(parser)
    chosen, report = parser.parse_args(), Report(__file__)
    measured = []
    for count in chosen.points:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            settings = load_settings(data_dir=Path(folder) / "data", model=chosen.model)
            measured.append(measure(settings, count, chosen.times, chosen.only))
        add_rows(report, count, measured[-1])
    report.write(chosen.json)
    print("| query | relative to | " + " | ".join(f"{count:,} points, ms | ratio" for count in chosen.points) + " |")
    print("|---|---|" + "--:|" * 2 * len(measured))
    for rows in zip(*measured, strict=True):
        columns = " | ".join(f"{median(row.took):.1f} | {median(row.ratios):.2f}" for row in rows)
        print(f"| {rows[0].name} | {rows[0].to} | {columns} |")


def add_rows(report: Report, count: int, rows: list[Row]) -> None:
    """Add the queries that are compared with the bare engine, and the time of each query, to the results."""
    qdrant = {"peer": "a bare call of qdrant-edge", "peer_version": package_version("qdrant-edge-py")}
    staged = {f"{stage} of {name}" for stage in STAGES for name in STAGED}
    for row in rows:
        name = f"{count:,} points: {row.name}"
        if row.name in staged:
            report.add(f"{name}, time", "ms", in_blocks(row.took), len(row.took))
            continue
        report.add(f"{name}, processor time", "ms", in_blocks(row.took), len(row.took))
        if row.to == "bare":
            report.add(f"{name}, over a bare call", "ratio", in_blocks(row.ratios), len(row.took), **qdrant)


if __name__ == "__main__":
    main()
