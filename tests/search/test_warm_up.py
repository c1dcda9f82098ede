"""Warming loads all towers that a router may choose for a later query."""

from pathlib import Path

import pytest

from omnisearch.search.warm_up import warm
from omnisearch.types import Modality, Role
from tests.binding.test_tower_skipping import CONFIG, WORDS, World

TEXT = Modality.TEXT
SURE = {"text": {**CONFIG["routers"]["text"], "scale": 2000}}  # the factors of most branches round to zero
FIXED = {"text": {"kind": "fixed", "factors": [0.9, 0.1, 0, 0, 0]}}


@pytest.mark.parametrize(("routers", "loaded"), [(SURE, {"a", "b", "c", "d"}), (FIXED, {"a"})])
def test_no_query_runs_a_tower_that_was_not_warmed(routers: object, loaded: set[str], tmp_path: Path) -> None:
    world = World(tmp_path / "model", {**CONFIG, "routers": routers})
    model = world.model(share=0.8)
    warm(model, [TEXT, Modality.IMAGE])
    assert {name for name, count in world.counts().items() if count} == loaded
    model.encode(TEXT, WORDS, Role.QUERY)
    assert {name for name, count in world.counts().items() if count} <= loaded
