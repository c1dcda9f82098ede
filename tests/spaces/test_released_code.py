"""Our networks compute what the authors' released code computes, on random weights and a small scale.

UNI3D_CHECKOUT, IMAGEBIND_CHECKOUT and MICO_CHECKOUT say where that code is checked out, outside of this repository
(github.com/baaivision/Uni3D, github.com/facebookresearch/ImageBind, github.com/invictus717/MiCo). Stand-ins replace
what it imports beside torch and timm.
"""

import importlib
import importlib.util
import os
import sys
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import load_settings
from omnisearch.spaces.families import imagebind, mico
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.nn import uni3d as uni3d_net
from omnisearch.spaces.nn.fps_order import farthest
from omnisearch.spaces.nn.imagebind import Audio, Encoder, Text, Vision
from omnisearch.types import Waveform
from tests.spaces.test_farthest_points import run_kernel

TOLERANCE = 1e-5
# Not among them: "<|endoftext|>", which ends a text for the authors' tokenizer, and is a word like any other for ours.
TEXTS = ["a dog.", "", "Don't  &amp; naïve café — 東京 🐶", "a dog on a mat, " * 40, "it's 1st\n\tX_y"]


def checkout(variable: str) -> Path:
    if variable not in os.environ:
        pytest.skip(f"{variable} does not say where the authors' code is")
    return Path(os.environ[variable])


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    for member, value in members.items():
        setattr(module, member, value)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def randomise(network: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if not tensor.is_floating_point() or name.endswith(("mask", "logit_scale")):
            continue
        tensor.normal_(0, 2 * tensor[0].numel() ** -0.5 if tensor.ndim > 1 else 0.3)
        if name.endswith(
            ("norm.weight", "norm1.weight", "norm2.weight", "norm_1.weight", "norm_2.weight", "running_var")
        ):
            tensor.abs_().add_(0.5)
    return network.eval()


def report(what: str, ours: Tensor, theirs: Tensor) -> None:
    difference, size = float((ours - theirs).abs().max()), float(theirs.abs().max())
    print(f"{what}: largest difference {difference:.1e} of {size:.2f}")  # noqa: T201
    assert difference < TOLERANCE * max(size, 1)


# ---- Uni3D


@pytest.fixture
def point_encoder(monkeypatch: pytest.MonkeyPatch) -> Any:
    source = checkout("UNI3D_CHECKOUT") / "models" / "point_encoder.py"

    def sample(points: Tensor, count: int) -> Tensor:
        return torch.tensor([run_kernel(cloud.numpy(), count) for cloud in points])

    def gather(features: Tensor, chosen: Tensor) -> Tensor:
        return features.gather(2, chosen[:, None].expand(-1, features.shape[1], -1))

    kernel = SimpleNamespace(furthest_point_sample=sample, gather_operation=gather)
    stand_in(monkeypatch, "pointnet2_ops", pointnet2_utils=kernel)
    stand_in(monkeypatch, "easydict", EasyDict=dict)
    spec = importlib.util.spec_from_file_location("uni3d_point_encoder", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PointcloudEncoder


def test_uni3d(point_encoder: Any) -> None:
    torchvision_shim.install()
    import timm

    sizes = {"depth": 3, "embed_dim": 96, "num_heads": 4, "img_size": 28}
    args = SimpleNamespace(
        pc_feat_dim=96, embed_dim=40, group_size=16, num_group=24, pc_encoder_dim=512, patch_dropout=0.0
    )
    theirs = randomise(point_encoder(timm.create_model("eva_giant_patch14_560", **sizes), args))
    ours = uni3d_net.PointEncoder(uni3d_net.trunk("eva_giant_patch14_560", **sizes), 96, dim=40, near=16).eval()
    state = theirs.state_dict()
    unused = {name for name in state if name not in ours.state_dict()}
    assert {name.split(".")[1] for name in unused} == {"patch_embed", "pos_embed", "cls_token", "head"}
    ours.load_state_dict({name: tensor for name, tensor in state.items() if name not in unused}, strict=True)
    points = torch.from_numpy(np.random.default_rng(0).normal(scale=0.4, size=(3, 700, 6)).astype(np.float32))
    centres = torch.stack([cloud[farthest(cloud[:, :3].numpy(), 24), :3] for cloud in points])
    with torch.inference_mode():
        report("uni3d", ours(points, centres), theirs(points[..., :3].contiguous(), points[..., 3:].contiguous()))


def test_the_whole_uni3d_has_the_tensors_of_the_authors(point_encoder: Any) -> None:
    torchvision_shim.install()
    import timm

    args = SimpleNamespace(
        pc_feat_dim=1408, embed_dim=1024, group_size=64, num_group=512, pc_encoder_dim=512, patch_dropout=0.0
    )
    with torch.device("meta"):
        theirs = point_encoder(timm.create_model("eva_giant_patch14_560"), args)
        ours = uni3d_net.build()
    expected = shapes(theirs)
    unused = ("visual.patch_embed.", "visual.pos_embed", "visual.cls_token", "visual.head.")
    assert shapes(ours) == {name: shape for name, shape in expected.items() if not name.startswith(unused)}


def shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


# ---- ImageBind


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> Path:
    root = checkout("IMAGEBIND_CHECKOUT") / "imagebind"

    def swap(x: Tensor, pattern: str) -> Tensor:
        assert pattern in ("b l d -> l b d", "l b d -> b l d")
        return x.transpose(0, 1)

    stand_in(monkeypatch, "einops", rearrange=swap)
    stand_in(monkeypatch, "iopath")
    stand_in(monkeypatch, "iopath.common")
    stand_in(monkeypatch, "iopath.common.file_io", g_pathmgr=SimpleNamespace(open=open))
    # Its own __init__ imports what reads files, with torchaudio and pytorchvideo.
    stand_in(monkeypatch, "imagebind", __path__=[str(root)])
    torchvision_shim.install()
    return root


@pytest.fixture
def theirs(released: Path) -> Any:
    sizes: dict[str, int] = {"out_embed_dim": 24}
    for name, width in (("vision", 32), ("text", 32), ("audio", 32), ("depth", 8), ("thermal", 8), ("imu", 8)):
        sizes |= {f"{name}_embed_dim": width, f"{name}_num_blocks": width // 8, f"{name}_num_heads": width // 8}
    model = importlib.import_module("imagebind.models.imagebind_model")
    return randomise(model.ImageBindModel(**sizes))


def ours(kind: type[Encoder], theirs: nn.Module) -> Encoder:
    network = kind(24, 32, 4, 4).eval()
    state = theirs.state_dict()
    network.load_state_dict({name: state[network.name_in_file(name)] for name in network.state_dict()}, strict=True)
    return network


def test_imagebind_names(theirs: Any) -> None:
    wanted = {
        name
        for name in theirs.state_dict()
        if name.split(".")[1] in ("vision", "text", "audio") and not name.endswith(("mask", "log_logit_scale"))
    }
    taken = [kind.name_in_file(name) for kind in (Vision, Text, Audio) for name in kind(24, 32, 4, 4).state_dict()]
    assert sorted(taken) == sorted(wanted)


@pytest.mark.usefixtures("released")
def test_the_whole_imagebind_has_the_tensors_of_the_authors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "linspace", partial(torch.linspace, device="cpu"))  # they read numbers out of it
    model = importlib.import_module("imagebind.models.imagebind_model")
    with torch.device("meta"):
        expected = shapes(model.imagebind_huge(pretrained=False))
        for kind in (Vision, Text, Audio):
            network = kind()
            named = {network.name_in_file(name): shape for name, shape in shapes(network).items()}
            assert named == {name: expected[name] for name in named}


def test_imagebind_images(theirs: Any) -> None:
    pixels = torch.randn(3, 3, 224, 224)
    with torch.inference_mode():
        found = functional.normalize(ours(Vision, theirs)(pixels), dim=-1)
        report("imagebind_image", found, theirs({"vision": pixels})["vision"])


def test_imagebind_texts_and_their_tokens(theirs: Any, released: Path) -> None:
    tokenizer = importlib.import_module("imagebind.models.multimodal_preprocessors").SimpleTokenizer(
        bpe_path=str(released / "bpe" / "bpe_simple_vocab_16e6.txt.gz")
    )
    (tokens,) = imagebind.texts(load_settings())(TEXTS)
    assert torch.equal(tokens, tokenizer(TEXTS))
    with torch.inference_mode():
        expected = functional.normalize(theirs({"text": tokens})["text"], dim=-1)
    found = functional.normalize(ours(Text, theirs)(tokens).detach(), dim=-1)
    report("imagebind_text", found, expected)


def test_imagebind_sounds(theirs: Any) -> None:
    samples = np.random.default_rng(0).normal(scale=0.1, size=(2, 80_000)).astype(np.float32)
    (clips,) = imagebind.sounds(load_settings())([Waveform(row, 16_000) for row in samples])
    with torch.inference_mode():
        expected = functional.normalize(theirs({"audio": clips})["audio"], dim=-1)
        found = imagebind.listen(ours(Audio, theirs), clips)
    report("imagebind_audio", functional.normalize(found, dim=-1), expected)


# ---- MiCo


@pytest.fixture
def eva(monkeypatch: pytest.MonkeyPatch) -> Any:
    root = checkout("MICO_CHECKOUT") / "model" / "evaclip"
    stand_in(monkeypatch, "einops", rearrange=None, repeat=None)  # of rotary positions, which this network lacks
    stand_in(monkeypatch, "evaclip", __path__=[str(root)])  # its own __init__ imports every network
    torchvision_shim.install()
    module = importlib.import_module("evaclip.eva_vit_model")
    norm = partial(nn.LayerNorm, eps=1e-6)
    return partial(module.EVAVisionTransformer, patch_size=14, qkv_bias=True, use_mean_pooling=False, norm_layer=norm)


def test_mico_images_and_slices(eva: Any) -> None:
    """Their tokens are taken after the last norm; a sound's pictures are read by the same network."""
    theirs = randomise(eva(embed_dim=64, depth=2, num_heads=4, mlp_ratio=4.3637, num_classes=8))
    ours, state = mico.trunk(embed_dim=64, depth=2, num_heads=4).eval(), theirs.state_dict()
    assert {name.split(".")[0] for name in state if name not in ours.state_dict()} == {"head"}
    ours.load_state_dict({name: state[name] for name in ours.state_dict()}, strict=True)
    pixels = torch.randn(3, 3, 224, 224)
    with torch.inference_mode():
        report("mico_vision", ours(pixels), theirs(pixels, return_all_features=True)[:, 0])


def test_the_whole_mico_has_the_tensors_of_the_authors(eva: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "linspace", partial(torch.linspace, device="cpu"))  # they read numbers out of it
    with torch.device("meta"):
        theirs = eva(embed_dim=1408, depth=40, num_heads=16, mlp_ratio=4.3637, num_classes=1024)
        ours = shapes(mico.trunk())
    expected = shapes(theirs)
    assert ours == {name: shape for name, shape in expected.items() if not name.startswith("head.")}
