"""Compare ways to embed what was read: a vector of all texts of a segment, or vectors of its lines.

Run `python -m demo.words.vectors CORPUS DATA_DIR`, where DATA_DIR has an index of the corpus with its readings. The
questions are the English phrases of the corpus, as they are written, in other words, in German and in Chinese. They are
compared with the texts of segments alone, without contents and words. Then the same is done for drawn-up pages of 1 to
60 lines, one of which is a phrase.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from demo.words.evaluate import MOST
from demo.words.phrases import Phrases, reworded
from demo.words.truth import read_truth
from omnisearch.binding.model import OmniBind
from omnisearch.cli.console import err
from omnisearch.config import load_settings
from omnisearch.search.engine import Engine
from omnisearch.search.item_list import Selection
from omnisearch.spaces.towers import unit
from omnisearch.stores.base import Order
from omnisearch.types import Floats, Modality, Role
from omnisearch_indexer.text_vectors import segment_text
from omnisearch_training.evaluate.metrics import Ranking

FORMS = ("as written", "in other words", "in German", "in Chinese")
PAGES, LENGTHS = 48, (1, 4, 15, 60)
BATCH = 32
MEAN = "mean of lines"
# Ways to divide the lines of a segment into the texts that are embedded.
WAYS: Mapping[str, Callable[[Sequence[str]], Sequence[str]]] = {
    "all lines": lambda lines: ["\n".join(lines)],
    MEAN: list,
    "each 4 lines": lambda lines: ["\n".join(lines[n : n + 4]) for n in range(0, len(lines), 4)],
    "each line": list,
    "all lines, and each line": lambda lines: ["\n".join(lines), *lines],
}
_WHO = ("The mayor", "A young farmer", "Our neighbour", "The new nurse", "An old sailor", "My cousin", "Their lawyer")
_DID = ("has sold", "could not find", "wants to repair", "gave away", "forgot", "is painting", "will inspect")
_WHAT = ("a wooden ladder", "the last invoice", "two kitchen tables", "some fresh apples", "the broken radio", "a map")
_WHEN = ("before lunch", "on Tuesday", "last summer", "after the meeting", "every evening", "in the rain", "at noon")


@dataclass(frozen=True, eq=False)
class Material:
    """Segments as `texts` of lines, and questions: their phrase, and the numbers of the right segments."""

    texts: Sequence[Sequence[str]]
    asked: Sequence[str]
    right: Sequence[frozenset[int]]


@dataclass(frozen=True, eq=False)
class Vectors:
    """The vectors of segments: `rows` (n, dim), and `starts`, the first row of each; they took `seconds` to encode."""

    rows: Floats
    starts: Sequence[int]
    seconds: float

    def scores(self, queries: Floats) -> Floats:
        """Return the cosine (q, segments) of each query with the nearest vector of each segment."""
        nearest: Floats = np.maximum.reduceat(queries @ self.rows.T, self.starts, axis=1)
        return nearest


def of_corpus(root: Path, data_dir: Path) -> Material:
    """Return what was read in the corpus, and its English phrases that are not in documents."""
    texts: list[list[str]] = []
    numbers: dict[str, set[int]] = {}
    with Engine.open(load_settings(data_dir=data_dir)) as engine:
        cursor: str | None = ""
        while cursor is not None:
            page = engine.items(Selection(), Order(), MOST, cursor)
            for item in page.items:
                for text in filter(None, map(segment_text, engine.item(item.item_id))):
                    numbers.setdefault(str(Path(item.path).relative_to(root)), set()).add(len(texts))
                    texts.append(text.split("\n"))
            cursor = page.next_cursor
    asked = [q for q in read_truth(root).questions if q.language == "en" and not q.where and q.files[0] in numbers]
    return Material(texts, [q.text for q in asked], [frozenset(numbers[q.files[0]]) for q in asked])


def of_pages(length: int) -> Material:
    """Return pages of `length` lines, one of which is a phrase. A longer page has the lines of a shorter one."""
    random = np.random.default_rng(0)
    phrases = Phrases(random)
    asked = [phrases.phrase("latin") for _ in range(PAGES)]
    others = [list(islice(_lines(random), max(LENGTHS))) for _ in asked]
    at = random.random(PAGES)
    texts = []
    for phrase, lines, place in zip(asked, others, at, strict=True):
        before = int(place * length)
        texts.append([*lines[:before], phrase, *lines[before : length - 1]])
    return Material(texts, asked, [frozenset({n}) for n in range(PAGES)])


def _lines(random: np.random.Generator) -> Iterator[str]:
    while True:
        yield " ".join(str(random.choice(words)) for words in (_WHO, _DID, _WHAT, _WHEN)) + "."


def embedded(model: OmniBind, texts: Sequence[Sequence[str]], way: str) -> Vectors:
    """Embed the parts into which a way divides each segment, or the mean directions of these parts."""
    parts = [WAYS[way](text) for text in texts]
    starts = np.cumsum([0, *map(len, parts[:-1])]).tolist()
    begun = time.monotonic()
    rows = _encoded(model, [each for part in parts for each in part], Role.DOCUMENT)
    if way == MEAN:
        rows, starts = unit(np.add.reduceat(rows, starts, axis=0)), list(range(len(texts)))
    return Vectors(rows, starts, time.monotonic() - begun)


def _encoded(model: OmniBind, texts: Sequence[str], role: Role) -> Floats:
    return np.vstack([model.encode(Modality.TEXT, texts[n : n + BATCH], role) for n in range(0, len(texts), BATCH)])


def compare(model: OmniBind, material: Material, name: str) -> Iterator[str]:
    """Yield lines of a Markdown table: R@1 and R@10 of each way, and what each gains over the first."""
    ways = {way: embedded(model, material.texts, way) for way in WAYS}
    for form in FORMS:
        asked = [_question(phrase, form) for phrase in material.asked]
        queries = _encoded(model, asked, Role.QUERY)
        rankings = {way: _ranking(vectors.scores(queries), material.right) for way, vectors in ways.items()}
        first = next(iter(rankings.values()))
        for way, ranking in rankings.items():
            at, gain = ranking.recall().at, ranking.gain(first)
            gained = " | ".join("{:+.0f} [{:+.0f}, {:+.0f}]".format(*gain[k]) for k in (1, 10))
            yield f"| {name} | {form} | {len(asked)} | {way} | {at[1]:.0f} | {at[10]:.0f} | {gained} |"
    for way, vectors in ways.items():
        count = len(material.texts)
        each, spent = len(vectors.rows) / count, 1000 * vectors.seconds / count
        err.print(f"{name}, {way}: {each:.1f} vectors and {spent:.1f} ms for a segment, {count} segments")


def _question(phrase: str, form: str) -> str:
    return phrase if form == FORMS[0] else reworded(phrase)[{FORMS[1]: "en", FORMS[2]: "de", FORMS[3]: "zh"}[form]]


def _ranking(scores: Floats, right: Sequence[frozenset[int]]) -> Ranking:
    best = np.array([max(row[list(these)]) for row, these in zip(scores, right, strict=True)])
    ranks = 1 + (scores > best[:, None]).sum(axis=1)
    return Ranking(ranks, np.array(list(map(len, right))), np.arange(len(right)), scores.shape[1])


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.words.vectors", description=__doc__)
    parser.add_argument("corpus", type=Path, help="a folder that `python -m demo.words` made")
    parser.add_argument("data_dir", type=Path, help="its index, with what was read")
    asked = parser.parse_args()
    corpus = of_corpus(asked.corpus.resolve(), asked.data_dir.resolve())
    pages = {f"page of {n} line{'s' if n > 1 else ''}": of_pages(n) for n in LENGTHS}
    with Engine.open(load_settings(data_dir=asked.data_dir)) as engine:
        print("| texts | questions | count | vectors of | R@1 | R@10 | R@1 gained | R@10 gained |")  # noqa: T201
        print("|---|---|--:|---|--:|--:|--:|--:|")  # noqa: T201
        for name, material in {"corpus": corpus, **pages}.items():
            for line in compare(engine.model, material, name):
                print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
