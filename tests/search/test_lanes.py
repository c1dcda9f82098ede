"""Queries have a lane of their own: a text waits neither for a batch of images nor for one of documents."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.query.expressions import Term
from omnisearch.search.plan.embed import Embedder
from omnisearch.spaces.families.hashed import HashedTower
from omnisearch.types import Content, Floats, Role

SECONDS = 30  # a limit for threads that hang


class Slow:
    """Makes the towers stop before contents that are `chosen` until `may_end` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs, self.may_end = threading.Event(), threading.Event()
        run = HashedTower.features

        def features(tower: HashedTower, contents: Sequence[Content]) -> Floats:
            if not isinstance(contents[0], str) or contents[0].startswith("slow"):
                self.runs.set()
                self.may_end.wait(SECONDS)
            return run(tower, contents)

        monkeypatch.setattr(HashedTower, "features", features)


@pytest.mark.parametrize("kind", ["images", "documents"])
def test_a_text_is_embedded_while_a_slow_batch_runs(
    kind: str, hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Index:
        model = OmniBind.load(str(hashed_model), load_settings())

    slow, index = Slow(monkeypatch), Index()
    Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).save(tmp_path / "grey.png")
    batch = [Term(tmp_path / "grey.png")] if kind == "images" else [Term(f"slow {n}") for n in range(40)]
    with DecoderPool(load_settings(), workers=1) as pool:
        embedder = Embedder(pool)
        done: list[str] = []

        def embed(name: str, terms: Sequence[Term], role: Role) -> None:
            embedder.embed(index, terms, role=role)  # type: ignore[arg-type]
            done.append(name)

        threads = [threading.Thread(target=embed, args=("batch", batch, Role.DOCUMENT))]
        threads[0].start()
        assert slow.runs.wait(SECONDS)
        threads.append(threading.Thread(target=embed, args=("query", [Term("red")], Role.QUERY)))
        threads[1].start()
        threads[1].join(SECONDS)
        before = list(done)
        slow.may_end.set()
        for thread in threads:
            thread.join(SECONDS)
    assert before == ["query"]
    assert done == ["query", "batch"]
