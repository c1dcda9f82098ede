"""The size at which pictures are decoded is that of the largest image tower of the model."""

from pathlib import Path

import pytest

from omnisearch.binding.picture_side import picture_side
from omnisearch.config import load_settings
from omnisearch.spaces.families import efficientnet, openclip, pe_core, siglip
from omnisearch.spaces.nn import imagebind
from omnisearch.spaces.towers import TOWERS


@pytest.mark.parametrize(
    ("model", "side"), [("mini", efficientnet.SIDE), ("omnibind-large", siglip.SIDE), ("no such model", None)]
)
def test_the_largest_tower_decides(model: str, side: int | None) -> None:
    assert picture_side(load_settings(model=model)) == side


def test_a_tower_of_any_size_keeps_all_pixels(hashed_model: Path) -> None:
    assert picture_side(load_settings(model=str(hashed_model))) is None


def test_towers_declare_the_side_that_they_read() -> None:
    declared = {
        "efficientnet": efficientnet.SIDE,
        "dfn_h14_image": openclip.SIDE,
        "eva_e14p_image": openclip.SIDE,
        "eva_18b_image": openclip.SIDE,
        "siglip_l_image": siglip.SIDE,
        "siglip_so400m_image": siglip.SIDE,
        "imagebind_image": imagebind.SIDE,
        "pe_core_image": pe_core.SIDE,
        "mico_vision": 224,
    }
    assert {name: spec.side for name, spec in TOWERS.items() if spec.side} == declared
