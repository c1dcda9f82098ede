"""A handful of questions to the demo's index, in words, sounds, pictures, models and sums of them.

Run `python -m demo.ask CORPUS DATA_DIR` after indexing the corpus of `demo.gather`.
"""

import shlex
import sys
from pathlib import Path

from rich.table import Table

from omnisearch.cli.console import err
from omnisearch.config import load_settings
from omnisearch.query.grammar import parse
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.types import Hit, Modality

# A term of a file is a path below the corpus.
QUESTIONS: tuple[tuple[str, Modality], ...] = (
    ("a dog", Modality.IMAGE),
    ("a dog barking", Modality.AUDIO),
    ("a comfortable seat", Modality.POINT_CLOUD),
    ("CORPUS/sounds/'cat meowing.ogg'", Modality.IMAGE),
    ("CORPUS/sounds/'dog barking.ogg'", Modality.POINT_CLOUD),
    ("CORPUS/models/bicycle.glb", Modality.IMAGE),
    ("CORPUS/models/cat.glb", Modality.TEXT),
    ("CORPUS/images/drawings/horse.png", Modality.AUDIO),
    ("CORPUS/images/drawings/dog.png + 'barking'", Modality.VIDEO),
    ("'a vehicle' - 'a car'", Modality.IMAGE),
)
LIMIT = 3


def main(corpus: Path, data_dir: Path) -> None:
    """Ask every question and show its best hits."""
    with Engine.open(load_settings(data_dir=data_dir)) as engine:
        for words, modality in QUESTIONS:
            asked = parse(shlex.split(words.replace("CORPUS", str(corpus.resolve()))))
            answer = engine.search(Query(asked, modalities=(modality,), limit=LIMIT))
            shown = words.replace("CORPUS/", "./")
            err.console.print(f"\n[bold]omnisearch search {shown} --in {modality}[/bold]", highlight=False)
            err.console.print(_table(answer.hits, corpus.resolve()))


def _table(hits: tuple[Hit, ...], corpus: Path) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for hit in hits:
        table.add_row(f"{hit.relevance:.2f}", str(Path(hit.path).relative_to(corpus)), hit.snippet[:60])
    return table


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
