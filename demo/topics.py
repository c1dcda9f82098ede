"""Ask the demo's index for topics, with and without words: `python -m demo.topics DATA_DIR`.

The names of most files lack the words of the query, but texts of the demo have many of them without being about the
topic. A hit is right if the name of its file has one of the topic's words.
"""

import argparse
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from omnisearch.cli.console import err
from omnisearch.config import load_settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine

TOPICS: Mapping[str, str] = tomllib.loads(Path(__file__).with_name("topics.toml").read_text(encoding="utf-8"))


def rights(engine: Engine, words: bool, limit: int = 10) -> list[list[bool]]:
    """Return for each topic which of its first hits are right."""
    answers = engine.search_many([Query(Term(topic), limit=limit, words=words) for topic in TOPICS])
    return [
        [not set(named.split()).isdisjoint(Path(hit.path).stem.split()) for hit in answer.hits]
        for named, answer in zip(TOPICS.values(), answers, strict=True)
    ]


def share(found: Sequence[Sequence[bool]], first: int) -> float:
    """Return the share of right hits among the first ones, in per cent."""
    return 100 * sum(sum(each[:first]) for each in found) / (first * len(found))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.topics", description=__doc__)
    parser.add_argument("data_dir", type=Path, help="an index of the demo's files")
    with Engine.open(load_settings(data_dir=parser.parse_args().data_dir)) as engine:
        for name, words in (("without words", False), ("with words", True)):
            found = rights(engine, words)
            err.print(f"{name}: " + ", ".join(f"{share(found, n):.0f}% of the first {n}" for n in (1, 5, 10)))


if __name__ == "__main__":
    main()
