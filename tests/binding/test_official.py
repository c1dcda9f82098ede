"""The published models over the released layout: each formula, and what the released code gets wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from omnisearch.binding.fusion import Fusion
from omnisearch.binding.official import FULL, IMAGEBIND, OFFICIAL, WIDTHS, Official
from omnisearch.binding.official_checkpoint import convert
from omnisearch.spaces.registry import SPACES
from omnisearch.types import Modality
from tests.binding.released import AUDIO, IMAGE, LISTS, MODELS, PARTS, POINTS, TEXT, Formulas, random, rows

SMALL = [replace(model, dim=16, hidden=8) for model in MODELS]
PAIRS = [pytest.param(model, part, id=f"{model.name}-{part}") for model in SMALL for part in PARTS]


def bound(official: Official, state: dict[str, torch.Tensor] | None = None) -> Fusion:
    return convert(state or random(official), official).requires_grad_(False)


def disturbed(state: dict[str, torch.Tensor], heads: range) -> dict[str, torch.Tensor]:
    wanted = tuple(f"projs.{head}." for head in heads)
    return {k: v + 1 if k.startswith(wanted) else v for k, v in state.items()}


@pytest.mark.parametrize(("official", "part"), PAIRS)
@pytest.mark.parametrize("folded", [False, True], ids=["as-trained", "folded"])
def test_embeddings_are_those_of_the_formulas(official: Official, part: Modality, folded: bool) -> None:
    state, x = random(official), rows(official, 4)
    fusion = bound(official, state)
    found = (fusion.fold() if folded else fusion)(part, x).numpy()
    assert found.shape == (4, official.dim)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found, Formulas(official, state).embed(part, x), atol=1e-5)


@pytest.mark.parametrize(("official", "part"), PAIRS)
def test_rows_do_not_depend_on_their_batch(official: Official, part: Modality) -> None:
    """The released constructors leave batch norms in training mode."""
    fusion, x = bound(official).fold(), rows(official, 5)
    alone = [fusion(part, {space: each[i : i + 1] for space, each in x.items()}) for i in range(5)]
    torch.testing.assert_close(torch.cat(alone), fusion(part, x), atol=1e-6, rtol=0)


@pytest.mark.parametrize("official", SMALL, ids=lambda model: model.name)
def test_only_imagebind_s_share_of_images_and_texts_has_length_one(official: Official) -> None:
    fusion, x = bound(official), rows(official, 6)
    for part in PARTS:
        lengths = fusion.branches(part, x).norm(dim=-1)
        unit = torch.ones(6)
        ordinary = lengths if part in (AUDIO, POINTS) else lengths[:, :-1]
        assert (ordinary < 0.99).all()
        if part in (TEXT, IMAGE):
            torch.testing.assert_close(lengths[:, -1], unit)


@pytest.mark.parametrize("official", SMALL, ids=lambda model: model.name)
def test_points_read_the_heads_after_those_of_sounds_and_images(official: Official) -> None:
    """The released code starts at 42 in Full: at EVA02-CLIP-E+ and the SigLIPs."""
    state, x = random(official), rows(official, 3)
    before = bound(official, state)(POINTS, x)
    first = 28 if official.name == "omnibind-base" else 63
    torch.testing.assert_close(bound(official, disturbed(state, range(first)))(POINTS, x), before)
    for head in range(first, 7 * len(LISTS[official.name]), 7):
        assert not torch.allclose(bound(official, disturbed(state, range(head, head + 1)))(POINTS, x), before), head


def test_base_s_only_branch_of_points_counts_fully() -> None:
    factors = bound(SMALL[0]).factors(POINTS, rows(SMALL[0], 5))
    torch.testing.assert_close(factors, torch.ones(5, 1))


@pytest.mark.parametrize(("official", "part"), PAIRS)
def test_only_texts_sharpen_their_factors(official: Official, part: Modality) -> None:
    """softmax(10 sigmoid) for texts, softmax(sigmoid) for all else: between those, no ratio above e."""
    state = random(official)
    last = f"{ {TEXT: 'T', IMAGE: 'V', AUDIO: 'A', POINTS: 'P'}[part] }_enc_router.router.6.weight"
    # Every sigmoid near 0 or 1.
    factors = bound(official, {**state, last: 100 * state[last]}).factors(part, rows(official, 50))
    widest = (factors.amax(dim=1) / factors.amin(dim=1)).max()
    assert widest > np.exp(9) if part is TEXT else widest <= np.e * 1.0001


@pytest.mark.parametrize(
    ("official", "sight"),
    [(SMALL[0], "eva_e14p"), (SMALL[1], "siglip_so400m"), (SMALL[2], "siglip_so400m")],
    ids=lambda each: getattr(each, "name", each),
)
def test_a_router_reads_one_space_and_that_of_texts_three(official: Official, sight: str) -> None:
    reads = {
        AUDIO: ("wavcaps_pt",),
        IMAGE: (sight,),
        POINTS: ("uni3d_lvis",),
        TEXT: ("wavcaps_pt", sight, "uni3d_lvis"),
    }
    assert {part: official.config.routers[part].inputs for part in PARTS} == reads  # type: ignore[union-attr]


def test_full_sees_images_without_uni3d() -> None:
    vision = ("dfn_h14", "eva_e14p", "siglip_l", "siglip_so400m")
    assert FULL.config.spaces(IMAGE) == (*vision, "imagebind", "eva_18b")


def test_full_adds_imagebind_to_its_anchor_before_scaling() -> None:
    official = SMALL[2]
    fusion, x = bound(official), rows(official, 4)
    heads = fusion.projectors[IMAGEBIND](x[IMAGEBIND])
    wanted = torch.nn.functional.normalize(0.1 * heads + 0.9 * x["eva_18b"], dim=-1)
    torch.testing.assert_close(fusion.branches(IMAGE, x)[:, -1], wanted)


def test_captions_are_labelled_by_what_their_branch_was_trained_on() -> None:
    labels = ["audio"] * 5 + ["vision"] * 4 + ["shape"] * 3
    assert [branch.tags for branch in FULL.config.branches[TEXT][:-1]] == [frozenset({label}) for label in labels]


@pytest.mark.parametrize("official", list(OFFICIAL.values()), ids=lambda model: model.name)
def test_every_model_says_that_it_is_not_for_commerce(official: Official) -> None:
    assert official.config.licence.startswith("non-commercial")


@pytest.mark.parametrize("space", [space for space in WIDTHS if space in SPACES])
def test_declared_spaces_are_as_wide_as_their_heads(space: str) -> None:
    assert SPACES[space].dim == WIDTHS[space]
