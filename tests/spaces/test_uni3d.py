"""Uni3D: what goes into its network, how the network reads it, and how its file is read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError, WeightsError
from omnisearch.spaces.families import uni3d
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.nn import uni3d as uni3d_net
from omnisearch.spaces.towers import TOWERS
from omnisearch.types import Floats, PointCloud

NO_VIEWS = np.zeros((0, 1, 1, 3), np.uint8)
CPU = torch.device("cpu")
UNUSED = ("patch_embed.", "pos_embed", "cls_token", "head.")


def cloud(points: Floats, colors: Floats | None = None) -> PointCloud:
    return PointCloud(points.astype(np.float32), colors, NO_VIEWS)


def clouds(*counts: int) -> list[PointCloud]:
    random = np.random.default_rng(0)
    return [cloud(random.normal(size=(n, 3)), random.random((n, 3), np.float32)) for n in counts]


def randomise(network: nn.Module) -> nn.Module:
    """Give every tensor values that matter: the initial biases are zeros and the initial norms do nothing."""
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.normal_(0, 2 * tensor[0].numel() ** -0.5 if tensor.ndim > 1 else 0.2)
            if "norm" in name or "var" in name or name.endswith("conv.1.weight"):
                tensor.abs_().add_(0.5)
    return network.eval()


def small() -> uni3d_net.PointEncoder:
    width = {"depth": 2, "embed_dim": 64, "num_heads": 4, "img_size": 28}
    network = uni3d_net.PointEncoder(uni3d_net.trunk("eva_giant_patch14_560", **width), 64, dim=1024, near=8)
    randomise(network)
    return network


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer points and patches, so that a tower answers at once."""
    monkeypatch.setattr(uni3d, "POINTS", 300)
    monkeypatch.setattr(uni3d, "CENTRES", 16)
    torch.set_num_threads(1)


def test_uni3d_b_is_eva02_base_over_the_same_patches() -> None:
    """88.4 million parameters in the paper's table, with what its trunk does not use."""
    torchvision_shim.install()
    import timm

    with torch.device("meta"):
        ours, whole = uni3d_net.build_base(), timm.create_model("eva02_base_patch14_448", pretrained=False)
    used = sum(p.numel() for p in ours.parameters())
    assert TOWERS["uni3d_b"].parameters == used
    unused = sum(p.numel() for name, p in whole.named_parameters() if name.startswith(UNUSED[:3]))
    assert round((used + unused) / 1e6) == 88
    assert (ours.encoder2trans.out_features, ours.trans2embed.in_features) == (768, 768)


def test_uni3d_b_reads_its_patches_as_the_authors_formula_says(few: None) -> None:
    """Tokens of the patches and of their centres, through the blocks of EVA-02 without rotary positions."""
    shape = {"depth": 2, "embed_dim": 64, "num_heads": 4, "img_size": 28}
    network = uni3d_net.PointEncoder(uni3d_net.trunk("eva02_base_patch14_448", **shape), 64, dim=1024, near=8)
    randomise(network)
    points = torch.from_numpy(uni3d.prepare(clouds(300)[0]))[None]
    centres = points[:, :16, :3]
    with torch.inference_mode():
        near = torch.cdist(centres, points[..., :3]).topk(8, largest=False).indices[0]
        patches = points[0][near] - torch.nn.functional.pad(centres[0], (0, 3))[:, None]  # (16, 8, 6)
        first = network.encoder.first_conv(patches.transpose(1, 2))
        joined = torch.cat([first.amax(2, keepdim=True).expand_as(first), first], 1)
        tokens = network.encoder2trans(network.encoder.second_conv(joined).amax(2))
        x = torch.cat([network.cls_token[0], tokens]) + torch.cat([network.cls_pos[0], network.pos_embed(centres[0])])
        x = x[None]
        for block in network.visual["blocks"].children():
            y = block.norm1(x)
            q, k, v = (getattr(block.attn, f"{n}_proj")(y).view(1, 17, 4, 16).transpose(1, 2) for n in "qkv")
            mixed = (q @ k.transpose(2, 3) / 4).softmax(-1) @ v
            x = x + block.attn.proj(block.attn.norm(mixed.transpose(1, 2).reshape(1, 17, 64)))
            y = block.norm2(x)
            gate = torch.nn.functional.silu(block.mlp.fc1_g(y)) * block.mlp.fc1_x(y)
            x = x + block.mlp.fc2(block.mlp.norm(gate))
        expected = network.trans2embed(network.visual["fc_norm"](x[:, 0]))
        found = network(points, centres)
    torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=0)


