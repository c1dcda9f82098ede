"""Declared spaces: known without loading, loaded one modality at a time, sharing their towers."""

import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError, UsageError
from omnisearch.spaces import towers
from omnisearch.spaces.declaration import TowerSpec
from omnisearch.spaces.registry import FILES, SPACES, files_of, load_space
from omnisearch.spaces.towers import TOWERS, load_tower
from omnisearch.types import Content, Floats, Modality


class Counted:
    """A tower that counts how often it was loaded."""

    name, width, loads = "counted", 4, 0

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "Counted":
        cls.loads += 1
        return cls(fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        return np.ones((len(contents), self.width), np.float32)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path / "weights")


def test_declaring_and_making_spaces_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from omnisearch.config import load_settings\n"
        "from omnisearch.spaces.registry import SPACES\n"
        "from omnisearch.spaces import towers\n"
        "from omnisearch.cli import models\n"
        "heavy = {'torch', 'timm', 'transformers', 'librosa', 'huggingface_hub'} & set(sys.modules)\n"
        "assert SPACES and not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_text_loads_no_image_or_sound_tower(settings: Settings) -> None:
    code = (
        "import sys\n"
        "from omnisearch.config import load_settings\n"
        "from omnisearch.errors import ModelMissingError\n"
        "from omnisearch.spaces.registry import SPACES, load_space\n"
        "from omnisearch.types import Modality\n"
        f"settings = load_settings(weights_dir={str(settings.weights_dir)!r})\n"
        "for name in ('photo', 'sound', 'object'):\n"
        "    try:\n"
        "        load_space(name, settings).tower(Modality.TEXT)\n"
        "    except ModelMissingError:\n"
        "        pass\n"
        "assert 'omnisearch.spaces.families.minilm' in sys.modules\n"
        "families = {f'omnisearch.spaces.families.{name}' for name in ('aisfx', 'views')}\n"
        "others = {'timm', 'transformers', 'soxr', 'librosa', 'numba'} | families\n"
        "loaded = others & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        # The modules of sounds hold towers of texts too, so importing them must not import librosa.
        "from omnisearch.spaces.families import aisfx, clap, embedding_gemma, imagebind, pe_av, wavcaps, yamnet\n"
        "assert not {'librosa', 'numba'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_tower_names_the_file_and_the_command(settings: Settings) -> None:
    for modality in (Modality.TEXT, Modality.IMAGE, Modality.POINT_CLOUD):
        with pytest.raises(ModelMissingError, match="omnisearch models pull"):
            load_space("photo", settings).tower(modality)


def test_an_unknown_name_gets_the_nearest(settings: Settings) -> None:
    with pytest.raises(UsageError, match="no space is called 'phot'; did you mean 'photo'"):
        load_space("phot", settings)


def test_a_space_refuses_what_it_does_not_read(settings: Settings) -> None:
    with pytest.raises(UsageError, match="photo reads text, image, point_cloud, not audio"):
        load_space("photo", settings).tower(Modality.AUDIO)


def test_a_tower_is_loaded_once_however_many_ask(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = TowerSpec("counted", 4, (), "omnisearch.spaces.towers:Counted")
    monkeypatch.setattr(towers, "Counted", Counted, raising=False)
    monkeypatch.setattr(towers, "TOWERS", {"counted": spec})
    monkeypatch.setattr(towers, "_loaded", OrderedDict())
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(load_tower("counted", settings))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(tower) for tower in found}) == 1
    assert Counted.loads == 1
    load_tower("counted", settings.model_copy(update={"precision": "bf16"}))
    assert Counted.loads == 1, "it runs in fp32 only"
    load_tower("counted", settings.model_copy(update={"weights_dir": settings.weights_dir / "others"}))
    assert Counted.loads == 2, "other weights are another tower"


@pytest.mark.parametrize("name", SPACES)
def test_every_declaration_is_complete(name: str) -> None:
    spec = SPACES[name]
    assert spec.name == name
    assert spec.dim > 0
    assert spec.licence
    assert spec.summary
    assert spec.tags <= {"audio", "vision", "shape"}
    assert spec.tags
    assert set(spec.weights) == set(spec.towers)
    for modality, tower in spec.towers.items():
        assert tower in TOWERS
        assert set(spec.weights[modality]) <= set(FILES)


def test_files_are_listed_once_for_spaces_that_share_them() -> None:
    names = [file.name for file in files_of(("photo", "drawing", "object"))]
    assert len(names) == len(set(names))
    assert {"minilm.safetensors", "efficientnet-lite2.pth", "drawing-head.safetensors"} <= set(names)
    assert "aisfx.pth" not in names


def test_the_fingerprint_of_a_tower_names_its_weights_and_its_version() -> None:
    from dataclasses import replace

    spec = TOWERS["minilm"]
    others = [replace(spec, version=2), replace(spec, weights=spec.weights[:1]), TOWERS["efficientnet"]]
    assert len({spec.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_the_fingerprint_of_photo_needs_no_file(settings: Settings) -> None:
    assert load_space("photo", settings).fingerprint == load_space("photo", load_settings()).fingerprint
