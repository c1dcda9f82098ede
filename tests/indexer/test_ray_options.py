"""The options of a cluster that are refused before one is used."""

from collections.abc import Callable
from pathlib import Path

import pytest

from omnisearch_indexer.ray import cluster
from tests.conftest import Ended


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--address", "auto"), 2, "--engine ray"),
        (("--engine", "ray", "--read", "fast"), 2, "omnisearch enrich"),
        (("--engine", "ray"), 4, "omnisearch[ray]"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    options: tuple[str, ...],
    code: int,
    said: str,
    hashed_model: Path,
    run_here: Callable[..., Ended],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("a note")
    ended = run_here("index", tmp_path / "files", "--model", hashed_model, *options)
    assert ended.returncode == code
    assert said in " ".join(ended.stderr.split())
