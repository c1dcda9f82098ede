"""The report of a bound model: each of its figures over planted embeddings, and the whole command."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from omnisearch.errors import UsageError
from omnisearch.spaces.base import SpaceSpec
from omnisearch.spaces.families.hashed import COLORS
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality
from omnisearch_training.cli import app
from omnisearch_training.datasets import Record, Split
from omnisearch_training.evaluate.ground_truth import Truth, entry_of
from omnisearch_training.evaluate.ground_truth import names as entry_names
from omnisearch_training.evaluate.recall import Side
from omnisearch_training.model_report import pictures
from omnisearch_training.model_report.ceilings import LEARNED, MEAN, ORACLE, ceilings
from omnisearch_training.model_report.figures import draw_groups, draw_histograms, draw_lines, draw_stacks
from omnisearch_training.model_report.leakage import leaks
from omnisearch_training.model_report.pair_ways import AGGREGATED, NOT_BOUND, PSEUDO, compare_pairs
from omnisearch_training.model_report.router_load import loads
from omnisearch_training.model_report.space_costs import space_weights
from omnisearch_training.stages.aggregated_pairs import aggregate, groups_of
from omnisearch_training.stages.projectors import BindConfig
from omnisearch_training.stages.pseudo_pairs import Pairs
from tests.training.test_recall import DIM, planted, world

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE


def test_the_oracle_takes_the_space_that_knows_the_query() -> None:
    found = {each.question.target: each for each in ceilings(planted({"kind": "fixed", "factors": [3, 1]}), *world())}
    rankings = found[IMAGE].rankings
    assert list(rankings) == ["only left", "only right", MEAN, LEARNED, ORACLE]
    at = {name: ranking.recall().at[1] for name, ranking in rankings.items()}
    assert min(at["only left"], at["only right"]) >= 45
    assert max(at["only left"], at["only right"]) <= 65
    assert at[ORACLE] == 100
    assert (rankings[ORACLE].ranks == np.minimum(rankings["only left"].ranks, rankings["only right"].ranks)).all()


def test_the_best_space_is_the_one_that_knows_more() -> None:
    records, sides = world()
    known = {
        ("left", IMAGE): sides[TEXT].embeddings["left", TEXT],
        ("right", IMAGE): sides[IMAGE].embeddings["right", IMAGE],
    }
    sides = {**sides, IMAGE: Side(sides[IMAGE].rows, known)}
    (found, *_) = ceilings(planted({"kind": "fixed", "factors": [3, 1]}), records, sides)
    assert found.best == "only left"


def test_a_model_with_equal_factors_is_its_own_mean() -> None:
    (found, *_) = ceilings(planted({"kind": "fixed", "factors": [1, 1]}), *world())
    assert (found.rankings[MEAN].ranks == found.rankings[LEARNED].ranks).all()


def test_the_load_is_that_of_the_factors() -> None:
    model, (_, sides) = planted({"kind": "fixed", "factors": [3, 1]}), world()
    left, right = loads(model, sides)
    assert (left.branch, left.items, left.largest, right.largest, right.skipped) == ("left", 60, 1.0, 0.0, 0.0)
    assert (left.mean, right.mean) == (pytest.approx(0.75), pytest.approx(0.25))
    assert sum(left.histogram) == left.histogram[15] == 60  # the bin that begins at 0.75
    equal = list(loads(planted({"kind": "fixed", "factors": [1, 1]}), sides))
    assert [each.largest for each in equal] == [0.5, 0.5]
    assert space_weights(model, IMAGE, sides[IMAGE]) == {"left": pytest.approx(0.75), "right": pytest.approx(0.25)}


def record(key: str, split: Split, name: str, folder: Path, content: str, *captions: str) -> Record:
    path = folder / f"{key}.png"
    path.write_text(content)
    return Record(key, key, split, (name, *captions), {IMAGE: path}, "")


def side(records: list[Record], rows: Floats) -> Mapping[Modality, Side]:
    return {IMAGE: Side(tuple(map(entry_of, records)), {("left", IMAGE): rows})}


def test_near_items_are_near_in_every_space(tmp_path: Path) -> None:
    train, test = (
        [record(f"{split}{i}", split, f"thing {split} {i}", tmp_path, f"{split}{i}") for i in range(2)]
        for split in (Split.TRAIN, Split.TEST)
    )
    basis = np.eye(4, dtype=np.float32)

    def in_both(records: list[Record], left: Floats, right: Floats) -> dict[Modality, Side]:
        return {IMAGE: Side(tuple(map(entry_of, records)), {("left", IMAGE): left, ("right", IMAGE): right})}

    known = in_both(train, basis[[0, 0]], basis[[0, 1]])
    (found,) = leaks(train, {"mine": test}, known, in_both(test, basis[[0, 0]], basis[[1, 2]]))
    assert (found.near, found.examples) == (1, (("test0", "train1"),))


def test_leaks_are_counted_by_what_is_shared(tmp_path: Path) -> None:
    train = [
        record("t1", Split.TRAIN, "Red Kite", tmp_path, "one"),
        record("t2", Split.TRAIN, "old green car wheel cap", tmp_path, "two", "a gloss"),
        record("t3", Split.TRAIN, "bell", tmp_path, "three"),
    ]
    test = [
        record("copy", Split.TEST, "harp", tmp_path, "two"),
        record("name", Split.TEST, "red kite", tmp_path, "four"),
        record("plural", Split.TEST, "The Bells", tmp_path, "five"),
        record("most", Split.TEST, "old green car wheel", tmp_path, "six"),
        record("gloss", Split.TEST, "drum", tmp_path, "seven", "A gloss"),
        record("new", Split.TEST, "green harp", tmp_path, "eight"),
    ]
    basis = np.eye(8, dtype=np.float32)
    near = np.float32([0.99, 0.141, 0, 0, 0, 0, 0, 0])
    rows = np.stack([near, *basis[3:7]])
    (found,) = leaks(
        train, {"mine": test}, side(train, basis[:3]), side(test[:5], rows / np.linalg.norm(rows, axis=1)[:, None])
    )
    assert (found.dataset, found.modality, found.items) == ("mine", IMAGE, 6)
    assert (found.files, found.names, found.near_names) == (1, 1, 2)
    assert (found.compared, found.near) == (5, 1)
    assert found.captions == 2  # the gloss, and the name
    assert found.examples == (("copy", "t2"), ("copy", "t1"), ("name", "t1"), ("plural", "t3"), ("most", "t2"))


def pairs(ids: Mapping[Modality, list[list[int]]], scores: Mapping[Modality, list[list[float]]]) -> Pairs:
    return Pairs(
        (TEXT, IMAGE),
        np.zeros(2, np.int32),
        {m: np.array(own, np.int32) for m, own in ids.items()},
        {m: np.array(own, np.float32) for m, own in scores.items()},
        None,
        (),
        {},
    )


def test_aggregation_is_the_softmax_mean_of_the_neighbours() -> None:
    rows = np.eye(3, dtype=np.float32)
    mined = pairs(
        {TEXT: [[0, 0], [1, 1]], IMAGE: [[0, 1], [2, 1]]}, {TEXT: [[1, 1]] * 2, IMAGE: [[0.5, 0.4], [0.9, 0.2]]}
    )
    averaged, made = aggregate(mined, {("s", IMAGE): rows, ("s", TEXT): rows}, temperature=0.1)
    near = np.exp([5, 4]) / np.exp([5, 4]).sum()
    expected = np.float64([near[0], near[1], 0]) / np.hypot(*near)
    np.testing.assert_allclose(made["s", IMAGE][0], expected, atol=1e-6)
    np.testing.assert_allclose(made["s", TEXT], rows[:2], atol=1e-6)  # a start is its own only neighbour
    assert averaged.ids[IMAGE].tolist() == [[0], [1]]
    groups = groups_of(mined, {TEXT: np.array([7, 8, 9]), IMAGE: np.array([4, 5, 6])})
    assert {m: own.tolist() for m, own in groups.items()} == {TEXT: [7, 8], IMAGE: [4, 6]}


def test_a_cold_temperature_leaves_the_nearest_item() -> None:
    rows = np.eye(3, dtype=np.float32)
    mined = pairs(
        {TEXT: [[0, 0], [1, 1]], IMAGE: [[0, 1], [2, 1]]}, {TEXT: [[1, 1]] * 2, IMAGE: [[0.5, 0.4], [0.9, 0.2]]}
    )
    _, made = aggregate(mined, {("s", IMAGE): rows}, temperature=1e-3)
    np.testing.assert_allclose(made["s", IMAGE], rows[[0, 2]], atol=1e-6)


class Texts:
    """The features of names."""

    def __init__(self, rows: Mapping[str, Floats]) -> None:
        self.rows = rows

    def texts(self, names: list[str], tower: str) -> Floats:
        return np.stack([self.rows[name] for name in names])


class Turned:
    """A space whose rows are those of the concepts, turned by an orthogonal matrix."""

    def __init__(self, name: str, turn: Floats) -> None:
        towers = {TEXT: "names", IMAGE: "pictures"}
        self.spec, self.turn = SpaceSpec(name, len(turn), towers, frozenset(), "none", {}), turn

    def project(self, modality: Modality, features: Floats) -> Floats:
        return unit(features @ self.turn)


def test_spaces_are_bound_to_the_anchor_by_both_ways_of_pairing() -> None:
    rng, dim, count = np.random.default_rng(0), DIM, 100
    model = planted({"kind": "fixed", "factors": [1, 3]})
    turns = {"left": np.eye(dim, dtype=np.float32), "right": np.linalg.qr(rng.normal(size=(dim, dim)))[0]}
    model.spaces = {name: Turned(name, turn.astype(np.float32)) for name, turn in turns.items()}
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [f"thing {letters[i // 26]}{letters[i % 26]}" for i in range(2 * count)]
    meaning = {name: unit(rng.normal(size=(1, dim)))[0] for name in names}

    def items(own: list[str]) -> tuple[list[Record], dict[Modality, Side]]:
        shown = [Record(name, name, Split.TEST, (name,), {IMAGE: Path(f"{name}.png")}, "") for name in own]
        rows = np.stack([meaning[name] for name in own])
        seen = unit(rows + 0.05 * rng.normal(size=rows.shape).astype(np.float32))
        pictures = {(name, IMAGE): space.project(IMAGE, seen) for name, space in model.spaces.items()}
        texts = {("left", TEXT): rows}
        return shown, {TEXT: Side(entry_names(shown), texts), IMAGE: Side(tuple(map(entry_of, shown)), pictures)}

    (_, train), (records, test) = items(names[:count]), items(names[count:])
    small = BindConfig(heads=("mix",), hidden=64, batch=64, epochs=8)
    (found,) = compare_pairs(model, Texts(meaning), train, records, test, 0, small)
    assert (found.space, found.modality, found.rows) == ("right", IMAGE, 2 * count)
    at = {way: ranking.recall().at[10] for way, ranking in found.rankings.items()}
    assert at[NOT_BOUND] < 15
    assert min(at[PSEUDO], at[AGGREGATED]) > 2 * at[NOT_BOUND]


EVALUATION = {
    "results": [
        {"variant": variant, "query": "text", "target": "image", "truth": truth, "recall": {"10": value}}
        for variant, truth, value in (
            ("bound", Truth.NAME, 40.0),
            ("only photo", Truth.NAME, 30.0),
            ("only drawing", Truth.NAME, 35.0),
            ("uniform", Truth.NAME, 38.0),
            ("item + text", Truth.BOTH, 50.0),
        )
    ]
}


def test_directions_show_the_best_single_space() -> None:
    assert pictures.directions(EVALUATION) == {"text to image, name": {pictures.BEST: 35.0, MEAN: 38.0, LEARNED: 40.0}}


def test_pictures_hold_every_name(tmp_path: Path) -> None:
    loads = {"sounds": {"one": {"left": 0.25, "right": 0.75}}, "texts": {"en": {"photo": 1.0}}}
    draw_stacks(tmp_path / "a.svg", loads, "share")
    draw_groups(tmp_path / "b.svg", {"": pictures.directions(EVALUATION)}, "recall")
    draw_histograms(tmp_path / "c.svg", {"image": {"left": [1, 3], "right": [3, 1]}}, "factor")
    draw_lines(tmp_path / "d.svg", {"time": {"first run": [(10, 1.0), (100, 9.0)]}}, "files")
    for name, words in (
        ("a", ("sounds", "one", "left", "right", "en", "photo", "share")),
        ("b", ("text to image, name", pictures.BEST, LEARNED)),
        ("c", ("image", "factor", "right")),
        ("d", ("time", "first run", "files")),
    ):
        text = (tmp_path / f"{name}.svg").read_text()
        assert [word for word in words if f">{word}<" not in text] == []


def test_a_picture_is_the_same_each_time(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        draw_stacks(tmp_path / folder / "a.svg", {"": {"one": {"left": 1.0}}}, "share")
    assert (tmp_path / "one" / "a.svg").read_bytes() == (tmp_path / "two" / "a.svg").read_bytes()


def test_data_without_anything_to_ask_for_are_refused(
    hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEARCH_DATASETS_DIR", str(tmp_path / "datasets"))
    asked = ["report", str(hashed_model), "--out", str(tmp_path / "report"), "--data", str(tmp_path / "m.jsonl")]
    row = {"id": "1", "captions": ["red"], "image": "1.png"}
    (tmp_path / "1.png").write_bytes(b"no picture")
    for split, problem in (("train", "no record with a file in the test split"), ("test", "can be decoded")):
        (tmp_path / "m.jsonl").write_text(json.dumps({**row, "split": split}) + "\n")
        with pytest.raises(UsageError, match=rf"m\.jsonl.*{problem}"):
            CliRunner().invoke(app, asked, catch_exceptions=False)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):  # before the data are measured
        CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "file/report")], catch_exceptions=False)


def test_the_command_writes_a_page_with_its_figures(
    hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEARCH_DATASETS_DIR", str(tmp_path / "datasets"))
    folder, rows = tmp_path / "colours", []
    folder.mkdir()
    for i, (name, value) in enumerate(list(COLORS.items()) * 2):
        Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(folder / f"{i}.png")
        split = "train" if i < len(COLORS) else "test"
        rows.append({"id": str(i), "source_id": str(i), "split": split, "captions": [name], "image": f"{i}.png"})
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "report"
    done = CliRunner().invoke(
        app, ["report", str(hashed_model), "--data", str(folder / "m.jsonl"), "--out", str(out), "--timed", "2"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads((out / "report.json").read_text())
    (leak,) = found["leakage"]["sets"]
    assert (leak["items"], leak["files"], leak["near"], leak["names"]) == (7, 7, 7, 7)
    costs = {row["modality"]: row for row in found["costs"]}
    assert costs["image"]["weight"] == pytest.approx(1)
    page = (out / "report.md").read_text()
    assert page.startswith("# Model toy")
    assert "| 7 | 7 | 7 of 7 | 7 |" in page
    assert "Nothing to compare" in page  # one space alone has no ceilings
