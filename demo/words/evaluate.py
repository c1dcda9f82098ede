"""Evaluate the search for words: index the corpus, and ask its questions with nothing read, read fast and read fully.

Run `python -m demo.words.evaluate CORPUS OUT`: the index is in OUT/data, results are OUT/words.json and OUT/words.md.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

from demo.words.measure import Judged, Score, judge, scores
from demo.words.timed_reader import TimedReader
from demo.words.truth import Question, Truth, read_truth
from omnisearch.cli.console import err
from omnisearch.config import ReadLevel, Settings, load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.meter import SILENT
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.search.item_list import Selection
from omnisearch.search.present.hit_json import hit_json
from omnisearch.stores.base import Order
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.enrich import enrich_index
from omnisearch_indexer.enricher import Enricher
from omnisearch_indexer.open_index import open_index
from omnisearch_indexer.open_reading import open_reading
from omnisearch_indexer.session import index_files

LEVELS: tuple[ReadLevel, ...] = ("none", "fast", "full")
MOST = 200  # more than any question has right files


@dataclass(frozen=True)
class LevelResult:
    """The scores at one level of reading, and the cost of reaching it.

    `read_wordless` are the files without words in which something was read, and `first_wordless` is the number of
    questions whose first hit is one of them. `seconds` are those of encoding, or of reading: `pictures` and `sound` are
    the parts of it in the reading process.
    """

    level: ReadLevel
    scores: Sequence[Score]
    read_wordless: Sequence[str]
    first_wordless: int
    seconds: float
    pictures: float = 0.0
    sound: float = 0.0


def evaluate(root: Path, settings: Settings, levels: Sequence[ReadLevel] = LEVELS) -> list[LevelResult]:
    """Index a corpus into the data directory of the settings, and ask at each level; the first must be `none`.

    Raises:
        OSError: the corpus is not complete.
        OmnisearchError: the index cannot be made.
    """
    truth, results = read_truth(root), []
    for level in levels:
        there = settings.model_copy(update={"read": level})
        begun = time.monotonic()
        spent = _read(there) if level != "none" else _encode(root, there)
        seconds = time.monotonic() - begun
        with Engine.open(there) as engine:
            judged = _asked(engine, truth, root)
            read = _read_wordless(engine, truth, root)
        wordless = sum(one.found_wordless for one in judged)
        results.append(LevelResult(level, scores(judged), read, wordless, round(seconds, 1), **spent))
        err.print(f"{level}: {seconds:.0f} s")
    return results


def _encode(root: Path, settings: Settings) -> dict[str, float]:
    if failed := index_files([root], settings).failed:
        err.print(f"{failed} files were not indexed")
    return {}


def _read(settings: Settings) -> dict[str, float]:
    """Read what the index lacks: the pictures, sounds and films with their times, then the documents."""
    with (
        hold_lock(settings.index_dir) as lock,
        open_reading(settings) as reading,
        open_index(settings, lock) as index,
    ):
        assert reading is not None
        timed = TimedReader(reading.reader)
        with DecoderPool(settings, settings.workers) as pool:
            enricher = Enricher(index, pool, timed, settings.batch_size)
            enricher.run(reading.level, reading.models, Event(), SILENT)
    enrich_index(settings)
    return {name: round(seconds, 1) for name, seconds in timed.seconds.items()}


def _asked(engine: Engine, truth: Truth, root: Path) -> list[Judged]:
    wordless = frozenset(truth.wordless)
    plain, quoted = (
        [
            judge(question, [hit_json(hit) for hit in answer.hits], root, wordless)
            for question, answer in zip(truth.questions, engine.search_many(queries), strict=True)
        ]
        for queries in ([_query(one, form) for one in truth.questions] for form in ("{}", '"{}"'))
    )
    return [
        one if one.question.where else replace(one, quoted=exact.first)
        for one, exact in zip(plain, quoted, strict=True)
    ]


def _query(question: Question, form: str) -> Query:
    if question.where:
        return Query(Term(question.text), where=parse_conditions(question.where), limit=MOST, fold=False)
    return Query(Term(form.format(question.text)), limit=10, fold=False)


def _read_wordless(engine: Engine, truth: Truth, root: Path) -> list[str]:
    """Return the files without words that have readings."""
    found, cursor = [], ""
    while True:
        page = engine.items(Selection(), Order(), MOST, cursor)
        for item in page.items:
            name = str(Path(item.path).relative_to(root))
            if name in truth.wordless and any(part.readings for part in engine.item(item.item_id)):
                found.append(name)
        if page.next_cursor is None:
            return sorted(found)
        cursor = page.next_cursor


def table(results: Sequence[LevelResult], truth: Truth) -> str:
    """Return the results as Markdown. The shares of time are of encoding and reading together."""
    levels = [f"{one.level} R@1 | R@10 | quoted | place" for one in results]
    lines = [f"| words in | questions | {' | '.join(levels)} |", "|---|--:|" + "--:|--:|--:|--:|" * len(results)]
    for n, first in enumerate(results[0].scores):
        cells = [_cells(one.scores[n]) for one in results]
        lines.append(f"| {first.group} | {first.questions} | {' | '.join(cells)} |")
    lines += ["", "| level | seconds | pictures, % | sound, % | wordless files read | wordless first |"]
    lines.append("|---|--:|--:|--:|--:|--:|")
    encoded = results[0].seconds
    for one in results:
        whole = encoded if one is results[0] else encoded + one.seconds
        shares = " | ".join(f"{100 * part / whole:.0f}" for part in (one.pictures, one.sound))
        wordless = f"{len(one.read_wordless)} of {len(truth.wordless)} | {one.first_wordless}"
        lines.append(f"| {one.level} | {one.seconds:.0f} | {shares} | {wordless} |")
    return "\n".join(lines) + "\n"


def _cells(score: Score) -> str:
    quoted, place = ("" if share is None else f"{100 * share:.0f}" for share in (score.quoted, score.place))
    return f"{100 * score.first:.0f} | {100 * score.ten:.0f} | {quoted} | {place}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.words.evaluate", description=__doc__)
    parser.add_argument("corpus", type=Path, help="a folder that `python -m demo.words` made")
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    asked = parser.parse_args()
    root, out = asked.corpus.resolve(), asked.out.resolve()
    out.mkdir(parents=True)
    results, truth = evaluate(root, load_settings(data_dir=out / "data")), read_truth(root)
    written: dict[str, Any] = {"corpus": {"seed": truth.seed, "questions": len(truth.questions)}}
    written["levels"] = [asdict(one) for one in results]
    (out / "words.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    (out / "words.md").write_text(table(results, truth), encoding="utf-8")
    print(table(results, truth) if asked.format == "table" else json.dumps(written))  # noqa: T201


if __name__ == "__main__":
    main()
