"""omnisearch-modern: a model by configuration alone, which says how its projectors are trained where it has none."""

import json
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

from omnisearch.binding import checkpoint, installed
from omnisearch.binding.config import IdentityConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.cli.models import app
from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError
from omnisearch.spaces import towers
from omnisearch.spaces.base import encode
from omnisearch.spaces.families import pe_av, pe_core, uni3d
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.nn import uni3d as uni3d_net
from omnisearch.spaces.pipeline import Loader
from omnisearch.spaces.registry import SPACES
from omnisearch.spaces.weights import licences
from omnisearch.spaces.weights import pull as pulling
from omnisearch.types import Clip, Content, Modality, PointCloud, Role, Waveform
from omnisearch_training.recipe import read_recipe

torchvision_shim.install()
pytest.importorskip("open_clip")
pytest.importorskip("transformers")

NAME = "omnisearch-modern"
RECIPE = Path(__file__).parents[2] / "training" / "recipes" / f"{NAME}.toml"
CONFIG = installed.find_config(NAME, load_settings())
DIM = 1024
VISION = {"embed_dim": 64, "depth": 1, "num_heads": 4}
TEXT = {"text_cfg": {"width": 64, "heads": 4, "layers": 1}}
CODEC = {"encoder_hidden_size": 4, "hidden_size": 16, "codebook_dim": 8}
SOUND = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 16}


def small_points() -> nn.Module:
    shape = {"depth": 1, "embed_dim": 64, "num_heads": 4, "img_size": 28}
    return uni3d_net.PointEncoder(uni3d_net.trunk("eva_giant_patch14_560", **shape), 64, dim=DIM, near=8)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Where the files of the model's towers lie, random and scaled down."""
    torch.manual_seed(0)
    state: dict[str, dict[str, Any]] = {}
    small = {
        "PE_CORE_IMAGE": (pe_core, "visual.trunk.", partial(pe_core.image_network, DIM, **VISION)),
        "PE_CORE_TEXT": (pe_core, "text.", partial(pe_core.text_network, **TEXT)),
        "PE_AV_AUDIO": (pe_av, "audio_model.", partial(pe_av.Audio, DIM, CODEC, **SOUND)),
    }
    for name, (module, prefix, build) in small.items():
        loader: Loader = getattr(module, name)
        monkeypatch.setattr(module, name, replace(loader, build=build))
        state.setdefault(loader.weights.name, {}).update(random(build(), prefix))
    file = replace(uni3d.UNI3D_LVIS.file, size=None, name="uni3d-lvis.safetensors")  # the published file is larger
    monkeypatch.setattr(uni3d, "UNI3D_LVIS", replace(uni3d.UNI3D_LVIS, file=file))
    monkeypatch.setattr(uni3d, "build", small_points)
    monkeypatch.setattr(uni3d, "POINTS", 300)
    monkeypatch.setattr(uni3d, "CENTRES", 16)
    monkeypatch.setattr(towers, "_loaded", OrderedDict())
    state[file.name] = random(small_points(), "point_encoder.")
    for name, tensors in state.items():
        save_file(tensors, tmp_path / name)
    return load_settings(weights_dir=tmp_path, device="cpu", license="commercial")


def random(network: nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    """Random tensors, positive where they are variances."""
    return {f"{prefix}{name}": 0.1 * torch.randn(t.shape).abs() + 0.01 for name, t in network.state_dict().items()}


def contents() -> dict[Modality, list[Content]]:
    draw = np.random.default_rng(0)
    images = [draw.integers(0, 256, (40, 60, 3)).astype(np.uint8) for _ in range(3)]
    wave = Waveform(draw.normal(0, 0.1, 9_000).astype(np.float32), 16_000)
    clouds = [PointCloud(draw.normal(size=(n, 3)).astype(np.float32), None, np.zeros((0, 1, 1, 3))) for n in (50, 400)]
    return {
        Modality.TEXT: ["a dog", "two cats"],
        Modality.IMAGE: [*images],
        Modality.AUDIO: [wave],
        Modality.VIDEO: [Clip(np.stack(images[:2]), wave), Clip(np.stack(images[2:]))],
        Modality.POINT_CLOUD: [*clouds],
    }


def test_untrained_it_says_how_to_train_it(tmp_path: Path) -> None:
    settings = load_settings(weights_dir=tmp_path)
    with pytest.raises(ModelMissingError, match=r"not trained.*omnisearch train run training/recipes/") as raised:
        OmniBind.load(NAME, settings)
    assert f"{NAME}.toml --out {tmp_path / 'models' / NAME}`" in str(raised.value)
    assert RECIPE.is_file()


def test_the_recipe_trains_this_configuration() -> None:
    recipe = read_recipe(RECIPE)
    assert recipe.model == CONFIG
    assert recipe.bind is not None
    assert set(recipe.bind.anchor) == {n for n, p in CONFIG.projectors.items() if isinstance(p, IdentityConfig)}
    paired = recipe.pairs.modalities if recipe.pairs else ()
    assert set(paired) == set(CONFIG.branches)


def test_every_licence_allows_commercial_use() -> None:
    spaces = [SPACES[name] for name in CONFIG.projectors]
    assert licences.non_commercial(spaces) == []
    assert {name: SPACES[name].licence for name in CONFIG.projectors} == {
        "pe_core": "Apache-2.0",
        "pe_av": "Apache-2.0",
        "uni3d_lvis": "MIT",
    }


def test_its_files_are_those_of_four_towers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(pulling, "pull_all", lambda specs, settings, begin: asked.extend(specs))
    done = CliRunner().invoke(app, ["pull", NAME, "--license", "commercial"])
    assert done.exit_code == 0, done.output
    assert [spec.name for spec in asked] == ["pe-core-l14-336.safetensors", "pe-av-large.safetensors", "uni3d-lvis.pt"]


def test_the_plan_is_one_tower_a_modality_and_fits_a_card_of_12_gb() -> None:
    arguments = ["plan", NAME, "--device", "cuda", "--max-memory", "12GB", "--license", "commercial"]
    done = CliRunner().invoke(app, [*arguments, "--format", "jsonl"])
    assert done.exit_code == 0, done.output
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["tower"] for step in steps] == ["pe_core_text", "pe_core_image", "pe_av_audio", "uni3d_lvis"]
    assert [step["precision"] for step in steps] == ["bf16", "bf16", "fp32", "fp16"]
    assert sum(step["bytes"] for step in steps) < 8e9


def test_with_projectors_every_modality_is_unit_rows(settings: Settings) -> None:
    torch.manual_seed(1)
    fusion = Fusion(CONFIG, {name: SPACES[name].dim for name in CONFIG.projectors})
    checkpoint.write(installed.models_dir(settings) / NAME, fusion.eval())
    model = OmniBind.load(NAME, settings)
    given = contents()
    assert model.modalities == tuple(given)
    found = {modality: model.encode(modality, some, Role.QUERY) for modality, some in given.items()}
    for modality, rows in found.items():
        assert rows.shape == (len(given[modality]), DIM)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for modality in (Modality.TEXT, Modality.IMAGE):  # stay what PE-Core makes of them
        np.testing.assert_allclose(
            found[modality], encode(model.spaces["pe_core"], modality, given[modality]), atol=1e-6
        )
    frames = found[Modality.IMAGE]
    mean = frames[:2].sum(0) / np.linalg.norm(frames[:2].sum(0))
    np.testing.assert_allclose(found[Modality.VIDEO], [mean, frames[2]], atol=1e-5)
