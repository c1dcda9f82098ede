"""`omnisearch status` says when the model of an index was replaced by another version."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.config import load_settings
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.rebind import rebind_index
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import find_outdated
from tests.conftest import Ended, write_hashed_model


def test_status_names_the_way_out_until_the_index_is_rebound(
    tmp_path: Path, run_here: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_hashed_model(tmp_path / "model") / "model.json"
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "red.txt").write_text("red dog")
    settings = load_settings(model=str(tmp_path / "model"), data_dir=tmp_path / "data", workers=1)
    index_files([tmp_path / "files"], settings)
    monkeypatch.setenv("OMNISEARCH_MODEL", str(tmp_path / "model"))

    def status() -> tuple[bool, str]:
        done = run_here("status", "--data-dir", settings.data_dir, "--format", "json")
        return json.loads(done.stdout)["outdated"], done.stderr

    def change(**fields: object) -> None:
        model.write_text(json.dumps(json.loads(model.read_text()) | fields))

    assert status() == (False, "")
    change(relevance={"text": {"slope": 2, "threshold": 3}})
    assert status() == (False, ""), "vectors do not depend on relevance"
    change(video={"image": 0.5, "audio": 0.5})
    said = (
        "the index was made by another version of model 'toy': bring it up to date with `omnisearch rebind --read "
        f"--data-dir {settings.data_dir}`, which reads only files that lack an embedding\n"
    )
    assert status() == (True, said)
    rebind_index(settings)
    assert status() == (False, "")

    change(centred=["nonsense"])
    assert find_outdated(settings) == "", "a model that cannot be read is not another version"
    other = settings.model_copy(update={"model": "mini"})
    assert find_outdated(other) == "", "the model of the index is not on this machine"


def test_an_index_without_a_recorded_version_gets_one_with_the_next_run(tmp_path: Path) -> None:
    write_hashed_model(tmp_path / "model")
    (tmp_path / "files").mkdir()
    settings = load_settings(model=str(tmp_path / "model"), data_dir=tmp_path / "data", workers=1)
    index_files([tmp_path / "files"], settings)

    def recorded() -> dict[str, str]:
        with closing(Manifest(settings.index_dir / MANIFEST_FILE)) as manifest:
            return manifest.meta()

    before = recorded()
    with closing(Manifest(settings.index_dir / MANIFEST_FILE, create=True)) as manifest, manifest.transaction():
        manifest._db.execute("DELETE FROM meta WHERE key = 'model_version'")
    assert find_outdated(settings) == ""
    index_files([tmp_path / "files"], settings)
    assert recorded()["model_version"] == before["model_version"]
