"""Linear layers in int8: near to those in fp32, and each row by its own."""

import numpy as np
import pytest
import torch
from torch import nn

from omnisearch.config import load_settings
from omnisearch.errors import SettingsError
from omnisearch.spaces.nn.bert import Bert
from omnisearch.spaces.nn.int8 import Int8Linear, quantize
from omnisearch.spaces.placement import memory, place
from omnisearch.spaces.towers import TOWERS


def rounded(rows: np.ndarray) -> np.ndarray:
    """The formula in float64: each row as 255 steps between its largest value and its negative."""
    scale = np.abs(rows).max(axis=1, keepdims=True) / 127
    return np.round(rows / scale) * scale


@pytest.mark.parametrize("bias", [True, False])
def test_the_products_are_those_of_the_formula(bias: bool) -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(24, 8, bias=bias), torch.randn(2, 3, 24)
    expected = rounded(x.double().numpy().reshape(6, 24)) @ rounded(layer.weight.detach().double().numpy()).T
    expected = expected.reshape(2, 3, 8) + (layer.bias.detach().numpy() if bias else 0)
    found = Int8Linear(layer)(x)
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-5)


def test_a_row_of_zeros_stays_zero_and_a_loud_row_changes_no_other() -> None:
    torch.manual_seed(0)
    layer, x = Int8Linear(nn.Linear(24, 8, bias=False)), torch.randn(3, 24)
    x[1], x[2] = 0, x[2] * 1e4
    found = layer(x)
    assert not found[1].any()
    torch.testing.assert_close(found[:1], layer(x[:1]))


def test_every_linear_layer_of_a_network_is_replaced() -> None:
    network = quantize(Bert(50, 16, layers=2, heads=2, hidden=32))
    kinds = [type(module) for module in network.modules()]
    assert kinds.count(Int8Linear) == 12
    assert nn.Linear not in kinds


def test_a_tower_without_linear_layers_in_8_bits_stays_in_fp32() -> None:
    settings = load_settings(device="cpu", precision="int8")
    assert [place(TOWERS[name], settings).precision for name in ("minilm", "efficientnet")] == ["int8", "fp32"]
    with pytest.raises(SettingsError, match=r"^setting towers\.yamnet\.precision = 'int8': on cpu .* runs in fp32$"):
        place(TOWERS["yamnet"], load_settings(device="cpu", towers={"yamnet": {"precision": "int8"}}))


def test_a_card_takes_the_declared_precision_in_its_place() -> None:
    text = TOWERS["embedding_gemma_text"]
    assert place(text, load_settings(device="cuda", precision="int8")).precision == "bf16"


def test_the_memory_is_a_byte_for_each_weight_of_a_linear_layer() -> None:
    spec = TOWERS["minilm"]
    with torch.device("meta"):
        network = Bert(30_522, 384, layers=6, heads=12, hidden=1536)
    layers = [module.weight.numel() for module in network.modules() if isinstance(module, nn.Linear)]
    others = sum(parameter.numel() for parameter in network.parameters()) - sum(layers)
    assert memory(spec, place(spec, load_settings(device="cpu", precision="int8"))) == sum(layers) + 4 * others
