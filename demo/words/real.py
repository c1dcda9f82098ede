"""Evaluate reading on real recordings and pages from packages: `python -m demo.words.real OUT`.

The corpus is OUT/corpus, its index OUT/data; results are OUT/real.json and OUT/real.md. Speech is English.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from demo.words.evaluate import LEVELS, MOST, LevelResult, evaluate
from demo.words.real_corpus import SPOKEN, RealCorpus
from demo.words.transcript import is_in, words_of, wrong_words
from demo.words.truth import Truth
from omnisearch.config import Settings, load_settings
from omnisearch.search.engine import Engine
from omnisearch.search.item_list import Selection
from omnisearch.stores.base import Order
from omnisearch_training.datasets.fetch import datasets_dir


@dataclass(frozen=True)
class Exactness:
    """The share of known texts that were read without an error. `wrong` is the word error rate, of speech only."""

    group: str
    exact: float
    wrong: float | None


@dataclass(frozen=True)
class RealResult:
    """The search at a level, and how exactly the known words were read."""

    search: LevelResult
    exactness: Sequence[Exactness]


def run(root: Path, settings: Settings, truth: Truth) -> list[RealResult]:
    """Index a corpus and read it at each level; see `evaluate`."""
    results = []
    for level in LEVELS:
        (found,) = evaluate(root, settings, (level,))
        results.append(RealResult(found, exactness(truth, _texts(settings, root))))
    return results


def exactness(truth: Truth, read: Mapping[str, str]) -> list[Exactness]:
    """Compare the known texts with what was read in each file, by what they are in."""
    found = []
    for group in dict.fromkeys(question.within for question in truth.questions):
        known = [(one.text, read.get(one.files[0], "")) for one in truth.questions if one.within == group]
        wrong = None
        if group in SPOKEN:
            pairs = [(words_of(text), words_of(heard)) for text, heard in known]
            wrong = sum(wrong_words(*pair) for pair in pairs) / sum(len(text) for text, _ in pairs)
        found.append(Exactness(group, sum(is_in(*pair) for pair in known) / len(known), wrong))
    return found


def _texts(settings: Settings, root: Path) -> dict[str, str]:
    """Return what was read in each file."""
    found, cursor = {}, ""
    with Engine.open(settings) as engine:
        while True:
            page = engine.items(Selection(), Order(), MOST, cursor)
            for item in page.items:
                read = [reading.text for part in engine.item(item.item_id) for reading in part.readings]
                found[str(Path(item.path).relative_to(root))] = " ".join(read)
            if page.next_cursor is None:
                return found
            cursor = page.next_cursor


def table(results: Sequence[RealResult], truth: Truth) -> str:
    """Return the results as Markdown, in percent."""
    none, *read = results
    levels = [f"{one.search.level}: exact | wrong words | R@1" for one in read]
    lines = [f"| words in | known texts | nothing read: R@1 | {' | '.join(levels)} |"]
    lines.append("|---|--:|--:|" + "--:|--:|--:|" * len(read))
    for group in (one.group for one in none.exactness):
        count = sum(question.within == group for question in truth.questions)
        cells = " | ".join(_cells(one, group) for one in read)
        lines.append(f"| {group} | {count} | {100 * _first(none, group):.0f} | {cells} |")
    lines.append("")
    sounds = [name for name in truth.wordless if Path(name).suffix != ".png"]
    for one in read:
        false = set(one.search.read_wordless)
        heard, seen = len(false.intersection(sounds)), len(false.difference(sounds))
        lines.append(
            f"{one.search.level}: words in {heard} of {len(sounds)} sounds without speech, and in {seen} of "
            f"{len(truth.wordless) - len(sounds)} pictures without text; {one.search.first_wordless} questions find "
            f"a file without words first; pictures take {one.search.pictures:.0f} s, sounds {one.search.sound:.0f} s."
        )
    return "\n".join(lines) + "\n"


def _cells(result: RealResult, group: str) -> str:
    found = next(one for one in result.exactness if one.group == group)
    wrong = "" if found.wrong is None else f"{100 * found.wrong:.0f}"
    return f"{100 * found.exact:.0f} | {wrong} | {100 * _first(result, group):.0f}"


def _first(result: RealResult, group: str) -> float:
    return next(one.first for one in result.search.scores if one.group == group)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.words.real", description=__doc__)
    parser.add_argument("out", type=Path, help="a new folder")
    out = parser.parse_args().out.resolve()
    out.mkdir(parents=True)
    root = out / "corpus"
    truth = RealCorpus(root, datasets_dir()).truth
    results = run(root, load_settings(data_dir=out / "data"), truth)
    written = [asdict(one) for one in results]
    (out / "real.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    (out / "real.md").write_text(table(results, truth), encoding="utf-8")
    print(table(results, truth))  # noqa: T201


if __name__ == "__main__":
    main()
