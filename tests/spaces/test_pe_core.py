"""PE-Core's towers are open_clip's: the same tensors by name and shape, the same pictures, words and rows."""

from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.declared import modern
from omnisearch.spaces.families import pe_core
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.pipeline import Loader
from omnisearch.types import Content
from tests.spaces.conftest import shaken

torchvision_shim.install()
# Its import takes two seconds, and waits for the first test.
pytestmark = pytest.mark.skipif(find_spec("open_clip") is None, reason="open_clip is not installed")

PARAMETERS = {spec.name: spec.parameters for spec in modern.TOWERS}
DIM = 24
SHAPE = {"embed_dim": 64, "depth": 2, "num_heads": 4}
TEXT = {"text_cfg": {"width": 64, "heads": 4, "layers": 2}, "embed_dim": DIM}
TEXTS: list[Content] = ["A dog barks.", "two cats &amp; a  café", "word " * 200, ""]


def images() -> list[Content]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3)).astype(np.uint8) for size in ((336, 336), (50, 301), (700, 77))]


def filled(loader: Loader, build: Any, state: dict[str, torch.Tensor], settings: Settings) -> Any:
    save_file(state, settings.weights_dir / loader.weights.name)
    return replace(loader, width=DIM, build=build).load(settings, "random")


def published() -> dict[str, Any]:
    import open_clip

    config: dict[str, Any] = open_clip.get_model_config("PE-Core-L-14-336")
    assert config.pop("custom_text") is True
    return config


def test_the_towers_are_open_clips_tensor_by_tensor() -> None:
    import open_clip

    with torch.device("meta"):
        whole = open_clip.CustomTextCLIP(**published())
        towers = {"visual.trunk.": pe_core.image_network(), "text.": pe_core.text_network()}
    ours = {f"{part}{name}": t.shape for part, tower in towers.items() for name, t in tower.state_dict().items()}
    assert ours | {"logit_scale": torch.Size([])} == {name: t.shape for name, t in whole.state_dict().items()}
    counts = {part: sum(p.numel() for p in tower.parameters()) for part, tower in towers.items()}
    assert counts == {"visual.trunk.": PARAMETERS["pe_core_image"], "text.": PARAMETERS["pe_core_text"]}
    assert round(sum(counts.values()) / 1e6, 1) == 671.1, "Bolya et al. (2025): 0.32 and 0.35 thousand million"


def test_images_are_open_clips_and_timms(settings: Settings) -> None:
    import open_clip
    import timm

    cfg = open_clip.get_pretrained_cfg("PE-Core-L-14-336", "meta")
    transform = open_clip.image_transform(
        pe_core.SIDE,
        is_train=False,
        mean=cfg["mean"],
        std=cfg["std"],
        interpolation=cfg["interpolation"],
        resize_mode=cfg["resize_mode"],
    )
    pixels = torch.stack([transform(Image.fromarray(np.asarray(image))) for image in images()])
    (prepared,) = pe_core.PE_CORE_IMAGE.prepare(settings)(images())
    torch.testing.assert_close(prepared, pixels, atol=1e-6, rtol=0)
    name = published()["vision_cfg"]["timm_model_name"]
    reference = shaken(timm.create_model(name, num_classes=DIM, **SHAPE))
    state = {f"visual.trunk.{name}": tensor for name, tensor in reference.state_dict().items()}
    with torch.inference_mode():
        expected = reference(pixels).numpy()
    tower = filled(pe_core.PE_CORE_IMAGE, partial(pe_core.image_network, DIM, **SHAPE), state, settings)
    np.testing.assert_allclose(tower.features(images()), expected, atol=1e-5 * np.abs(expected).max())
    half = filled(
        pe_core.PE_CORE_IMAGE,
        partial(pe_core.image_network, DIM, **SHAPE),
        state,
        settings.model_copy(update={"precision": "bf16"}),
    )
    assert half.network.rope.pos_embed.dtype == torch.float32, "positions keep their precision"
    assert half.network.head.weight.dtype == torch.bfloat16
    np.testing.assert_allclose(half.features(images()), expected, atol=0.05 * np.abs(expected).max())


def test_texts_are_open_clips(settings: Settings) -> None:
    import open_clip

    words = open_clip.get_tokenizer("PE-Core-L-14-336")(TEXTS)
    (ids,) = pe_core.PE_CORE_TEXT.prepare(settings)(TEXTS)
    torch.testing.assert_close(ids, words)
    assert ids.shape == (4, 32)
    config = published()
    little = {"image_size": 32, "layers": 1, "width": 8, "head_width": 8, "patch_size": 32}
    reference = shaken(
        open_clip.CustomTextCLIP(DIM, vision_cfg=little, text_cfg=config["text_cfg"] | TEXT["text_cfg"])  # type: ignore[operator]
    )
    with torch.inference_mode():
        expected = reference.encode_text(words).numpy()
    build = partial(pe_core.text_network, **TEXT)
    tower = filled(pe_core.PE_CORE_TEXT, build, reference.state_dict(), settings)
    np.testing.assert_allclose(tower.features(TEXTS), expected, atol=1e-5 * np.abs(expected).max())


def test_a_deeper_file_is_refused(settings: Settings) -> None:
    state = {f"text.{name}": t for name, t in pe_core.text_network(**TEXT).state_dict().items()}
    state |= {name.replace("resblocks.1", "resblocks.2"): t.clone() for name, t in state.items()}
    with pytest.raises(WeightsError, match=r"text\.transformer\.resblocks has 3 layers, not 2"):
        filled(pe_core.PE_CORE_TEXT, partial(pe_core.text_network, **TEXT), state, settings)
