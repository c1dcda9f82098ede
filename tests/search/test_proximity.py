"""What the places of the words of a query in the texts of a segment say of a match."""

from pathlib import Path

import pytest

from omnisearch.config import load_settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.search.rank.proximity import EVIDENCE, NEAR, neighbours
from omnisearch.stores.field_text import FieldText
from omnisearch.types import Reading
from omnisearch_indexer.session import index_files

FAR = " filler" * (NEAR + 1)


def evidence(query: str, *texts: tuple[str, str]) -> float:
    return neighbours([(query, 1.0)]).evidence(FieldText(field, text) for field, text in texts) / EVIDENCE


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("an old mill" + FAR, 1),
        ("the oldest of the mills" + FAR, 1),  # other forms, and a common word between them
        ("a mill, old" + FAR, 0),
        ("old and grey was the mill" + FAR, 0),
        ("old" + FAR + " mill", -1),
        ("old and old" + FAR, -1),
        ("old", 0),
    ],
)
def test_two_words(text: str, pairs: float) -> None:
    assert evidence("the old mill", ("passage", text)) == pairs


def test_a_word_in_the_name_is_not_far_from_any() -> None:
    assert evidence("old mill", ("name", "mill.txt"), ("passage", "old" + FAR)) == 0


def test_a_whole_query_of_three_words_counts_twice() -> None:
    assert evidence("coffee grinder mill", ("passage", "the coffee grinder mill" + FAR)) == 4
    assert evidence("coffee grinder mill", ("passage", "coffee grinder" + FAR + " grinder mill")) == 2
    assert evidence("old mill", ("name", "old mill.png")) == 1


def test_no_text_has_more_evidence_than_all_words_in_their_order() -> None:
    for query in ("mill", "old mill", "coffee grinder mill", "象棋俱乐部", "a mill and a mill of a mill"):
        most = neighbours([(query, 1.0)]).most / EVIDENCE
        assert evidence(query, ("passage", query + FAR), ("name", query)) == most
        assert evidence(query, ("passage", "mill coffee" + FAR + " grinder old mill 象棋乐部")) <= most


def test_a_phrase_goes_on_in_the_next_line() -> None:
    lines = [FieldText("ocr", text, reading=Reading("ocr", text)) for text in ("coffee grinder", "by the mill" + FAR)]
    assert neighbours([("coffee grinder mill", 1.0)]).evidence(lines) == 4 * EVIDENCE


def test_characters_without_spaces_count_half() -> None:
    """Five characters are four pairs of characters, and three pairs of these."""
    assert evidence("象棋俱乐部", ("ocr", "在象棋俱乐部旁边")) == 2 * 3 * 0.5
    assert neighbours([("象棋俱乐部", 1.0)]).apart == 3 * 0.5 * EVIDENCE


def test_texts_of_a_query_are_not_neighbours() -> None:
    assert not neighbours([("old", 1.0), ("mill", 1.0)]).pairs
    assert evidence("mill", ("passage", "mill" + FAR)) == 0


@pytest.mark.slow
def test_a_text_with_a_whole_phrase_precedes_texts_with_its_words(tmp_path: Path, hashed_model: Path) -> None:
    """`far` has the same words in four places, and the names of two others are a half of them each."""
    folder, filler = tmp_path / "files", " ".join(f"filler{n}" for n in range(NEAR + 1))
    folder.mkdir()
    words = ["zanzibar", "quokka", "lighthouse", "keeper"]
    (folder / "far.txt").write_text(f" {filler} ".join(words))
    (folder / "whole.txt").write_text(f"{filler} {' '.join(words)} {filler} {filler}")
    for half in (words[:2], words[2:]):
        (folder / f"{' '.join(half)}.txt").write_text(filler)
    settings = load_settings(data_dir=tmp_path / "data", model=str(hashed_model), workers=1)
    index_files([folder], settings)
    with Engine.open(settings) as engine:
        hits = engine.search(Query(Term(" ".join(words)), fold=False, limit=4, explain=True)).hits
        (again, *_) = engine.search(Query(Term(" ".join(words)), fold=False, limit=1)).hits
    assert Path(hits[0].path).name == Path(again.path).name == "whole.txt"
    words_of = {Path(hit.path).name: each.calibration["words"] for hit in hits if (each := hit.explanation)}
    assert words_of["whole.txt"] > words_of["far.txt"] + EVIDENCE
