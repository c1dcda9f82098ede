"""OmniBind over small spaces made here: saving, splitting, videos, batches, errors."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from omnisearch.binding import checkpoint, folder_names
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.errors import CheckpointError, ModelMissingError, UsageError
from omnisearch.spaces.base import SpaceSpec
from omnisearch.types import Clip, Content, Floats, Modality, Role, Waveform
from tests.binding.test_fusion import shaken

TEXT, IMAGE, AUDIO, VIDEO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO
CONFIG = {
    "name": "small",
    "licence": "none",
    "dim": 4,
    "projectors": {"left": {"kind": "mlp", "heads": 2, "hidden": 8}, "right": {"kind": "identity"}},
    "branches": {
        "text": [{"parts": {"left": 1}}, {"parts": {"right": 1}}],
        "image": [{"parts": {"left": 1}}, {"parts": {"right": 1}}],
        "audio": [{"parts": {"right": 1}}],
    },
    "routers": {
        "text": {"kind": "learned", "inputs": ["left"], "hidden": [9, 5], "scale": 10},
        "image": {"kind": "learned", "inputs": ["right"], "hidden": [9, 5]},
        "audio": {"kind": "fixed", "factors": [1]},
    },
    "centred": ["image"],
    "video": {"image": 0.7, "audio": 0.3},
}


class Counting:
    """A tower whose features are a fixed random map of simple statistics; it counts how often it ran."""

    width = 3
    fingerprint = "counting"

    def __init__(self, name: str) -> None:
        self.name, self.calls = name, 0

    def features(self, contents: Sequence[Content]) -> Floats:
        self.calls += 1
        rows = []
        for content in contents:
            sound = content.sound if isinstance(content, Clip) else content
            frames = content.frames.mean() if isinstance(content, Clip) else 0
            values = sound.samples + frames if isinstance(sound, Waveform) else content
            data = np.frombuffer(content.encode(), np.uint8) if isinstance(content, str) else np.asarray(values)
            rows.append([data.mean(), data.std() + 1, float(data.flat[0]) + 2])
        return np.array(rows, np.float32)


class Small:
    """A space over shared counting towers."""

    def __init__(self, name: str, towers: dict[Modality, Counting]) -> None:
        names = {modality: tower.name for modality, tower in towers.items()}
        self.spec = SpaceSpec(name, 4, names, frozenset(), "none", {})
        self.towers = towers
        self.fingerprint = f"{name}-1"
        self._map = np.random.default_rng(len(name)).normal(size=(3, 4))

    def tower(self, modality: Modality) -> Counting:
        return self.towers[modality]

    def project(self, modality: Modality, features: Floats) -> Floats:
        rows = features @ self._map
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class World:
    """Two spaces over the same towers, and the model that binds them."""

    def __init__(self, folder: Path, config: Mapping[str, object] = CONFIG) -> None:
        self.towers = {m: Counting(f"tower-{m}") for m in (TEXT, IMAGE, AUDIO, VIDEO)}
        self.folder = folder
        checkpoint.write(folder, shaken(Fusion(ModelConfig.model_validate(config), {"left": 4, "right": 4})))  # type: ignore[arg-type]

    def space(self, name: str, settings: Settings) -> Small:
        return Small(name, self.towers)

    def load(self) -> OmniBind:
        return OmniBind.load(str(self.folder), load_settings(), self.space)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "model")


def image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)


def sound(seed: int) -> Waveform:
    return Waveform(np.random.default_rng(seed).normal(size=50).astype(np.float32), 8000)


def clip(seed: int, heard: bool = True) -> Clip:
    return Clip(np.stack([image(10 * seed + i) for i in range(3)]), sound(seed) if heard else None)


def test_embeddings_are_unit_rows(world: World) -> None:
    model = world.load()
    for modality, contents in {TEXT: ["a", "bc"], IMAGE: [image(0)], AUDIO: [sound(0)], VIDEO: [clip(0)]}.items():
        rows = model.encode(modality, contents, Role.QUERY)
        assert rows.dtype == np.float32
        assert rows.shape == (len(contents), 4)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_spaces_that_share_a_tower_run_it_once(world: World) -> None:
    world.load().encode(IMAGE, [image(0), image(1)], Role.QUERY)
    assert world.towers[IMAGE].calls == 1
    assert world.towers[TEXT].calls == 0


@pytest.mark.parametrize("modality", [TEXT, IMAGE, AUDIO, VIDEO])
def test_rows_do_not_depend_on_batch_or_order(world: World, modality: Modality) -> None:
    makers = {TEXT: lambda i: f"text {i}", IMAGE: image, AUDIO: sound, VIDEO: lambda i: clip(i, heard=i % 2 == 0)}
    contents = [makers[modality](i) for i in range(5)]
    model = world.load()
    together = model.encode(modality, contents, Role.QUERY)
    np.testing.assert_allclose(together, [model.encode(modality, [c], Role.QUERY)[0] for c in contents], atol=1e-6)
    np.testing.assert_allclose(together[::-1], model.encode(modality, contents[::-1], Role.QUERY), atol=1e-6)


def test_a_video_is_its_frames_and_its_sound(world: World) -> None:
    model = world.load()
    embeddings = model.encode_spaces(VIDEO, [clip(1)], Role.QUERY)
    for space in ("left", "right"):
        frames = model.encode_spaces(IMAGE, list(clip(1).frames), Role.QUERY)[space, IMAGE].mean(axis=0)
        np.testing.assert_allclose(embeddings[space, IMAGE][0], frames / np.linalg.norm(frames), atol=1e-6)
    seen = model.bind(IMAGE, {k: v for k, v in embeddings.items() if k[1] is IMAGE})
    wanted = 0.7 * seen + 0.3 * model.encode(AUDIO, [sound(1)], Role.QUERY)
    np.testing.assert_allclose(model.bind(VIDEO, embeddings), wanted / np.linalg.norm(wanted), atol=1e-6)


def test_a_silent_video_is_its_frames_alone(world: World) -> None:
    model = world.load()
    embeddings = model.encode_spaces(VIDEO, [clip(1, heard=False), clip(2)], Role.QUERY)
    assert not embeddings["right", AUDIO][0].any()
    np.testing.assert_allclose(model.bind(VIDEO, embeddings)[0], model.bind(IMAGE, embeddings)[0], atol=1e-6)


READING = {
    **CONFIG,
    "branches": {**CONFIG["branches"], "video": [{"parts": {"left": 1}}]},  # type: ignore[dict-item]
    "routers": {**CONFIG["routers"], "video": {"kind": "fixed", "factors": [1]}},  # type: ignore[dict-item]
    "video": {"image": 0.5, "audio": 0.2, "video": 0.3},
}


def test_a_space_that_reads_videos_has_a_part_of_its_own(tmp_path: Path) -> None:
    world = World(tmp_path / "model", READING)
    model = world.load()
    assert model.modalities == (TEXT, IMAGE, AUDIO, VIDEO)
    embeddings = model.encode_spaces(VIDEO, [clip(1), clip(2)], Role.DOCUMENT)
    assert set(embeddings) == {("left", IMAGE), ("right", IMAGE), ("right", AUDIO), ("left", VIDEO)}
    assert world.towers[VIDEO].calls == 1
    parts = {part: {k: v for k, v in embeddings.items() if k[1] is part} for part in (IMAGE, AUDIO)}
    both = torch.from_numpy(embeddings["left", VIDEO])
    with torch.inference_mode():
        read = checkpoint.build(checkpoint.read(world.folder), {"left": 4, "right": 4}, world.folder)(
            VIDEO, {"left": both}
        )
    wanted = 0.5 * model.bind(IMAGE, parts[IMAGE]) + 0.2 * model.bind(AUDIO, parts[AUDIO]) + 0.3 * read.numpy()
    np.testing.assert_allclose(
        model.bind(VIDEO, embeddings), wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-6
    )
    rows = model.decompose(VIDEO, embeddings)
    np.testing.assert_allclose(sum(rows.values()), model.bind(VIDEO, embeddings), atol=1e-5)
    assert "video:left" in model.factors(VIDEO, embeddings)


def test_factors_sum_to_one_over_the_branches_of_each_part(world: World) -> None:
    model = world.load()
    found = model.factors(VIDEO, model.encode_spaces(VIDEO, [clip(1), clip(2)], Role.QUERY))
    assert set(found) == {"image:left", "image:right", "audio:right"}
    np.testing.assert_allclose(sum(found.values()), 1, atol=1e-6)


@pytest.mark.parametrize("modality", [TEXT, IMAGE, AUDIO, VIDEO])
def test_the_parts_of_an_embedding_add_up_to_it(world: World, modality: Modality) -> None:
    model = world.load()
    contents: dict[Modality, list[Content]] = {
        TEXT: ["a dog", "two"],
        IMAGE: [clip(1).frames[0], clip(2).frames[1]],
        AUDIO: [sound(1), sound(2)],
        VIDEO: [clip(1), clip(2, heard=False)],
    }
    embeddings = model.encode_spaces(modality, contents[modality], Role.QUERY)
    parts = model.decompose(modality, embeddings)
    assert set(parts) == {*model.factors(modality, embeddings)} | (
        {"image:centring"} if modality in (IMAGE, VIDEO) else set()
    )
    np.testing.assert_allclose(sum(parts.values()), model.bind(modality, embeddings), atol=1e-6)


def test_save_then_load_is_identity(world: World, tmp_path: Path) -> None:
    stored = checkpoint.read(world.folder)
    fusion = checkpoint.build(stored, {"left": 4, "right": 4}, world.folder)
    background = {IMAGE: np.eye(4, dtype=np.float32)}
    checkpoint.write(tmp_path / "copy", fusion, background)
    copy = OmniBind.load(str(tmp_path / "copy"), load_settings(), world.space)
    np.testing.assert_array_equal(copy.encode(TEXT, ["a"], Role.QUERY), world.load().encode(TEXT, ["a"], Role.QUERY))
    np.testing.assert_array_equal(copy.background[IMAGE], background[IMAGE])
    assert copy.fingerprint == world.load().fingerprint


def test_the_fingerprint_follows_tensors_and_spaces(world: World) -> None:
    before = world.load().fingerprint

    class Retrained(Small):
        def __init__(self, name: str, towers: dict[Modality, Counting]) -> None:
            super().__init__(name, towers)
            self.fingerprint = f"{name}-2"

    other = OmniBind.load(str(world.folder), load_settings(), lambda name, _: Retrained(name, world.towers))
    assert other.fingerprint != before
    written = world.folder / folder_names.CONFIG
    refitted = json.loads(written.read_text()) | {"relevance": {"text": {"slope": 2, "threshold": 3}}}
    written.write_text(json.dumps(refitted))
    assert world.load().fingerprint == before  # what relevance is made of cosines changes no vector
    written.write_text(json.dumps(refitted | {"video": {"image": 0.25}}))
    assert world.load().fingerprint != before
    written.write_text(json.dumps(refitted))
    tensors = load_file(world.folder / folder_names.TENSORS)
    save_file(
        {k: v + 1 if v.is_floating_point() else v for k, v in tensors.items()}, world.folder / folder_names.TENSORS
    )
    assert world.load().fingerprint != before


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["routers.text.layers.3.bias", "projectors.left.outer", "means.image"])
def test_tensors_that_are_not_finite_are_named_with_their_file(world: World, name: str, bad: float) -> None:
    path = world.folder / folder_names.TENSORS
    tensors = load_file(path)
    tensors[name].view(-1)[-1] = bad
    save_file(tensors, path)
    with pytest.raises(CheckpointError) as refused:
        world.load()
    assert str(refused.value) == f"{path}: {name} has numbers that are not finite"


def test_wrong_tensors_are_all_named(world: World) -> None:
    tensors = load_file(world.folder / folder_names.TENSORS)
    del tensors["projectors.left.inner.bias"]
    tensors["projectors.left.outer_bias"] = torch.zeros(3, 4)
    tensors["surplus"] = torch.zeros(1)
    save_file(tensors, world.folder / folder_names.TENSORS)
    with pytest.raises(CheckpointError) as caught:
        world.load()
    for part in ("missing projectors.left.inner.bias", "outer_bias is (3, 4) instead of (2, 4)", "unknown surplus"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dim": "wide"}, "dim"),
        ({"surprise": 1}, "surprise"),
        ({"video": {"point_cloud": 1}}, "video"),
        ({**READING, "video": {"image": 1}}, "gives them no weight"),
        ({"routers": {"text": {"kind": "fixed", "factors": [1]}}}, "branches are for"),
        ({"projectors": {"left": {"kind": "identity"}}}, "without a projector"),
    ],
)
def test_a_config_that_does_not_fit_says_where(world: World, change: dict[str, object], named: str) -> None:
    (world.folder / folder_names.CONFIG).write_text(json.dumps(CONFIG | change))
    with pytest.raises(CheckpointError, match=named):
        world.load()


def test_an_unprojected_space_must_be_as_wide_as_the_model(world: World) -> None:
    (world.folder / folder_names.CONFIG).write_text(json.dumps(CONFIG | {"dim": 5}))
    with pytest.raises(CheckpointError, match="right has 4 dimensions"):
        world.load()


def test_damaged_tensors_are_refused(world: World) -> None:
    (world.folder / folder_names.TENSORS).write_bytes(b"\xff" * 100)
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        world.load()


def test_an_unknown_model_lists_what_ships() -> None:
    with pytest.raises(ModelMissingError, match="no model 'nonsense'"):
        OmniBind.load("nonsense", load_settings())


def test_a_modality_the_model_lacks_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="does not embed point_cloud"):
        world.load().encode(Modality.POINT_CLOUD, [], Role.QUERY)
