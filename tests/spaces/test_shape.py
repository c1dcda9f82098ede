"""The shape network: what it says depends on the points of one object, on all of them, and on nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError, WeightsError
from omnisearch.spaces.base import encode
from omnisearch.spaces.families.points import POINTS
from omnisearch.spaces.head import Head
from omnisearch.spaces.nn import point_network as shape_net
from omnisearch.spaces.nn.point_network import Neighbourhoods, ShapeNet
from omnisearch.spaces.registry import load_space
from omnisearch.types import Floats, Modality, PointCloud

CLOUD = Modality.POINT_CLOUD


def make_net(points: int = 128, channels: tuple[int, ...] = (8, 16)) -> ShapeNet:
    torch.manual_seed(0)
    return ShapeNet(384, points, channels, dropout=0.5).eval()


def make_cloud(seed: int, colored: bool = True, count: int = 2000) -> PointCloud:
    random = np.random.default_rng(seed)
    points = random.uniform(-0.5, 0.5, (count, 3)).astype(np.float32)
    colors = random.random((count, 3), np.float32) if colored else None
    return PointCloud(points, colors, np.zeros((0, 1, 1, 3), np.uint8))


def make_rows(count: int) -> torch.Tensor:
    return torch.randn(count, POINTS * 6, generator=torch.Generator().manual_seed(0)) / 2


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("omnisearch.spaces.weights.spec.PACKAGE", tmp_path)
    return tmp_path / "spaces" / "heads" / "shape.safetensors"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path / "weights")


def test_the_order_of_points_does_not_matter(package: Path, settings: Settings) -> None:
    make_net().save(package)
    cloud = make_cloud(0)
    shuffled = np.random.default_rng(1).permutation(len(cloud.points))
    assert cloud.colors is not None
    same = PointCloud(cloud.points[shuffled], cloud.colors[shuffled], cloud.views)
    space = load_space("shape", settings)
    np.testing.assert_array_equal(encode(space, CLOUD, [cloud]), encode(space, CLOUD, [same]))


def test_colors_are_welcome_but_not_needed(package: Path, settings: Settings) -> None:
    make_net().save(package)
    space = load_space("shape", settings)
    plain, colored = make_cloud(0, colored=False), make_cloud(0)
    rows = encode(space, CLOUD, [plain, colored, make_cloud(0, colored=False)])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[0], rows[2])
    assert np.abs(rows[0] - rows[1]).max() > 1e-4


@pytest.mark.parametrize("block", [1, 3, 16])
def test_an_embedding_does_not_depend_on_its_batch(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net, rows = make_net(), make_rows(7)
    with torch.inference_mode():
        together = net(rows)
        monkeypatch.setattr(shape_net, "BLOCK", block)
        torch.testing.assert_close(net(rows.flip(0)).flip(0), together, rtol=0, atol=1e-6)
        assert net(rows[:0]).shape == (0, 384)


def test_neighbourhoods_are_an_edge_convolution() -> None:
    """Computed per edge in float64: the linear map of f_j and p_j - p_i, its greatest over the k nearest."""
    torch.manual_seed(0)
    layer = Neighbourhoods(inputs=4, outputs=5, centres=6, near=3).double()
    places, features = torch.randn(2, 10, 3).double(), torch.randn(2, 10, 4).double()
    centres, found = layer(places, features)
    torch.testing.assert_close(centres, places[:, :6])
    for b in range(2):
        for i in range(6):
            nearest = sorted(range(10), key=lambda j: float((places[b, j] - places[b, i]).norm()))[:3]
            offsets = (places[b, nearest] - places[b, i]) * 6**0.5 / 2
            edges = features[b, nearest] @ layer.heard.weight.T + layer.heard.bias + offsets @ layer.place.weight.T
            x = edges.amax(0) + layer.own(features[b, i])
            wanted = torch.nn.functional.gelu(layer.norm(x + layer.inner(x)))
            torch.testing.assert_close(found[b, i], wanted)


def test_only_the_points_looked_at_count() -> None:
    net, rows = make_net(points=128), make_rows(2)
    other = rows.clone()
    other[:, 128 * 6 :] = 0
    torch.testing.assert_close(net(rows), net(other), rtol=0, atol=0)
    other[:, 127 * 6] += 0.3
    assert not torch.equal(net(rows), net(other))


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    net, rows = make_net(), make_rows(3)
    net.save(tmp_path / "s.safetensors", {"trained_on": "nothing"})
    loaded = ShapeNet.load(tmp_path / "s.safetensors")
    assert not loaded.training
    torch.testing.assert_close(loaded(rows), net(rows), rtol=0, atol=0)


def test_a_file_of_another_kind_is_refused(tmp_path: Path, package: Path, settings: Settings) -> None:
    Head(20, 384).save(tmp_path / "h.safetensors")
    with pytest.raises(WeightsError, match=r"h\.safetensors is of format"):
        ShapeNet.load(tmp_path / "h.safetensors")
    torch.manual_seed(0)
    ShapeNet(7, 128, (8,)).save(package)
    with pytest.raises(WeightsError, match="to 7 numbers; the space shape needs"):
        load_space("shape", settings).project(CLOUD, make_rows(1).numpy())


def test_without_its_file_it_says_so(package: Path, settings: Settings) -> None:
    rows: Floats = make_rows(1).numpy()
    with pytest.raises(ModelMissingError, match="shape-head"):
        load_space("shape", settings).project(CLOUD, rows)
