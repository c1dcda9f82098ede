"""What is shipped: three packages, the page and the model, and nothing else."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(out.glob("*.whl"))) as opened:
        yield opened


@pytest.mark.slow
def test_the_wheel_holds_what_it_should(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    tops = {name.split("/")[0] for name in names}
    info = next(top for top in tops if top.endswith(".dist-info"))
    assert tops == {"omnisearch", "omnisearch_indexer", "omnisearch_training", info}
    assert {"omnisearch/_web/index.html", "omnisearch/py.typed", "omnisearch/models/mini/model.json"} <= names
    assert "omnisearch/spaces/heads/drawing.safetensors" in names
    for package, folder in (("omnisearch_indexer", "indexer"), ("omnisearch_training", "training")):
        for source in (ROOT / folder / package).rglob("*.py"):
            assert source.relative_to(ROOT / folder).as_posix() in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("omnisearch/tests")]


@pytest.mark.slow
def test_the_wheel_runs_without_the_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import omnisearch, omnisearch_indexer, omnisearch_training, omnisearch.cli.main; print(omnisearch.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(tmp_path / "omnisearch" / "__init__.py"), done.stderr


def test_this_installation_has_every_command() -> None:
    installed = distribution("omnisearch")
    commands = {point.name: point for point in installed.entry_points.select(group="omnisearch.commands")}
    assert {"search", "models", "serve", "index", "status", "errors", "train"} <= set(commands)
    for point in commands.values():
        assert callable(point.load())