def test_the_network_has_as_many_parameters_as_the_paper_and_the_file_say() -> None:
    torchvision_shim.install()
    import timm

    with torch.device("meta"):
        ours = uni3d_net.build()
        whole = timm.create_model("eva_giant_patch14_560", pretrained=False)
    used = sum(p.numel() for p in ours.parameters())
    assert (uni3d.POINTS, uni3d.CENTRES, ours.near) == (10_000, 512, 64), "which no parameter shows"
    assert {TOWERS[name].parameters for name in ("uni3d_lvis", "uni3d_mnet", "uni3d_scan")} == {used}
    unused = 1 + sum(p.numel() for name, p in whole.named_parameters() if name.startswith(UNUSED))
    assert round((used + unused) / 1e6, 2) == 1017.36
    # Two bytes each, and below a quarter of a megabyte around them.
    assert 0 < 2_034_909_361 - 2 * (used + unused) < 250_000


@pytest.mark.usefixtures("few")
def test_a_row_depends_on_its_object_alone() -> None:
    tower = uni3d.Uni3D("uni3d_lvis", small(), CPU, "random")
    objects = clouds(300, 20, 1000, 300, 299, 301)
    together = tower.features(objects)
    assert together.shape == (6, 1024)
    assert together.dtype == np.float32
    scale = np.abs(together).max()
    alone = np.concatenate([tower.features([one]) for one in objects])
    np.testing.assert_allclose(alone, together, atol=1e-5 * scale)
    assert np.abs(together[0] - together[3]).max() > 1e-2 * scale
    assert tower.features([]).shape == (0, 1024)


@pytest.mark.usefixtures("few")
def test_the_order_of_points_after_the_first_does_not_matter() -> None:
    """The first point is the first centre; the others are found from it, and a patch is a set."""
    tower = uni3d.Uni3D("uni3d_lvis", small(), CPU, "random")
    one = clouds(300)[0]
    order = np.concatenate([[0], 1 + np.random.default_rng(1).permutation(299)])
    assert one.colors is not None
    rows = tower.features([one, cloud(one.points[order], one.colors[order]), cloud(one.points[::-1], one.colors[::-1])])
    scale = np.abs(rows).max()
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-4 * scale)
    assert np.abs(rows[2] - rows[0]).max() > 1e-3 * scale


@pytest.mark.usefixtures("few")
def test_colours_matter_and_size_and_place_do_not() -> None:
    tower = uni3d.Uni3D("uni3d_lvis", small(), CPU, "random")
    one = clouds(300)[0]
    assert one.colors is not None
    rows = tower.features([one, cloud(one.points * 7 + 2, one.colors), cloud(one.points, 1 - one.colors)])
    scale = np.abs(rows).max()
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-3 * scale)
    assert np.abs(rows[2] - rows[0]).max() > 1e-2 * scale


def test_points_are_centred_in_the_unit_ball_with_y_up() -> None:
    points = np.random.default_rng(0).random((10_000, 3)) * [1, 8, 2] + 5  # tall: y is its longest side
    found = uni3d.prepare(cloud(points))
    assert found.shape == (10_000, 6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, :3].mean(0), 0, atol=1e-5)
    assert np.linalg.norm(found[:, :3], axis=1).max() == pytest.approx(1, abs=1e-5)
    centred = points - points.mean(0)
    np.testing.assert_allclose(found[:, :3], centred / np.linalg.norm(centred, axis=1).max(), atol=1e-5)


def test_missing_colours_are_grey() -> None:
    assert (uni3d.prepare(cloud(np.random.default_rng(0).normal(size=(10_000, 3))))[:, 3:] == np.float32(0.4)).all()


