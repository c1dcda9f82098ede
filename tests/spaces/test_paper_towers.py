"""The towers of the paper's spaces: architectures of the right sizes, filled from files of the authors' layouts."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError, NotReadyError, WeightsError
from omnisearch.spaces import optional_packages
from omnisearch.spaces.declared import paper
from omnisearch.spaces.pipeline import Loader
from omnisearch.spaces.weights import tensors

LOADERS: dict[str, Loader] = {}
for _spec in paper.TOWERS:
    _module, _, _member = _spec.target.partition(":")
    if "uni3d" not in _module and "imagebind" not in _module:
        LOADERS[_spec.name] = getattr(import_module(_module), _member)
SPECS = {spec.name: spec for spec in paper.TOWERS}
# Millions of parameters as the papers' checkpoints have them: texts, then images or sounds with their projection.
MILLIONS = {
    "clap_g": (125.3, 28.2),
    "clap_m": (125.3, 68.6),
    "wavcaps_pt": (110.7, 29.4),
    "wavcaps_aud": (110.7, 29.4),
    "wavcaps_clo": (110.7, 29.4),
    "dfn_h14": (354.0, 632.1),
    "eva_e14p": (694.3, 4350.6),
    "siglip_l": (336.2, 316.3),
    "siglip_so400m": (449.7, 428.2),
    "eva_18b": (695.0, 17630.5),
}


@pytest.mark.parametrize("name", LOADERS)
def test_a_loader_is_what_its_declaration_says(name: str) -> None:
    spec, loader = SPECS[name], LOADERS[name]
    assert (loader.name, loader.width) == (spec.name, spec.width)
    assert loader.weights == spec.weights[0]
    space, _, other = name.rpartition("_")
    assert round(spec.parameters / 1e6, 1) == MILLIONS[space][other != "text"]


@pytest.mark.slow
@pytest.mark.parametrize("name", LOADERS)
def test_an_architecture_has_the_published_number_of_parameters(name: str) -> None:
    with torch.device("meta"):
        network = LOADERS[name].build()
    assert sum(parameter.numel() for parameter in network.parameters()) == SPECS[name].parameters
    assert all(parameter.is_meta for parameter in network.parameters())


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_file_is_named_before_anything_is_built(name: str, tmp_path: Path) -> None:
    loader = replace(LOADERS[name], build=lambda: pytest.fail("built without weights"))
    with pytest.raises(ModelMissingError, match="omnisearch models pull"):
        loader.load(load_settings(weights_dir=tmp_path), "none")


class Toy(nn.Module):
    """A network with all kinds of tensors that a file may or may not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.value = nn.Linear(2, 3), nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("mask", torch.ones(2, 2), persistent=False)
        self.register_buffer("ids", torch.ones(2, dtype=torch.long))

    def forward(self, x: Tensor) -> Tensor:
        """Return something that needs every tensor."""
        result: Tensor = self.norm(self.query(x) + self.value(x @ self.mask)) + self.ids.sum()
        return result


def toy_name(name: str) -> str | tensors.TensorPart | None:
    kind, _, rest = name.partition(".")
    if kind in ("query", "value"):
        return tensors.TensorPart(f"net.qkv.{rest}", ("query", "key", "value").index(kind), 3)
    return None if name == "ids" else f"net.{name}"


def toy_loader() -> Loader:
    from omnisearch.spaces.weights.paper_files import CLAP_G

    def prepare(settings: Settings) -> Any:
        return lambda contents: (torch.tensor([[float(c), 1.0] for c in contents]),)

    constants = {"mask": lambda m: torch.ones(m.shape), "ids": lambda i: torch.zeros(i.shape, dtype=torch.long)}
    return Loader(
        "toy", 3, replace(CLAP_G, size=None), Toy, toy_name, prepare, lambda network, x: network(x), 2, constants
    )


def toy_state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    norm = {f"net.norm.{name}": tensor + 1 for name, tensor in nn.BatchNorm1d(3).state_dict().items()}
    return {"net.qkv.weight": torch.randn(9, 2), "net.qkv.bias": torch.randn(9), **norm, "unused": torch.zeros(1)}


def test_a_tower_takes_the_pieces_of_its_file_and_makes_what_no_file_holds(tmp_path: Path) -> None:
    state = toy_state()
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "clap-630k-fusion.pt", pickle_protocol=4)
    tower = toy_loader().load(load_settings(weights_dir=tmp_path, device="cpu"), "print")
    contents: list[Any] = [0.5, -1.0, 2.0]
    x = torch.tensor([[float(c), 1.0] for c in contents])
    mixed = x.sum(1, keepdim=True).expand(-1, 2)  # a mask of ones
    weight, bias = state["net.qkv.weight"], state["net.qkv.bias"]
    y = x @ weight[:3].T + bias[:3] + mixed @ weight[6:].T + bias[6:]
    expected = (y - 1) / (2 + 1e-5) ** 0.5 * 2 + 1  # mean 1, variance 2, weight 2, bias 1
    found = tower.features(contents)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    assert tower.features([]).shape == (0, 3)


def test_every_tensor_that_does_not_fit_is_named(tmp_path: Path) -> None:
    state = toy_state()
    del state["net.norm.weight"]
    state["net.qkv.bias"] = torch.zeros(6)
    torch.save(state, tmp_path / "clap-630k-fusion.pt")
    with pytest.raises(WeightsError) as caught:
        toy_loader().load(load_settings(weights_dir=tmp_path, device="cpu"), "print")
    said = str(caught.value)
    assert "clap-630k-fusion.pt does not fit Toy" in said
    assert "net.norm.weight is missing, not (3,)" in said
    assert "net.qkv.bias is (6,), not (9,)" in said
    assert "net.qkv.weight" not in said


def test_a_package_that_is_not_installed_is_an_error_that_names_the_extra() -> None:
    with pytest.raises(
        NotReadyError, match=r"no_such_package is not installed: run `pip install 'omnisearch\[paper\]'`"
    ):
        optional_packages.need("no_such_package", "paper")
