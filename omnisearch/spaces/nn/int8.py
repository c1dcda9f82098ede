"""Linear layers in int8, for CPUs: weights are rounded once, inputs for each row while the network runs.

Source: Dettmers et al., "LLM.int8()" (2022), section 2.2, vector-wise quantization. For an input row x and a row w of
the weight, with s(v) = max |v| / 127:

    x w ~ s(x) s(w) round(x / s(x)) . round(w / s(w))
"""

import torch
from torch import Tensor, nn

_LARGEST = 127


class Int8Linear(nn.Module):
    """A linear layer whose products are of 8-bit integers; its input and output are floating-point."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight: Tensor
        self.scale: Tensor
        rounded, scale = _rounded(layer.weight.detach())
        self.register_buffer("weight", rounded)
        self.register_buffer("scale", scale.T)  # (1, outputs)
        self.bias = layer.bias

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        rows, scale = _rounded(x.flatten(0, -2))
        products = torch._int_mm(rows, self.weight.T)  # int32 (n, outputs)
        outputs: Tensor = products * (scale * self.scale)
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs.to(x.dtype).reshape(*x.shape[:-1], -1)


def _rounded(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows (n, m) as int8, and the number by which each is multiplied to restore it, (n, 1)."""
    scale = rows.abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(rows.dtype).tiny) / _LARGEST
    return (rows / scale).round().to(torch.int8), scale


def quantize(network: nn.Module) -> nn.Module:
    """Replace the linear layers of a network by 8-bit ones, in place, and return it."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, Int8Linear(child))
    return network
