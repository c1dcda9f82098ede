"""Binding: its loss, a planted map that is found, and a killed run that ends alike."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.binding.projector import Projector
from omnisearch.errors import CheckpointError, UsageError
from omnisearch.types import Modality
from omnisearch_training.stages import loop
from omnisearch_training.stages.losses import info_nce
from omnisearch_training.stages.objective import MatchConfig, Objective, ObjectiveConfig
from omnisearch_training.stages.projectors import Anchor, BindConfig, binding_loss, disturb, subset, train_projectors
from omnisearch_training.stages.pseudo_pairs import Pairs

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
N = 96
World = tuple[dict[tuple[str, Modality], np.ndarray], Pairs]
CONFIG = BindConfig(heads=("mix", "A", "TV"), hidden=24, batch=48, epochs=6, noise=0.1, rate=5e-3, k=2)
MICO = {"learned_temperature": True, "smoothing": 0.1, "matching": MatchConfig(hidden=8)}


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def world() -> World:
    """N things that every space sees through a map of its own; the true pairs, and k = 2 of them."""
    draw = np.random.default_rng(0)
    things = draw.standard_normal((N, 6))
    maps = {"sound": draw.standard_normal((6, 10)), "photo": draw.standard_normal((6, 12))}
    embeddings = {
        (space, m): unit(things @ maps[space] + 0.05 * draw.standard_normal((N, maps[space].shape[1])))
        for space, m in (("sound", AUDIO), ("sound", TEXT), ("photo", TEXT), ("photo", IMAGE))
    }
    ids = np.tile(np.arange(N, dtype=np.int32), 3)[:, None].repeat(2, 1)
    start = np.arange(3, dtype=np.int32).repeat(N)
    modalities = (TEXT, IMAGE, AUDIO)
    scores = np.ones(ids.shape, np.float32)
    tables = dict.fromkeys(modalities, ids), dict.fromkeys(modalities, scores)
    return embeddings, Pairs(modalities, start, *tables, None, (), {})


def rows(seed: int, n: int, dim: int) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def test_the_binding_loss_is_the_sum_over_modality_pairs() -> None:
    sources, targets = [rows(i, 9, 5) for i in (0, 1)], [rows(i, 9, 4) for i in (2, 3, 4)]
    layer = torch.nn.Linear(5, 4).double()
    names = torch.arange(9)
    found = binding_loss(layer, sources, targets, [names] * 2, [names] * 3, Objective(ObjectiveConfig(), 4))
    wanted = sum(info_nce(layer(s), t, 0.03, names) for s in sources for t in targets)
    torch.testing.assert_close(found, wanted)


def test_an_anchor_may_be_a_mixture(world: World) -> None:
    embeddings, _ = world
    projector = Projector(10, 8, 12, heads=2).eval()
    anchor = Anchor({"sound": 0.1, "photo": 0.9}, embeddings, {"sound": projector})
    ids = np.array([3, 5])
    assert anchor.modalities == (TEXT, IMAGE, AUDIO)
    assert anchor.dim == 12
    heard = projector(torch.from_numpy(embeddings["sound", TEXT][ids])).detach().numpy()
    wanted = unit(0.1 * heard + 0.9 * embeddings["photo", TEXT][ids])
    np.testing.assert_allclose(anchor.rows(TEXT, ids), wanted, atol=1e-6)
    np.testing.assert_allclose(anchor.rows(IMAGE, ids), embeddings["photo", IMAGE][ids], atol=1e-6)
    with pytest.raises(UsageError, match="anchor"):
        Anchor({"nothing": 1}, embeddings)


def test_heads_learn_from_their_starts(world: World) -> None:
    _, pairs = world
    assert len(subset(pairs, "mix")) == 3 * N
    assert {pairs.modalities[i] for i in pairs.start[subset(pairs, "AV")]} == {AUDIO, IMAGE}
    with pytest.raises(UsageError, match="head P of space sound has 0 pairs"):
        train_projectors("sound", world[0], Anchor({"photo": 1}, world[0]), pairs, BindConfig(heads=("P",)), 0)


def test_without_mico_s_options_training_gives_the_same_bits(world: World) -> None:
    """The reference is a loop of its own over InfoNCE alone."""
    embeddings, pairs = world
    anchor, config = Anchor({"photo": 1}, embeddings), CONFIG.model_copy(update={"heads": ("mix",), "epochs": 2})
    found = train_projectors("sound", embeddings, anchor, pairs, config, 0).state_dict()
    place = int(loop.draw(0, 0).integers(2**31))
    torch.manual_seed(place)
    projector = Projector(10, config.hidden, 12, heads=1).train()

    def loss(step: int) -> torch.Tensor:
        chosen = loop.batch_of(3 * N, config.batch, step, place)
        random = loop.draw(place, 1, step)
        ids = pairs.tuples(chosen, random.integers(config.k, size=len(chosen))).ids
        given = [disturb(torch.from_numpy(embeddings["sound", m][ids[m]]), config.noise, random) for m in (TEXT, AUDIO)]
        targets = {m: anchor.rows(m, ids[m]) for m in (TEXT, IMAGE)}
        named = {m: torch.from_numpy(ids[m]).long() for m in (TEXT, IMAGE, AUDIO)}
        rows = dict(zip((TEXT, AUDIO), projector(torch.cat(given)).chunk(2), strict=True))
        terms = [
            info_nce(rows[m], targets[t], 0.03, torch.stack([named[m], named[t]], dim=1)) for m in rows for t in targets
        ]
        return torch.stack(terms).sum()

    loop.fit(projector, loss, 2 * (3 * N // config.batch), config.rate, "reference")
    wanted = Projector.stack([projector.eval()]).state_dict()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_mico_s_options_change_the_projector(world: World) -> None:
    embeddings, pairs = world
    anchor, short = Anchor({"photo": 1}, embeddings), CONFIG.model_copy(update={"heads": ("mix",), "epochs": 1})
    options = ({}, {"smoothing": 0.1}, {"learned_temperature": True}, {"matching": MatchConfig(hidden=8)})
    found = []
    for each in options:
        config = short.model_copy(update=each)
        found.append(train_projectors("sound", embeddings, anchor, pairs, config, 0).state_dict()["inner.weight"])
    assert len({rows.numpy().tobytes() for rows in found}) == len(options)


def test_noise_has_its_length() -> None:
    given = torch.eye(400)
    moved = disturb(given, 0.3, np.random.default_rng(0))
    torch.testing.assert_close(moved.norm(dim=1), torch.ones(400))
    cosines = (moved * given).sum(dim=1)
    torch.testing.assert_close(cosines.mean(), torch.tensor(1 / (1 + 0.3**2) ** 0.5), atol=0.01, rtol=0)


def test_a_planted_map_is_found(world: World) -> None:
    embeddings, pairs = world
    config = CONFIG.model_copy(update={"epochs": 40})
    projector = train_projectors("sound", embeddings, Anchor({"photo": 1}, embeddings), pairs, config, 0)
    assert projector.heads == 3
    assert not projector.training
    bound = projector(torch.from_numpy(embeddings["sound", AUDIO])).detach().numpy()
    nearest = (bound @ embeddings["photo", IMAGE].T).argmax(axis=1)
    assert (nearest == np.arange(N)).mean() > 0.5  # never paired directly by a space; chance is 1 in 96


class KilledError(Exception):
    pass


@pytest.mark.parametrize(
    ("killed_at", "options"),
    [(20, {}), *(pytest.param(*case, marks=pytest.mark.slow) for case in [(2, {}), (40, {}), (20, MICO)])],
)
def test_a_killed_run_ends_as_an_undisturbed_one(
    world: World,
    tmp_path: Path,
    killed_at: int,
    options: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = CONFIG.model_copy(update=options)
    monkeypatch.setattr(loop, "EVERY", 3)
    embeddings, pairs = world
    anchor = Anchor({"photo": 1}, embeddings)
    seen: list[int] = []

    def report(step: int, steps: int, loss: float) -> None:
        seen.append(step)
        if len(seen) == killed_at:
            raise KilledError

    wanted = train_projectors("sound", embeddings, anchor, pairs, config, 1).state_dict()
    with pytest.raises(KilledError):
        train_projectors("sound", embeddings, anchor, pairs, config, 1, None, tmp_path, report)
    found = train_projectors("sound", embeddings, anchor, pairs, config, 1, None, tmp_path, report).state_dict()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
    assert len(seen) - killed_at == (36 + 12 + 24) - killed_at // 3 * 3  # it went on from the last checkpoint
    with pytest.raises(CheckpointError, match="another recipe"):
        train_projectors("sound", embeddings, anchor, pairs, config, 2, None, tmp_path)
