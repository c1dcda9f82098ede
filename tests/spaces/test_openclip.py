"""The CLIPs' towers compute what open_clip and timm do, filled by the authors' names; pictures and words alike.

ImageBind's towers of images and texts are CLIPs too.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.families import imagebind, openclip
from omnisearch.spaces.nn import pixels, torchvision_shim
from omnisearch.spaces.nn.imagebind import Text, Vision
from omnisearch.spaces.pipeline import Loader
from omnisearch.types import Content, Pixels
from tests.spaces.conftest import shaken

# Slow for its imports: open_clip's take longer than most rooms' tests, so that they wait for the first test.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("open_clip") is None, reason="open_clip is not installed"),
]

DIM = 32
VISION, TEXT = {"layers": 2, "width": 64, "head_width": 16}, {"layers": 2, "width": 64, "heads": 4}
SMALL = {"embed_dim": DIM, "vision_cfg": VISION, "text_cfg": TEXT}
TEXTS: list[Content] = ["A dog barks.", "two cats &amp; a  café", "word " * 200, ""]


@pytest.fixture(scope="module", autouse=True)
def open_clip() -> Any:
    torchvision_shim.install()
    return import_module("open_clip")


def images() -> list[Content]:
    random = np.random.default_rng(0)
    sizes = ((224, 224), (301, 500), (240, 97), (31, 64))
    return [
        np.kron(random.integers(0, 256, (h // 8, w // 8, 3)), np.ones((8, 8, 1))).astype(np.uint8) for h, w in sizes
    ]


def tower(loader: Loader, build: Callable[[], nn.Module], state: dict[str, Tensor], settings: Settings) -> Any:
    torch.save(state, settings.weights_dir / loader.weights.name)
    weights = replace(loader.weights, size=None)  # the published file is larger
    return replace(loader, weights=weights, width=DIM, build=build).load(settings, "random")


def make_dfn(open_clip: Any) -> nn.Module:
    config = open_clip.get_model_config("ViT-H-14-quickgelu")
    config["vision_cfg"] |= VISION
    config["text_cfg"] |= TEXT
    return shaken(open_clip.CLIP(**config | {"embed_dim": DIM}))


def test_dfns_towers_are_open_clips(open_clip: Any, settings: Settings) -> None:
    reference = make_dfn(open_clip)
    transform = open_clip.image_transform(
        224, is_train=False, mean=pixels.CLIP_MEAN, std=pixels.CLIP_DEVIATION, resize_mode="squash"
    )
    batch = torch.stack([transform(Image.fromarray(np.asarray(image))) for image in images()])
    with torch.inference_mode():
        seen, read = reference.encode_image(batch), reference.encode_text(open_clip.tokenize(TEXTS))
    build = partial(openclip.image_part, openclip.DFN, **SMALL)
    found = tower(openclip.DFN_H14_IMAGE, build, reference.state_dict(), settings).features(images())
    np.testing.assert_allclose(found, seen.numpy(), atol=1e-5 * seen.abs().max())
    build = partial(openclip.text_part, openclip.DFN, **SMALL)
    found = tower(openclip.DFN_H14_TEXT, build, reference.state_dict(), settings).features(TEXTS)
    np.testing.assert_allclose(found, read.numpy(), atol=1e-5 * read.abs().max())


def test_dfn_needs_quick_gelu(open_clip: Any, settings: Settings) -> None:
    state = make_dfn(open_clip).state_dict()
    right, wrong = (
        tower(openclip.DFN_H14_TEXT, partial(openclip.text_part, model, **SMALL), state, settings).features(TEXTS)
        for model in ("ViT-H-14-quickgelu", "ViT-H-14")
    )
    assert openclip.DFN == "ViT-H-14-quickgelu"
    assert np.abs(right - wrong).max() > 1e-3 * np.abs(right).max(), "the same tensors, another network"


def test_eva_es_towers_are_open_clips(open_clip: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    shape, make = {"embed_dim": 64, "depth": 2, "num_heads": 4}, timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **given: make(name, **given | shape))
    config = open_clip.get_model_config(openclip.EVA_E) | {"embed_dim": DIM}
    config["text_cfg"] |= TEXT
    del config["custom_text"]
    reference = shaken(open_clip.CustomTextCLIP(**config))
    transform = open_clip.image_transform(
        224, is_train=False, mean=pixels.CLIP_MEAN, std=pixels.CLIP_DEVIATION, resize_mode="shortest"
    )
    batch = torch.stack([transform(Image.fromarray(np.asarray(image))) for image in images()])
    with torch.inference_mode():
        seen, read = reference.encode_image(batch), reference.encode_text(open_clip.tokenize(TEXTS))
    # The authors' file has the names of open_clip's, but for the wrapping of timm's network.
    state = {name.replace("visual.trunk.", "visual."): tensor for name, tensor in reference.state_dict().items()}
    build = partial(openclip.image_part, openclip.EVA_E, embed_dim=DIM)
    found = tower(openclip.EVA_E14P_IMAGE, build, state, settings).features(images())
    np.testing.assert_allclose(found, seen.numpy(), atol=1e-5 * seen.abs().max())
    build = partial(openclip.text_part, openclip.EVA_E, embed_dim=DIM, text_cfg=TEXT)
    found = tower(openclip.EVA_E14P_TEXT, build, state, settings).features(TEXTS)
    np.testing.assert_allclose(found, read.numpy(), atol=1e-5 * read.abs().max())


def small_eva_e() -> nn.Module:
    import open_clip
    import timm

    name = open_clip.get_model_config(openclip.EVA_E)["vision_cfg"]["timm_model_name"]
    shape = {"embed_dim": 64, "depth": 2, "num_heads": 4}
    network: nn.Module = timm.create_model(name, num_classes=DIM, global_pool="token", **shape)
    return network


small_eva_18b = partial(openclip.eva, DIM, img_size=224, patch_size=14, embed_dim=64, depth=2, num_heads=4, mlp_ratio=5)


@pytest.mark.parametrize(
    ("loader", "build"), [(openclip.EVA_E14P_IMAGE, small_eva_e), (openclip.EVA_18B_IMAGE, small_eva_18b)]
)
def test_evas_images_are_filled_by_the_authors_names(
    loader: Loader, build: Callable[[], nn.Module], settings: Settings
) -> None:
    reference = shaken(build())
    state = {f"visual.{name}": tensor for name, tensor in reference.state_dict().items()}
    names = ("cls_token", "pos_embed", "patch_embed.proj.bias", "blocks.1.attn.qkv.weight", "blocks.1.attn.proj.bias")
    assert {f"visual.{name}" for name in (*names, "blocks.1.mlp.fc2.weight", "norm.weight", "head.weight")} <= set(
        state
    )
    biased = loader is openclip.EVA_E14P_IMAGE
    assert ("visual.blocks.0.attn.q_bias" in state) is ("visual.head.bias" in state) is biased
    assert ("visual.blocks.0.norm1.bias" in state) is biased, "norms of root mean square have no bias"
    filled = tower(loader, build, {**state, "logit_scale": torch.zeros(())}, settings)
    (prepared,) = loader.prepare(settings)(images())
    with torch.inference_mode():
        expected = reference(prepared).numpy()
    np.testing.assert_allclose(filled.features(images()), expected, atol=1e-5 * np.abs(expected).max())


def test_eva_18b_by_its_formula() -> None:
    """Sun et al. (2024), section 2: x + norm(attention(x)), x + norm(mlp(x)), norms of root mean square, no biases."""
    torch.manual_seed(0)
    network = shaken(small_eva_18b()).double()
    state = network.state_dict()
    pixels = torch.randn(2, 3, 224, 224, dtype=torch.float64)

    def norm(x: Tensor, name: str) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * state[f"{name}.weight"]

    x = functional.conv2d(pixels, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=14)
    x = torch.cat([state["cls_token"].expand(2, -1, -1), x.flatten(2).transpose(1, 2)], 1) + state["pos_embed"]
    for block in ("blocks.0", "blocks.1"):
        q, k, v = (x @ state[f"{block}.attn.qkv.weight"].T).view(2, 257, 3, 4, 16).permute(2, 0, 3, 1, 4)
        seen = ((q @ k.transpose(-1, -2)) / 4).softmax(-1) @ v
        seen = functional.linear(
            seen.transpose(1, 2).flatten(2), state[f"{block}.attn.proj.weight"], state[f"{block}.attn.proj.bias"]
        )
        x = x + norm(seen, f"{block}.norm1")
        hidden = functional.gelu(functional.linear(x, state[f"{block}.mlp.fc1.weight"], state[f"{block}.mlp.fc1.bias"]))
        hidden = functional.linear(hidden, state[f"{block}.mlp.fc2.weight"], state[f"{block}.mlp.fc2.bias"])
        x = x + norm(hidden, f"{block}.norm2")
    expected = norm(x[:, 0], "norm") @ state["head.weight"].T
    with torch.inference_mode():
        torch.testing.assert_close(network(pixels), expected, atol=1e-9, rtol=1e-7)


def test_eva_18b_takes_pixels_of_any_precision(settings: Settings) -> None:
    """The released code gives pixels in fp32 to a network in fp16, in which its file is."""
    state = {f"visual.{name}": tensor.half() for name, tensor in shaken(small_eva_18b()).state_dict().items()}
    fine = tower(openclip.EVA_18B_IMAGE, small_eva_18b, state, settings).features(images())
    half = settings.model_copy(update={"precision": "fp16"})
    coarse = tower(openclip.EVA_18B_IMAGE, small_eva_18b, state, half).features(images())
    assert fine.shape == coarse.shape == (4, DIM), "a row an image, and no dimension of one before it"
    cosines = (fine * coarse).sum(1) / (np.linalg.norm(fine, axis=1) * np.linalg.norm(coarse, axis=1))
    assert cosines.min() > 0.999
    assert np.abs(fine - coarse).max() > 0


def test_a_text_keeps_its_end_where_it_is_cut() -> None:
    (ids,) = openclip.tokenizer(openclip.POSITIONS)(["word " * 200, "word"])
    assert ids.shape == (2, 77)
    start, end = 49_406, 49_407
    assert ids[0, 0] == start
    assert ids[0, -1] == end
    assert ids[1, 2] == end
    assert not ids[1, 3:].any()


def test_eva_18b_reads_42_tokens_as_the_authors_of_omnibind_did(settings: Settings) -> None:
    build = partial(openclip.text_part, openclip.EVA_E, embed_dim=DIM, text_cfg=TEXT)
    state = {f"text.{name}": tensor for name, tensor in shaken(build()).state_dict().items()}
    forty = " ".join(["dog", "cat"] * 20)
    long: list[Content] = [forty, f"{forty} bird", f"{forty} red"]
    cut = tower(openclip.EVA_18B_TEXT, build, state, settings).features(long)
    np.testing.assert_allclose(cut[1], cut[0], atol=1e-6)
    whole = tower(openclip.EVA_E14P_TEXT, build, state, settings).features(long)
    np.testing.assert_allclose(whole[0], cut[0], atol=1e-6)
    assert np.abs(whole[1] - whole[2]).max() > 1e-3


def test_a_shrunken_vocabulary_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openclip, "VOCABULARY", 50_000)
    with pytest.raises(WeightsError, match="49408 words, CLIP's has 50000"):
        openclip.tokenizer(77)


@pytest.mark.parametrize(("fit", "mode"), [(pixels.crop, "shortest"), (pixels.squash, "squash")])
@pytest.mark.parametrize("shape", [(224, 224), (225, 300), (299, 227), (100, 37), (224, 449), (500, 501)])
def test_pictures_are_torchvisions(
    open_clip: Any, fit: Callable[[Pixels, int], Pixels], mode: str, shape: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    transform = open_clip.image_transform(
        224, is_train=False, mean=pixels.CLIP_MEAN, std=pixels.CLIP_DEVIATION, resize_mode=mode
    )
    found = pixels.batch([image], fit, 224, pixels.CLIP_MEAN, pixels.CLIP_DEVIATION)[0]
    torch.testing.assert_close(found, transform(Image.fromarray(image)), atol=1e-6, rtol=0)


def test_eva_18bs_pictures_are_those_of_openais_processor() -> None:
    """Which goes down where the middle begins between two pixels, and torchvision rounds."""
    processor = import_module("transformers").CLIPImageProcessorPil
    theirs = processor(size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224})
    for image in images():
        (found,) = openclip.EVA_18B_IMAGE.prepare(load_settings())([image])
        expected = theirs(Image.fromarray(np.asarray(image)), return_tensors="pt").pixel_values
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    (rounded,) = openclip.EVA_E14P_IMAGE.prepare(load_settings())(images()[1:2])
    (found,) = openclip.EVA_18B_IMAGE.prepare(load_settings())(images()[1:2])
    torch.testing.assert_close(rounded[..., :-1], found[..., 1:])


NAMES = {"transformer.resblocks": "blocks", "ln_1": "norm_1", "ln_2": "norm_2", "mlp.c_fc": "mlp.fc1"}
NAMES |= {"mlp.c_proj": "mlp.fc2", "ln_pre": "norm", "ln_post": "last_norm", "ln_final": "last_norm"}


def as_imagebind(name: str) -> str:
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return name


def test_imagebinds_images_and_texts_are_open_clips_of_a_film_of_one_frame(open_clip: Any, settings: Settings) -> None:
    """It was trained around CLIP-H's towers: a film's kernel adds up to a picture's, and norms have another epsilon."""
    config = open_clip.get_model_config("ViT-H-14") | {"embed_dim": DIM}
    config["vision_cfg"] |= VISION
    config["text_cfg"] |= TEXT
    reference = shaken(open_clip.CLIP(**config))
    for norm in (module for module in reference.modules() if isinstance(module, nn.LayerNorm)):
        norm.eps = 1e-6
    state = {as_imagebind(name): tensor for name, tensor in reference.state_dict().items()}
    vision, text = Vision(DIM, 64, 2, 4).eval(), Text(DIM, 64, 2, 4).eval()
    first = torch.randn_like(state["visual.conv1.weight"])
    made = {
        "stem.weight": torch.stack([first, state["visual.conv1.weight"] - first], 2),
        "cls_token": state["visual.class_embedding"][None, None],
        "pos_embed": state["visual.positional_embedding"][None],
        "out.weight": state["visual.proj"].T,
    }
    taken = ("visual.blocks", "visual.norm", "visual.last_norm")
    vision.load_state_dict(made | {k.removeprefix("visual."): v for k, v in state.items() if k.startswith(taken)})
    made = {
        "stem.weight": state["token_embedding.weight"],
        "pos_embed": state["positional_embedding"][None],
        "out.weight": state["text_projection"].T,
    }
    text.load_state_dict(made | {k: v for k, v in state.items() if k.startswith(("blocks", "last_norm"))})
    (pixels,), (ids,) = imagebind.images(settings)(images()), imagebind.texts(settings)(TEXTS)
    with torch.inference_mode():
        seen, read = reference.encode_image(pixels), reference.encode_text(open_clip.tokenize(TEXTS))
        torch.testing.assert_close(vision(pixels), seen, atol=1e-5 * float(seen.abs().max()), rtol=0)
        torch.testing.assert_close(text(ids), read, atol=1e-5 * float(read.abs().max()), rtol=0)
