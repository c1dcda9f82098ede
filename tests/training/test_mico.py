"""The space `mico` is bound as any other: pairs, a projector into the anchor, and a model that embeds with it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.binding import checkpoint
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.spaces.base import encode
from omnisearch.spaces.registry import load_space
from omnisearch.spaces.towers import unit
from omnisearch.types import Clip, Content, Modality, Role, Waveform
from omnisearch_training.stages.pools import Pools
from omnisearch_training.stages.projectors import Anchor, BindConfig, train_projectors
from omnisearch_training.stages.pseudo_pairs import PairConfig, RetrieverConfig, read_pairs, write_pairs
from tests.spaces import mico_file

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
ITEMS = 24
TRAINING = BindConfig(heads=("mix",), hidden=64, batch=ITEMS, epochs=30, rate=5e-3)


def things() -> dict[Modality, list[Content]]:
    """Items that all spaces tell apart: words, plain pictures with a little noise, and tones."""
    draw, time = np.random.default_rng(0), np.arange(8000) / 16_000
    colours = draw.integers(0, 256, (ITEMS, 1, 1, 3))
    return {
        TEXT: [f"w{200 + i} w{300 + i * i}" for i in range(ITEMS)],
        IMAGE: [(each + draw.integers(0, 20, (40, 40, 3))).clip(0, 255).astype(np.uint8) for each in colours],
        AUDIO: [Waveform(np.sin(2 * np.pi * 150 * (i + 1) * time).astype(np.float32), 16_000) for i in range(ITEMS)],
    }


@pytest.mark.slow
def test_mico_is_bound_and_embeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    settings = load_settings(weights_dir=tmp_path / "weights", device="cpu")
    mico_file.install(settings.weights_dir, monkeypatch)
    spaces = {name: load_space(name, settings) for name in ("mico", "hashed")}
    given = things()
    embeddings = {(name, m): encode(spaces[name], m, given[m]) for name in spaces for m in given}
    retrievers = [RetrieverConfig(path=ends, spaces=("hashed",)) for ends in ((TEXT, IMAGE), (TEXT, AUDIO))]
    pairs = PairConfig(retrievers=(*retrievers, RetrieverConfig(path=(IMAGE, AUDIO), spaces=("mico",))), k=1)
    write_pairs(tmp_path / "pairs.parquet", Pools(embeddings, ("vision",) * ITEMS), pairs, {})
    table = read_pairs(tmp_path / "pairs.parquet")
    for m in given:  # the toy retrievers know nothing, so the pairs are replaced by the true ones
        table.ids[m][:, 0] = np.tile(np.arange(ITEMS), 3)
    projector = train_projectors("mico", embeddings, Anchor({"hashed": 1}, embeddings), table, TRAINING, 0)
    seen = projector(torch.from_numpy(embeddings["mico", IMAGE])).detach().numpy()
    hits = ((seen @ embeddings["hashed", TEXT].T).argmax(1) == np.arange(ITEMS)).mean()
    assert hits > 0.5, f"{hits:.2f} of the pictures find their words, where chance is {1 / ITEMS:.2f}"

    config = ModelConfig.model_validate(
        {
            "name": "toy",
            "licence": "Apache-2.0",
            "dim": 256,
            "projectors": {"mico": {"kind": "mlp", "heads": 1, "hidden": 64}},
            "branches": {m: [{"parts": {"mico": 1.0}}] for m in given},
            "routers": {m: {"kind": "fixed", "factors": [1.0]} for m in given},
            "video": {"image": 1.0},
        }
    )
    fusion = Fusion(config, {"mico": 512})
    fusion.projectors["mico"].load_state_dict(projector.state_dict())
    checkpoint.write(tmp_path / "toy", fusion, {})
    model = OmniBind.load(str(tmp_path / "toy"), settings)
    np.testing.assert_allclose(model.encode(IMAGE, given[IMAGE], Role.DOCUMENT), unit(seen), atol=1e-5)
    for part in (TEXT, AUDIO):
        assert model.encode(part, given[part], Role.DOCUMENT).shape == (ITEMS, 256)
    frames = np.stack([np.asarray(image) for image in given[IMAGE][:3]])
    film = model.encode(Modality.VIDEO, [Clip(frames, None)], Role.DOCUMENT)
    of_frames = unit(embeddings["mico", IMAGE][:3].mean(0, keepdims=True))
    np.testing.assert_allclose(film, unit(projector(torch.from_numpy(of_frames)).detach().numpy()), atol=1e-4)
