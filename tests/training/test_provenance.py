"""What is said about where a result comes from."""

import hashlib
import subprocess
import time
from pathlib import Path

import pytest

from omnisearch.config import load_settings
from omnisearch.spaces import registry
from omnisearch.spaces.weights.spec import WeightSpec
from omnisearch.spaces.weights.weight_files import MINILM, MINILM_TOKENIZER, head
from omnisearch_training.datasets import Record, Split
from omnisearch_training.provenance import provenance, revision, timed, versions


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_revision_is_of_the_checkout_that_tracks_the_file(tmp_path: Path) -> None:
    ours, strange = tmp_path / "ours.py", tmp_path / "installed.py"
    ours.write_text("one")
    strange.write_text("in somebody else's repository")
    assert revision(ours) == {}
    git(tmp_path, "init", "-q")
    assert revision(ours) == {}
    git(tmp_path, "add", "ours.py")
    git(tmp_path, "commit", "-q", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert revision(ours) == {"revision": commit, "dirty": False}
    assert revision(strange) == {}
    ours.write_text("two")
    assert revision(ours) == {"revision": commit, "dirty": True}


def test_without_git_there_is_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert revision() == {}


def test_weights_are_named_by_content_and_records_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tmp_path / "sound.safetensors"
    shipped.write_bytes(b"a head")
    monkeypatch.setattr(WeightSpec, "packaged", property(lambda spec: None if spec.sha256 else shipped))
    files = (MINILM, MINILM_TOKENIZER, head("sound"))
    monkeypatch.setitem(registry.FILES, "sound-head.safetensors", files[-1])
    records = [
        Record(str(i), "x", split, ("x",), {}, "") for i, split in enumerate([Split.TRAIN, Split.TEST, Split.TRAIN])
    ]
    found = provenance(load_settings(), ("sound",), {"bells": [*records], "drums": []})
    assert (
        found["weights"].items()
        >= {
            "minilm.safetensors": MINILM.sha256,
            "sound-head.safetensors": hashlib.sha256(b"a head").hexdigest(),
        }.items()
    )
    assert found["data"] == {"bells": {"train": 2, "test": 1}, "drums": {}}
    assert found["versions"] == versions()
    assert {"omnisearch", "python", "numpy", "torch"} <= set(versions())


def test_stages_are_timed_and_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 5.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)

    class Work:
        def __init__(self) -> None:
            self.seconds: dict[str, float] = {}

        @timed
        def rest(self, seconds: float, fail: bool = False) -> float:
            nonlocal now
            now += seconds
            if fail:
                raise ValueError
            return seconds

    work = Work()
    assert work.rest(0.5) == 0.5
    with pytest.raises(ValueError, match=r"^$"):
        work.rest(0.25, fail=True)
    assert work.seconds == {"rest": 0.75}
