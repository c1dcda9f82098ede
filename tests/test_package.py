"""What is shipped: three packages, the page and the model, and nothing else."""

import re
import runpy
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from omnisearch.cli.entry_points import own_command

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
def test_the_wheel_holds_the_whole_page(wheel: zipfile.ZipFile) -> None:
    page = ROOT / "web" / "dist"
    built = {f"omnisearch/_web/{file.relative_to(page).as_posix()}" for file in page.rglob("*") if file.is_file()}
    assert built == {name for name in wheel.namelist() if name.startswith("omnisearch/_web/")}


def test_a_wheel_without_the_page_is_not_built(tmp_path: Path) -> None:
    hook = runpy.run_path(str(ROOT / "hatch_build.py"))["PageHook"]
    data: dict[str, dict[str, str]] = {"force_include": {}}
    made = hook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")
    with pytest.raises(FileNotFoundError, match="make page"):
        made.initialize("standard", data)
    made.initialize("editable", data)
    assert data == {"force_include": {}}


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
    for name, point in commands.items():
        assert callable(point.load())
        assert own_command(name) is point.load()
    assert own_command("nonsense") is None


# Imports of modules that no declared package brings: of the released code that bench/binding.py is given a checkout of,
# of a script beside those that import it, of a package that is asked for without its dependencies, and of peers, which
# bench/peers.py installs apart.
PEERS = {"all_clip", "clip_retrieval", "rclip"}
UNDECLARED = {"omni_utils", "projector", "router", "sides", "tinysoundfont", *PEERS}
IMPORT = re.compile(r"^ *(?:from (\w+)[\w.]* import |import (\w+)[\w.]*(?: as \w+)?$)", re.MULTILINE)


def test_every_imported_package_is_declared() -> None:
    """What `make install` installs is enough for all code, on a machine where nothing else is installed."""
    rooms = ("omnisearch", "indexer", "training", "demo", "bench", "tests")
    sources = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    imported = {a or b: path for path in sources for a, b in IMPORT.findall(path.read_text())}
    assert {"pytest", "torch", "numpy"} <= imported.keys()
    own = {"omnisearch", "omnisearch_indexer", "omnisearch_training", "demo", "bench", "tests"}
    missing = imported.keys() - own - UNDECLARED - sys.stdlib_module_names - modules(installed_by_make())
    assert {name: str(imported[name]) for name in missing} == {}


def installed_by_make() -> list[Distribution]:
    """The packages that pyproject.toml asks for with the extras of `make install`, and those that they ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [Requirement(line) for line in (*project["dependencies"], *extras["dev"], *extras["train"])]
    found: dict[str, Distribution] = {}
    while asked:
        wanted = asked.pop()
        if (key := f"{wanted.name} {sorted(wanted.extras)}".lower()) not in found:
            found[key] = distribution(wanted.name)
            asked += [each for each in map(Requirement, found[key].requires or ()) if applies(each, wanted.extras)]
    return list(found.values())


def applies(requirement: Requirement, extras: set[str]) -> bool:
    return not requirement.marker or any(requirement.marker.evaluate({"extra": each}) for each in ("", *extras))


def modules(packages: list[Distribution]) -> set[str]:
    files = "\n".join(package.read_text("RECORD") or "" for package in packages)
    return set(re.findall(r"^([^/.,\n]+)", files, re.MULTILINE))
