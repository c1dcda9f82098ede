"""Evaluation over planted embeddings, whose answers are known; and from files to a report without weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from typer.testing import CliRunner

from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.cli.typer_app import CommandGroup
from omnisearch.config import load_settings
from omnisearch.errors import NotReadyError, UsageError
from omnisearch.spaces.families.hashed import COLORS
from omnisearch.types import Floats, Modality
from omnisearch_training.cli import evaluate as command
from omnisearch_training.datasets import Record, Split
from omnisearch_training.datasets.load import open_data
from omnisearch_training.evaluate import report as reports
from omnisearch_training.evaluate import report_tables
from omnisearch_training.evaluate.baselines import variants
from omnisearch_training.evaluate.ground_truth import Truth, concept, entry_of, names, trials
from omnisearch_training.evaluate.recall import Result, Side, encode, evaluate
from omnisearch_training.stages.features import Features
from tests.media.makers import write_video

TEXT, IMAGE, AUDIO, VIDEO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO
DIM = 64


def record(key: str, name: str, *modalities: Modality, source: str | None = None) -> Record:
    files = {m: Path(f"{key}.{m}") for m in modalities}
    return Record(key, source or key, Split.TEST, (name, f"{name}, more of it"), files, "")


RECORDS = [
    record("1", "The Dogs", IMAGE, source="dog"),
    record("2", "dog 02", IMAGE),
    record("3", "Cat", IMAGE, AUDIO),
    record("4", "cat", AUDIO),
    record("5", "Dog", AUDIO),
    record("6", "bell", AUDIO),
    record("7", "a gloss without media"),
]


def rows_of(records: list[Record]) -> dict[Modality, list]:
    media = {m: [entry_of(r) for r in records if m in r.files] for m in (IMAGE, AUDIO)}
    return {TEXT: list(names(records)), **media}


def test_the_concept_is_the_source_or_else_the_name() -> None:
    assert [concept(r) for r in RECORDS[:5]] == ["dog", "dog", "cat", "cat", "dog"]


def test_names_are_asked_once() -> None:
    assert [e.key for e in names(RECORDS)] == ["The Dogs", "dog 02", "Cat", "Dog", "bell"]


def test_every_direction_with_ground_truth_is_tried() -> None:
    found = {(t.query, t.target, t.truth): t for t in trials(RECORDS, rows_of(RECORDS))}
    media = {(a, b, truth) for a, b in ((IMAGE, AUDIO), (AUDIO, IMAGE)) for truth in (Truth.ITEM, Truth.NAME)}
    texts = {(a, b, Truth.NAME) for m in (IMAGE, AUDIO) for a, b in ((TEXT, m), (m, TEXT))}
    assert set(found) == media | texts

    def answers(*which: object) -> tuple[list[int], list[int], list[list[int]]]:
        trial = found[which]
        return trial.queries.tolist(), trial.targets.tolist(), [sorted(a) for a in trial.answers]

    # Images are the dogs 1 and 2 and the cat 3; sounds are the cats 3 and 4, the dog 5 and the bell 6.
    assert answers(IMAGE, AUDIO, Truth.ITEM) == ([2], [0], [[0]])
    assert answers(IMAGE, AUDIO, Truth.NAME) == ([0, 1, 2], [0, 1, 2, 3], [[2], [2], [0, 1]])
    assert answers(AUDIO, IMAGE, Truth.NAME) == ([0, 1, 2], [0, 1, 2], [[2], [2], [0, 1]])
    # Images are asked for by the names of images alone, and sounds are named among those of sounds.
    assert answers(TEXT, IMAGE, Truth.NAME) == ([0, 1, 2], [0, 1, 2], [[0, 1], [0, 1], [2]])
    assert answers(AUDIO, TEXT, Truth.NAME) == ([0, 1, 2, 3], [2, 3, 4], [[0], [0], [1], [2]])
    assert found[IMAGE, AUDIO, Truth.NAME].groups == ("dog", "dog", "cat")


def test_a_name_within_a_name_is_right_by_words() -> None:
    said = [record("1", "dog", IMAGE), record("2", "crash cymbal", IMAGE), record("3", "kite", IMAGE)]
    heard = [record("4", "dog barking", AUDIO), record("5", "crash", AUDIO), record("6", "barking tree", AUDIO)]
    records = said + heard
    found = {t.query: t for t in trials(records, rows_of(records)) if t.truth is Truth.WORDS}
    assert (found[IMAGE].queries.tolist(), found[IMAGE].answers) == ([0, 1], ([0], [1]))
    assert (found[AUDIO].queries.tolist(), found[AUDIO].answers) == ([0, 1], ([0], [1]))


def test_what_shares_nothing_is_not_tried() -> None:
    strangers = [record("a", "kite", IMAGE), record("b", "drum", AUDIO)]
    assert {(t.query, t.target) for t in trials(strangers, rows_of(strangers))} == {
        (TEXT, IMAGE),
        (IMAGE, TEXT),
        (TEXT, AUDIO),
        (AUDIO, TEXT),
    }


def unit(rows: np.ndarray) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def planted(router: dict, centred: tuple[str, ...] = ()) -> OmniBind:
    """A model of two spaces that are as wide as it."""
    config = {
        "name": "planted",
        "licence": "none",
        "dim": DIM,
        "projectors": {"left": {"kind": "identity"}, "right": {"kind": "identity"}},
        "branches": {
            "text": [{"parts": {"left": 1}}],
            "image": [{"parts": {"left": 1}}, {"parts": {"right": 1}}],
            "audio": [{"parts": {"left": 1}}],
        },
        "routers": {
            "text": {"kind": "fixed", "factors": [1]},
            "image": router,
            "audio": {"kind": "fixed", "factors": [1]},
        },
        "centred": centred,
    }
    fusion = Fusion(ModelConfig.model_validate(config), {"left": DIM, "right": DIM})
    return OmniBind(fusion, {}, "planted", {})


def world(n: int = 60, offset: float = 0.0) -> tuple[list[Record], dict[Modality, Side]]:
    """Items of which the space `left` knows the even ones and `right` the odd ones; `offset` is a modality gap."""
    rng = np.random.default_rng(0)
    meaning = unit(rng.normal(size=(n, DIM)))
    letters = [f"thing{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(n)]
    records = [record(str(i), name, IMAGE) for i, name in enumerate(letters)]
    known = np.arange(n)[:, None] % 2 == 0
    faint = 0.1 * unit(rng.normal(size=(n, DIM)))
    gap = offset * unit(rng.normal(size=(1, DIM)))
    left, right = np.where(known, meaning, faint), np.where(known, faint, meaning)
    image = {("left", IMAGE): (left + gap).astype(np.float32), ("right", IMAGE): (right + gap).astype(np.float32)}
    text = Side(names(records), {("left", TEXT): meaning})
    return records, {TEXT: text, IMAGE: Side(tuple(entry_of(r) for r in records), image)}


def by_variant(results: list[Result]) -> dict[str, Result]:
    return {r.variant: r for r in results if (r.query, r.target) == (TEXT, IMAGE)}


def test_two_spaces_that_know_different_things_gain_by_binding() -> None:
    found = by_variant(evaluate(planted({"kind": "fixed", "factors": [1, 1]}), *world()))
    assert set(found) == {"bound", "only left", "only right"}  # the uniform mean is this model itself
    assert found["bound"].recall.at[1] == 100
    assert found["bound"].gain is None
    for name in ("only left", "only right"):
        assert 45 <= found[name].recall.at[1] <= 65
        gain, low, high = found[name].gain[1]
        assert gain == pytest.approx(100 - found[name].recall.at[1])
        assert 0 < low <= gain <= high


def test_a_variant_that_answers_alike_is_not_listed() -> None:
    records, sides = world()
    heard = [record(f"sound {i}", r.captions[0], AUDIO) for i, r in enumerate(records)]
    sounds = {("left", AUDIO): sides[TEXT].embeddings["left", TEXT]}
    results = evaluate(
        planted({"kind": "fixed", "factors": [1, 1]}),
        records + heard,
        {**sides, AUDIO: Side(tuple(entry_of(r) for r in heard), sounds)},
    )
    found = {(r.query, r.target): 0 for r in results}
    for r in results:
        found[r.query, r.target] += 1
    assert found == {
        (a, b): 3 if IMAGE in (a, b) else 1 for a in sides | {AUDIO: 0} for b in sides | {AUDIO: 0} if a != b
    }


def test_variants_are_what_they_say() -> None:
    model = planted({"kind": "fixed", "factors": [3, 1]}, centred=("image",))
    model._fusion.means["image"].data += 0.3
    side = world(offset=2.0)[1][IMAGE].embeddings
    found = {v.name: v.bind(IMAGE, side) for v in variants(model)}
    left, right = side["left", IMAGE], side["right", IMAGE]

    def centred(rows: np.ndarray) -> Floats:
        return unit(unit(rows) - unit(rows).mean(axis=0))

    expected = {
        "bound": unit(unit(0.75 * left + 0.25 * right) - 0.3),
        "only left": centred(left),
        "only right": centred(right),
        "uniform": centred(left + right),
        "not centred": unit(3 * left + right),
    }
    assert list(found) == list(expected)
    for name, rows in expected.items():
        np.testing.assert_allclose(found[name], rows, atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(model.bind(IMAGE, side), found["bound"])  # the model itself is left as it was


def test_a_learned_router_becomes_uniform_in_its_baseline() -> None:
    model = planted({"kind": "learned", "inputs": ["right"], "hidden": [4, 4]})
    uniform = next(v for v in variants(model) if v.name == "uniform")
    side = world()[1][IMAGE].embeddings
    np.testing.assert_allclose(uniform.bind(IMAGE, side), unit(side["left", IMAGE] + side["right", IMAGE]), atol=1e-5)
    assert len({v.model.fingerprint for v in variants(model)}) == len(list(variants(model)))


def test_an_unpaired_pool_is_found_at_chance() -> None:
    records, sides = world()
    shuffled = np.random.default_rng(1).permutation(len(records))
    image = {key: rows[shuffled] for key, rows in sides[IMAGE].embeddings.items()}
    sides[IMAGE] = Side(sides[IMAGE].rows, image)
    found = by_variant(evaluate(planted({"kind": "fixed", "factors": [1, 1]}), records, sides))["bound"].recall
    low, high = found.interval[10]
    assert low <= found.chance[10] <= high


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    folder = tmp_path / "colours"
    folder.mkdir()
    for name, value in COLORS.items():
        Image.fromarray(np.full((32, 32, 3), value, np.uint8)).save(folder / f"{name}.png")
    for name, hertz in {"low": 110, "high": 5000}.items():
        wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000)
        soundfile.write(folder / f"{name}.wav", wave, 16_000)
    return folder


def run(*arguments: object) -> str:
    app = CommandGroup()
    app.command()(command)
    answer = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert answer.exit_code == 0
    return answer.stdout


def test_from_a_folder_to_a_report(
    colours: Path, hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, card = tmp_path / "report.json", tmp_path / "card.md"
    asked = (colours, "--model", hashed_model, "--cache", tmp_path / "cache", "--format", "jsonl")
    lines = [json.loads(line) for line in run(*asked, "--out", out, "--markdown", card).splitlines()]
    report = json.loads(out.read_text())
    assert report["results"] == lines
    assert report["items"] == {"text": 9, "image": 7, "audio": 2}
    assert report["datasets"] == {str(colours): {"records": 9, "concepts": 9, "image": 7, "audio": 2}}
    assert report["fingerprint"] == OmniBind.load(str(hashed_model), load_settings()).fingerprint
    found = {(r["query"], r["target"]): r for r in lines}
    assert set(found) == {("text", "image"), ("image", "text"), ("text", "audio"), ("audio", "text")}
    for row in lines:
        assert row["recall"]["1"] == 100
        assert row["interval"]["1"] == [100, 100]
    assert found["text", "image"]["chance"]["1"] == pytest.approx(100 / 7, abs=1e-3)
    text = card.read_text()
    assert "| text to image | name | 7 | 7 | 100.0 |" in text
    assert "| audio to text | name | 2 | 2 | 100.0 |" in text
    classified = {(row["modality"], row["items"], row["classes"]): row for row in report["zero_shot"]}
    assert set(classified) == {("image", 7, 7), ("audio", 2, 2)}
    assert classified["image", 7, 7]["accuracy"] == {"1": 100, "5": 100}
    assert classified["image", 7, 7]["chance"] == {
        "1": pytest.approx(100 / 7, abs=1e-3),
        "5": pytest.approx(500 / 7, abs=1e-3),
    }
    assert report["factors"] == []  # one space weighs nothing
    # A second evaluation opens no media: the towers' features are kept by content.
    monkeypatch.setattr("omnisearch.media.pool.DecoderPool.decode", None)
    assert [json.loads(line) for line in run(*asked).splitlines()] == lines


@pytest.mark.parametrize(("chunk", "cells"), [(1, 1), (2, 20)])
def test_the_size_of_batches_changes_nothing(
    chunk: int, cells: int, colours: Path, hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(cache: str) -> tuple[dict[Modality, Side], list[Result]]:
        settings = load_settings()
        model = OmniBind.load(str(hashed_model), settings)
        records = open_data([str(colours)], None)[str(colours)]
        sides = encode(model, Features(tmp_path / cache, settings), records, [TEXT, IMAGE, AUDIO])
        return sides, evaluate(model, records, sides)

    sides, results = measured("whole")
    monkeypatch.setattr("omnisearch_training.stages.features.CHUNK", chunk)
    monkeypatch.setattr("omnisearch_training.evaluate.metrics.CELLS", cells)
    parts, again = measured("parts")
    for modality, side in sides.items():
        assert parts[modality].rows == side.rows
        for key, rows in side.embeddings.items():
            np.testing.assert_allclose(parts[modality].embeddings[key], rows, atol=1e-6)
    assert again == results


def test_only_the_chosen_modalities(colours: Path, hashed_model: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    chosen = ("-m", "text", "-m", "audio")
    rows = json.loads(run(colours, "--model", hashed_model, "--cache", cache, *chosen, "--format", "json"))
    assert {(r["query"], r["target"]) for r in rows} == {("text", "audio"), ("audio", "text")}


def test_the_table_of_variants_names_what_binding_gains() -> None:
    records, sides = world(offset=1.0)
    model = planted({"kind": "fixed", "factors": [3, 1]}, centred=("image",))
    results = evaluate(model, records, sides)
    report = reports.make_report(load_settings(), model, {"planted": records}, sides, results, 0)
    lines = report_tables.report_markdown(report).splitlines()
    head = next(line for line in lines if "only left" in line)
    assert [c.strip() for c in head.strip("|").split("|")] == [
        "direction", "truth", "queries", "targets", "bound", "only left", "only right", "uniform", "not centred",
    ]  # fmt: skip
    row = next(line for line in lines[lines.index(head) :] if line.startswith("| text to image"))
    assert row.count("[") == 4
    assert "| planted | 60 | 0.75 (0.00) | 0.25 (0.00) |" in lines[lines.index("| dataset | items | left | right |") :]
    assert any(line.startswith("| planted | image | 60 | 60 | ") and "| 8.3 |" in line for line in lines)


def test_a_video_is_its_frames_and_its_sound(hashed_model: Path, tmp_path: Path) -> None:
    for name, sound in (("heard", 2.0), ("silent", 0.0)):
        write_video(tmp_path / f"{name}.mp4", 2.0, sound)
    settings = load_settings()
    model = OmniBind.load(str(hashed_model), settings)
    features = Features(tmp_path / "features", settings)
    records = [Record(n, n, Split.TEST, (n,), {VIDEO: tmp_path / f"{n}.mp4"}, "") for n in ("heard", "silent")]
    side = encode(model, features, records, [VIDEO])[VIDEO]
    assert [row.key for row in side.rows] == ["heard", "silent"]
    assert np.abs(side.embeddings["hashed", IMAGE]).sum(axis=1).all()
    assert np.abs(side.embeddings["hashed", AUDIO]).sum(axis=1).astype(bool).tolist() == [True, False]
    np.testing.assert_allclose(np.linalg.norm(model.bind(VIDEO, side.embeddings), axis=1), 1, atol=1e-6)


def manifest(path: Path, *lines: dict) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_ones_own_is_evaluated_whole_unless_a_split_is_named(colours: Path) -> None:
    assert len(open_data([str(colours)], None)[str(colours)]) == 9
    parts = [open_data([str(colours)], split)[str(colours)] for split in ("train", "valid", "test")]
    assert sum(map(len, parts)) == 9
    assert len(parts[0]) < 9


def test_wrong_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNISEARCH_DATASETS_DIR", str(tmp_path / "datasets"))
    with pytest.raises(UsageError, match="did you mean 'emoji'"):
        open_data(["emojis"], None)
    with pytest.raises(NotReadyError, match="omnisearch train fetch"):
        open_data([], None)
    with pytest.raises(UsageError, match=r"'a' of .*m\.jsonl names .*gone\.png, which does not exist"):
        open_data([str(manifest(tmp_path / "m.jsonl", {"id": "a", "captions": ["x"], "image": "gone.png"}))], None)
    twice = manifest(tmp_path / "t.jsonl", {"id": "a", "captions": ["x"]}, {"id": "a", "captions": ["y"]})
    with pytest.raises(UsageError, match=r"two records of .*t\.jsonl have the id 'a'"):
        open_data([str(twice)], None)
    one = manifest(tmp_path / "o.jsonl", {"id": "a", "captions": ["x"]})
    other = manifest(tmp_path / "p.jsonl", {"id": "a", "captions": ["x"]})
    with pytest.raises(UsageError, match=r"two records of .*o\.jsonl and .*p\.jsonl have the id 'a'"):
        open_data([str(one), str(other)], None)


def test_wrong_requests_are_named(colours: Path, hashed_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--split exam"):
        run(colours, "--split", "exam")
    with pytest.raises(UsageError, match="nothing to compare"):
        run(colours, "--model", hashed_model, "--cache", tmp_path / "cache", "-m", "image")
