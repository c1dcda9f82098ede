"""The lock file: a file without a published hash is checked against the hash of its first pull."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.weights import weights_lock
from omnisearch.spaces.weights.pull import pull
from omnisearch.spaces.weights.spec import LocalFile, Packaged, WeightSpec, resolve, sha256_of, verify

CONTENT = b"weights" * 1000
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of b"abc": FIPS 180-4, appendix


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("OMNISEARCH_WEIGHTS_DIR", str(tmp_path / "weights"))
    return load_settings()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(b"abc")
    return path


def unknown(source: Path) -> WeightSpec:
    return WeightSpec("toy.bin", None, None, "MIT", (LocalFile(source),))


def test_the_first_pull_records_hash_size_and_source(settings: Settings, source: Path) -> None:
    pull(unknown(source), settings)
    entries = json.loads((settings.weights_dir / "weights.lock").read_text())
    assert entries == {"toy.bin": {"sha256": ABC, "size": 3, "source": f"file {source}"}}
    assert sorted(path.name for path in settings.weights_dir.iterdir()) == ["toy.bin", "weights.lock"]


def test_a_file_that_changed_upstream_is_refused_with_both_hashes(settings: Settings, source: Path) -> None:
    spec = unknown(source)
    pull(spec, settings).unlink()
    source.write_bytes(b"abd")
    with pytest.raises(WeightsError) as caught:
        pull(spec, settings)
    for part in ("toy.bin", ABC, sha256_of(source), "weights.lock"):
        assert part in str(caught.value)
    assert not (settings.weights_dir / "toy.bin").exists()
    source.write_bytes(b"abc")
    assert pull(spec, settings).read_bytes() == b"abc"


def test_a_file_in_a_folder_is_recorded_in_the_same_lock_file(settings: Settings, source: Path) -> None:
    spec = replace(unknown(source), name="toy/model.bin")
    path = pull(spec, settings)
    assert path == settings.weights_dir / "toy" / "model.bin"
    assert list(weights_lock.read(settings.weights_dir)) == ["toy/model.bin"]
    assert verify(spec, path) == ABC
    path.write_bytes(b"abd")
    with pytest.raises(WeightsError, match=ABC):
        pull(spec, settings)


def test_a_file_that_changed_here_is_refused(settings: Settings, source: Path) -> None:
    path = pull(unknown(source), settings)
    path.write_bytes(b"abd")
    with pytest.raises(WeightsError, match=ABC):
        verify(unknown(source), path)
    path.write_bytes(b"abcd")
    with pytest.raises(WeightsError, match="4 bytes, not 3"):
        resolve(unknown(source), settings)


def test_a_file_put_here_by_hand_is_recorded_by_the_next_pull(settings: Settings, source: Path) -> None:
    settings.weights_dir.mkdir()
    (settings.weights_dir / "toy.bin").write_bytes(b"abc")
    assert verify(unknown(source), settings.weights_dir / "toy.bin") == ABC
    pull(unknown(source), settings)
    assert weights_lock.read(settings.weights_dir)["toy.bin"].sha256 == ABC
    (settings.weights_dir / "toy.bin").write_bytes(b"abd")
    with pytest.raises(WeightsError, match=ABC):
        pull(unknown(source), settings)


def test_what_was_recorded_first_stays(tmp_path: Path) -> None:
    first, later = weights_lock.Recorded("a" * 64, 1, "first"), weights_lock.Recorded("b" * 64, 2, "later")
    weights_lock.record(tmp_path, "toy.bin", first)
    weights_lock.record(tmp_path, "other.bin", later)
    weights_lock.record(tmp_path, "toy.bin", later)
    assert weights_lock.read(tmp_path) == {"toy.bin": first, "other.bin": later}


@pytest.mark.parametrize("content", ["{", "[]", '{"toy.bin": {"sha256": "a"}}', '{"toy.bin": 3}'])
def test_a_damaged_lock_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "weights.lock").write_text(content)
    with pytest.raises(WeightsError, match=r"weights\.lock cannot be read"):
        weights_lock.read(tmp_path)


def test_declared_hashes_and_packaged_files_are_not_recorded(
    settings: Settings, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnisearch.spaces.weights.spec.PACKAGE", tmp_path)
    pull(replace(unknown(source), sha256=ABC, size=3), settings)
    pull(WeightSpec("head.bin", None, None, "MIT", (Packaged("source.bin"),)), settings)
    assert weights_lock.read(settings.weights_dir) == {}


def test_progress_of_packaged_files_is_their_size(
    settings: Settings, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnisearch.spaces.weights.spec.PACKAGE", tmp_path)
    counted: list[int] = []
    pull(WeightSpec("head.bin", None, None, "MIT", (Packaged("source.bin"),)), settings, counted.append)
    assert counted == [3]
