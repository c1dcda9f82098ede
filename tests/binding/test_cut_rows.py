"""Cut rows bind to the same vectors as full rows, where the configuration says that they do."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from omnisearch.binding.config import ModelConfig
from omnisearch.binding.cut_rows import cut, is_exact, restore
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.types import Floats, Modality
from tests.binding.test_model import AUDIO, CONFIG, IMAGE, TEXT, VIDEO, Small

ONE: Mapping[str, object] = {
    "name": "one",
    "licence": "none",
    "dim": 16,
    "widths": [8, 4],
    "projectors": {"one": {"kind": "identity"}},
    "branches": {part: [{"parts": {"one": 1.0}}] for part in (TEXT, IMAGE, AUDIO)},
    "routers": {part: {"kind": "fixed", "factors": [1.0]} for part in (TEXT, IMAGE, AUDIO)},
    "centred": [TEXT, IMAGE],
    "video": {"image": 0.7, "audio": 0.3},
}


def drawn(n: int) -> Floats:
    return np.random.default_rng(n).normal(size=(n, 16)).astype(np.float32)


@pytest.mark.parametrize("dim", [8, 4])
@pytest.mark.parametrize("modality", [TEXT, IMAGE, AUDIO, VIDEO])
def test_restored_rows_bind_like_full_rows(modality: Modality, dim: int) -> None:
    fusion = Fusion(ModelConfig.model_validate(ONE), {"one": 16})
    for mean in fusion.means.values():
        mean.copy_(torch.from_numpy(drawn(1)[0] / 8))
    model = OmniBind(fusion, {"one": Small("one", {})}, "", {}, dim=dim)
    heard = drawn(5)
    heard[2] *= modality is not VIDEO  # a video without sound
    whole = {("one", TEXT): drawn(7), ("one", IMAGE): drawn(5), ("one", AUDIO): heard}
    short = {key: restore(cut(rows, dim), 16) for key, rows in whole.items()}
    np.testing.assert_allclose(model.bind(modality, short), model.bind(modality, whole), atol=1e-6)
    for name, rows in model.decompose(modality, whole).items():
        np.testing.assert_allclose(model.decompose(modality, short)[name], rows, atol=1e-6)


def test_rows_that_a_router_or_a_projector_reads_are_kept_whole() -> None:
    both = ModelConfig.model_validate(CONFIG)
    assert {part: is_exact(both, part) for part in both.branches} == {TEXT: False, IMAGE: False, AUDIO: True}
    assert all(is_exact(ModelConfig.model_validate(ONE), part) for part in (TEXT, IMAGE, AUDIO))
    routed = {**ONE, "routers": {p: {"kind": "learned", "inputs": ["one"]} for p in (TEXT, IMAGE, AUDIO)}}
    projected = {**ONE, "projectors": {"one": {"kind": "linear"}}}
    assert not any(is_exact(ModelConfig.model_validate(other), TEXT) for other in (routed, projected))


def test_a_model_binds_from_its_own_and_larger_widths() -> None:
    spaces = {"one": Small("one", {})}
    spaces["one"].spec = replace(spaces["one"].spec, dim=16)
    fusion = Fusion(ModelConfig.model_validate(ONE), {"one": 16})
    widths = {dim: OmniBind(fusion, spaces, "", {}, dim=dim).stored_widths("one", TEXT) for dim in (4, 8, 16)}
    assert widths == {4: [4, 8, 16], 8: [8, 16], 16: [16]}