@pytest.mark.parametrize("count", [10, 9_999, 10_001, 30_000])
def test_there_are_always_10000_points_and_always_the_same(count: int) -> None:
    points = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    colors = (points - points.min()) / np.ptp(points)  # each point can be told by its colour
    first, again = (uni3d.prepare(cloud(points, colors)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    kept = {row.tobytes() for row in first[:, 3:]}
    assert len(kept) == min(count, 10_000), "none is taken twice while another is left out"
    assert kept <= {row.tobytes() for row in colors}


def test_coinciding_points_are_no_division_by_zero() -> None:
    assert (uni3d.prepare(cloud(np.full((10, 3), 0.3)))[:, :3] == 0).all()


def saved(path: Path, **changes: Tensor | None) -> nn.Module:
    """Write a checkpoint as DeepSpeed does, in half precision, with what the network does not use."""
    network = small().half()
    state: dict[str, Tensor | None] = {f"point_encoder.{name}": t for name, t in network.state_dict().items()}
    state |= {"logit_scale": torch.tensor(2.0), "point_encoder.visual.patch_embed.proj.bias": torch.zeros(64)}
    state |= {name.replace("__", "."): tensor for name, tensor in changes.items()}
    module = {name: tensor for name, tensor in state.items() if tensor is not None}
    torch.save({"module": module, "global_steps": 7, "ds_config": {"fp16": True}, "buffer_names": {"a"}}, path)
    return network


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    from dataclasses import replace

    def meta() -> uni3d_net.PointEncoder:
        width = {"depth": 2, "embed_dim": 64, "num_heads": 4, "img_size": 28}
        return uni3d_net.PointEncoder(uni3d_net.trunk("eva_giant_patch14_560", **width), 64, dim=1024, near=8)

    monkeypatch.setattr(uni3d, "build", meta)
    monkeypatch.setattr(
        uni3d, "UNI3D_LVIS", replace(uni3d.UNI3D_LVIS, file=replace(uni3d.UNI3D_LVIS.file, size=None, sha256=None))
    )
    return load_settings(weights_dir=tmp_path, device="cpu")


@pytest.mark.usefixtures("few")
def test_a_file_in_half_precision_answers_as_the_network_it_holds(settings: Settings) -> None:
    network = saved(settings.weights_dir / uni3d.UNI3D_LVIS.file.name).float()
    tower = uni3d.UNI3D_LVIS.load(settings, "fingerprint")
    assert (tower.name, tower.fingerprint) == ("uni3d_lvis", "fingerprint")
    expected = uni3d.Uni3D("uni3d_lvis", network, CPU, "").features(clouds(300))  # type: ignore[arg-type]
    np.testing.assert_allclose(tower.features(clouds(300)), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_changes_rows_a_little_and_neighbours_not_at_all(settings: Settings, precision: str) -> None:
    saved(settings.weights_dir / uni3d.UNI3D_LVIS.file.name)
    fine, coarse = (
        uni3d.UNI3D_LVIS.load(settings.model_copy(update={"precision": kind}), "").features(clouds(300, 250))
        for kind in ("fp32", precision)
    )
    assert coarse.dtype == np.float32
    lengths = np.linalg.norm(fine, axis=1) * np.linalg.norm(coarse, axis=1)
    assert ((fine * coarse).sum(1) / lengths).min() > 0.999
    assert np.abs(fine - coarse).max() > 0


def test_every_tensor_that_is_missing_or_misshapen_is_named(settings: Settings) -> None:
    gone, bent = "point_encoder__cls_pos", "point_encoder__trans2embed__bias"
    saved(settings.weights_dir / uni3d.UNI3D_LVIS.file.name, **{gone: None})
    with pytest.raises(WeightsError, match="cls_pos"):
        uni3d.UNI3D_LVIS.load(settings, "")
    saved(settings.weights_dir / uni3d.UNI3D_LVIS.file.name, **{bent: torch.zeros(3)})
    with pytest.raises(WeightsError, match=r"trans2embed\.bias"):
        uni3d.UNI3D_LVIS.load(settings, "")


def test_a_file_that_is_not_here_is_named(settings: Settings) -> None:
    with pytest.raises(ModelMissingError, match=f"omnisearch models pull {uni3d.UNI3D_SCAN.file.name}"):
        uni3d.UNI3D_SCAN.load(settings, "")
