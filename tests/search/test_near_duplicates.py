"""Pictures that look alike are near-duplicates unless other texts were read in them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.types import Modality
from tests.search.planted import item, near, planted, units


def test_pictures_in_which_other_texts_were_read_are_not_folded(hashed_model: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    with planted(item("seed", units(random, 1, 256)), hashed_model, tmp_path / "seed") as engine:
        (asked,) = engine.embed([Term("the budget")])
    look, other = units(random, 2, len(asked))
    texts = {"budget": near(random, asked, 0.8), "budget again": near(random, asked, 0.8), "other text": other}
    named = {**texts, "no text": None, "no text again": None}
    points = [
        replace(point, text_vector=text) for name, text in named.items() for point in item(name, [look], Modality.IMAGE)
    ]
    with planted(points, hashed_model, tmp_path / "data") as engine:
        found = {hit.id: set(hit.duplicates) for hit in engine.search(Query(Term("the budget"))).hits}
        assert {frozenset({id_, *same}) for id_, same in found.items()} == {
            frozenset({"budget", "budget again"}),
            frozenset({"other text"}),
            frozenset({"no text", "no text again"}),
        }
        assert len(engine.search(Query(Term("the budget"), words=False)).hits) == 1
