"""Every declared benchmark on a small copy of its layout; protocols on planted vectors; and the command."""

import dataclasses
import json
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from typer.testing import CliRunner

from omnisearch.cli.typer_app import CommandGroup
from omnisearch.errors import UsageError
from omnisearch.spaces.families.hashed import COLORS
from omnisearch.types import Floats, Modality
from omnisearch_training import benchmarks
from omnisearch_training.benchmarks import BENCHMARKS, Benchmark, local_copy, point_arrays, protocols, report, run
from omnisearch_training.benchmarks.base import FULL, PAPER, Protocol
from omnisearch_training.cli import evaluate as command
from tests.conftest import write_hashed_model
from tests.training.benchmark_copies import COPIES

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
PAPER_HAS = {
    "audiocaps", "clotho", "vggss", "flickrnet", "coco", "flickr30k", "msrvtt", "objaverse_pairs",
    "audioset", "esc50", "imagenet", "objaverse_lvis", "scanobjectnn", "modelnet40",
}  # fmt: skip


# The names of ImageNet's classes are in open_clip, which takes seconds to import.
NAMES = [pytest.param(name, marks=pytest.mark.slow if name.startswith("imagenet") else ()) for name in BENCHMARKS]
Small = Callable[[str], tuple[Benchmark, Path]]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """Write the small copy of a benchmark, and return the benchmark with the copy's counts."""

    def make(name: str) -> tuple[Benchmark, Path]:
        folder = tmp_path / name
        folder.mkdir()
        COPIES[name](folder)
        items = 4 if name == "esc50_all" else 2
        classes = 2 if BENCHMARKS[name].classes else 0
        return dataclasses.replace(BENCHMARKS[name], items=items, classes=classes), folder

    return make


def test_the_papers_benchmarks_are_declared_with_its_figures() -> None:
    assert set(COPIES) == set(BENCHMARKS)
    assert {name for name, each in BENCHMARKS.items() if each.published} == PAPER_HAS
    for name in PAPER_HAS:
        published = BENCHMARKS[name].published
        assert published is not None
        assert set(published.figures) == {"omnibind-base", "omnibind-large", "omnibind-full"}
        assert published.source == f"{PAPER}, Table {2 if BENCHMARKS[name].protocol is Protocol.RETRIEVAL else 3}"
        for figures in published.figures.values():
            assert list(figures) == sorted(figures)  # R@1 is at most R@5
            assert all(0 < figure < 100 for figure in figures)


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_reads_its_layout(name: str, small: Small, tmp_path: Path) -> None:
    benchmark, folder = small(name)
    records = local_copy.open_copy(benchmark, folder, tmp_path / "work")
    assert len(records) == benchmark.items
    for record in records:
        assert set(record.files) >= set(benchmark.media)
        assert all(record.captions)
    classes = local_copy.classes_of(benchmark, records)
    if benchmark.protocol is Protocol.RETRIEVAL:
        assert all("one" in text for text in records[0].captions)
        assert all("two" in text for text in records[1].captions)
    elif name.startswith("imagenet"):
        assert list(classes.items()) == [("n01440764", "tench"), ("n01443537", "goldfish")]
    else:
        assert {text.lower().removesuffix(", and more").replace("_", " ") for text in classes.values()} == {
            "class one",
            "class two",
        }
    prompts = benchmark.prompts(folder)
    assert all(prompt.format("dog") != prompt for prompt in prompts)
    assert len(prompts) == {"imagenet_80": 80}.get(name, 2 if "labels.json" in benchmark.layout else 1)


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_refuses_a_wrong_count(name: str, small: Small, tmp_path: Path) -> None:
    benchmark, folder = small(name)
    declared = BENCHMARKS[name]
    source = rf"Get the data: {re.escape(declared.source)}"
    with pytest.raises(UsageError, match=rf"{declared.items:,} items, and .*{name} has {benchmark.items}\. .*{source}"):
        local_copy.open_copy(declared, folder, tmp_path / "work")
    assert len(local_copy.open_copy(declared, folder, tmp_path / "work", partial=True)) == benchmark.items
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError, match=rf"empty is no copy of .* is missing\. {source}"):
        local_copy.open_copy(declared, empty, tmp_path / "work", partial=True)
    with pytest.raises(UsageError, match=r"gone is not a folder\. Get the data"):
        local_copy.open_copy(declared, tmp_path / "gone", tmp_path / "work")


def test_a_missing_file_and_a_missing_class_are_named(small: Small, tmp_path: Path) -> None:
    benchmark, folder = small("esc50")
    with pytest.raises(UsageError, match=r"has 3 classes, and .* has 2"):
        local_copy.open_copy(dataclasses.replace(benchmark, classes=3), folder, tmp_path)
    (folder / "audio/1-two.wav").unlink()
    with pytest.raises(UsageError, match=r"has 2 items, and .* has 1\. \S+1-two\.wav is missing"):
        local_copy.open_copy(benchmark, folder, tmp_path)
    (folder / "meta/esc50.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="no copy of ESC-50, fold 1: not readable: KeyError"):
        local_copy.open_copy(benchmark, folder, tmp_path)


ROW = {"filename": "red.jpg", "split": "test", "sentences": [{"raw": "red"}]}


@pytest.mark.parametrize(
    ("listing", "problem"),
    [
        (b"", r"dataset_flickr30k\.json is not JSON: Expecting value"),
        (b"[" * 100_000, r"dataset_flickr30k\.json is not JSON"),
        ("gr\u00fcn".encode("latin1") * 1000, r"is not JSON: 'utf-8' codec can't decode .{,80}Get the data"),
        (b"null", "not readable: TypeError"),
        (b"[]", "not readable: TypeError"),
        (json.dumps({"images": [{**ROW, "sentences": []}]}), r"item 'red\.jpg' has no caption, or an empty one"),
        (json.dumps({"images": [{**ROW, "sentences": [{"raw": " "}]}]}), r"item 'red\.jpg' has no caption"),
        (json.dumps({"images": [{**ROW, "sentences": [{"raw": None}]}]}), "not readable: AttributeError"),
        (json.dumps({"images": [{**ROW, "sentences": [{"raw": "\ud800"}]}]}), "not readable: UnicodeEncodeError"),
        (json.dumps({"images": [ROW]}), r"red\.jpg is missing\. It has no item\. Get the data"),
        (json.dumps({"images": [{**ROW, "filename": None}]}), "not readable: TypeError"),
        (json.dumps({"images": [{**ROW, "filename": "x" * 300}]}), r"x{300} cannot be read: File name too long"),
    ],
    ids=[
        "empty",
        "deep",
        "latin1",
        "null",
        "list",
        "no captions",
        "blank",
        "no text",
        "surrogate",
        "no item",
        "no name",
        "long",
    ],
)
def test_a_malformed_listing_is_named(listing: str | bytes, problem: str, small: Small, tmp_path: Path) -> None:
    benchmark, folder = small("flickr30k")
    written = listing if isinstance(listing, bytes) else listing.encode()
    (folder / "dataset_flickr30k.json").write_bytes(written)
    with pytest.raises(UsageError, match=f"flickr30k is no copy of .*{problem}"):
        local_copy.open_copy(benchmark, folder, tmp_path, partial=True)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_listing_may_have_a_byte_order_mark(encoding: str, small: Small, tmp_path: Path) -> None:
    benchmark, folder = small("flickr30k")
    listing = folder / "dataset_flickr30k.json"
    listing.write_bytes(listing.read_text("utf-8").replace("two 0", "zwei Tür two").encode(encoding))
    assert local_copy.open_copy(benchmark, folder, tmp_path)[1].captions[0] == "zwei Tür two"


def test_a_folder_in_the_place_of_a_listing_is_named(small: Small, tmp_path: Path) -> None:
    benchmark, folder = small("esc50")
    (folder / "meta/esc50.csv").unlink()
    (folder / "meta/esc50.csv").mkdir()
    with pytest.raises(UsageError, match=r"no copy of .*esc50\.csv cannot be read: Is a directory"):
        local_copy.open_copy(benchmark, folder, tmp_path)


def test_a_manifest_without_the_files_of_the_benchmark_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"id": "1", "captions": ["dog"], "image": "1.png"}\n')
    with pytest.raises(UsageError, match=r"no copy of ESC-50, fold 1: .*item '1' has no audio"):
        local_copy.open_copy(BENCHMARKS["esc50"], tmp_path, tmp_path, partial=True)
    with pytest.raises(UsageError, match=r"no copy of ModelNet40: \S+templates\.json is missing"):
        local_copy.open_copy(BENCHMARKS["modelnet40"], tmp_path, tmp_path, partial=True)


def test_two_items_with_one_id_are_named(tmp_path: Path) -> None:
    row = '{"id": "1", "captions": ["dog"], "audio": "1.wav"}\n'
    (tmp_path / "1.wav").touch()
    (tmp_path / "manifest.jsonl").write_text(2 * row)
    named = rf"two records of ESC-50, fold 1 in {re.escape(str(tmp_path))} have the id '1'"
    with pytest.raises(UsageError, match=named):
        local_copy.open_copy(BENCHMARKS["esc50"], tmp_path, tmp_path, partial=True)


def test_a_manifest_in_another_encoding_is_named(tmp_path: Path) -> None:
    row = '{"id": "1", "captions": ["Tür"], "audio": "1.wav"}\n'
    (tmp_path / "1.wav").touch()
    (tmp_path / "manifest.jsonl").write_bytes(row.encode("utf-8-sig"))
    [record] = local_copy.open_copy(BENCHMARKS["esc50"], tmp_path, tmp_path, partial=True)
    assert record.captions == ("Tür",)
    (tmp_path / "manifest.jsonl").write_bytes(row.encode("utf-16"))
    with pytest.raises(UsageError, match=r"manifest\.jsonl is not in UTF-8, after line 0: .*; save it as UTF-8"):
        local_copy.open_copy(BENCHMARKS["esc50"], tmp_path, tmp_path, partial=True)


def test_a_manifest_takes_the_place_of_the_layout(tmp_path: Path) -> None:
    rows = [{"id": str(i), "captions": [name], "audio": f"{i}.wav"} for i, name in enumerate(("dog", "cat", "dog"))]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for i in range(3):
        (tmp_path / f"{i}.wav").touch()
    benchmark = dataclasses.replace(BENCHMARKS["esc50"], items=3, classes=2)
    records = local_copy.open_copy(benchmark, tmp_path, tmp_path)
    assert local_copy.classes_of(benchmark, records) == {"dog": "dog", "cat": "cat"}


def test_points_keep_their_place_and_colour(small: Small, tmp_path: Path) -> None:
    benchmark, folder = small("modelnet40")
    first, second = local_copy.open_copy(benchmark, folder, tmp_path / "work")
    rows = np.load(first.files[Modality.POINT_CLOUD])
    np.testing.assert_allclose(rows[:, :3], np.random.default_rng(0).normal(size=(20, 3)), atol=1e-6)
    np.testing.assert_allclose(rows[:, 3:], 0.4, atol=1e-6)
    assert (first.captions, second.captions) == (("class two",), ("class one",))


def test_points_of_another_copy_are_written_again(tmp_path: Path) -> None:
    """The files keep the number of an object, and archives keep the old times of their files."""
    source, path = tmp_path / "source.npy", tmp_path / "0.npy"
    for time, height in ((2000, 1), (1000, 2)):
        source.touch()
        os.utime(source, (time, time))
        point_arrays.write_points(path, np.full((1, 3), height, np.float32), 0.5, source)
        assert np.load(path)[0, 0] == height
    point_arrays.write_points(path, np.zeros((1, 3), np.float32), 0.5, source)
    assert np.load(path)[0, 0] == 2  # the same copy is not written again
    path.write_bytes(b"an interrupted run")
    point_arrays.write_points(path, np.zeros((1, 3), np.float32), 0.5, source)
    assert np.load(path)[0, 0] == 0


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("ran",)


def test_a_pickle_that_runs_code_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("evil.npy", {"xyz": Hostile()}, allow_pickle=True)
    with pytest.raises(ValueError, match=r"names posix\.mkdir"):
        point_arrays.load_objects(Path("evil.npy"))
    assert not Path("ran").exists()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):  # those of other versions of numpy and of Python
        with Path("old.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
            pickle.dump(np.array({"xyz": np.arange(3.0), "n": np.float64(2)}, object), file, protocol)
        found = point_arrays.load_objects(Path("old.npy"))
        assert found["xyz"].tolist() == [0, 1, 2]
        assert found["n"] == 2


def vectors(*angles: float) -> Floats:
    """Unit vectors in the plane, by their angles in degrees: the nearer the angle, the nearer the vector."""
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_both_directions_of_planted_captions() -> None:
    # Item 0 is at 0 degrees, item 1 at 90. The second caption of item 0 is far from it, that of item 1 is near item 1.
    forth, back = protocols.both_directions(vectors(0, 90), vectors(5, 80, 88), [0, 0, 1])
    assert [places.tolist() for places in forth.places] == [[1, 2], [1]]  # any caption of the item counts
    assert [places.tolist() for places in back.places] == [[1], [2], [1]]  # every caption asks
    assert back.groups.tolist() == [0, 0, 1]  # the captions of an item are resampled together
    assert back.average_precision.tolist() == [1, 0.5, 1]


def test_a_class_is_the_mean_direction_of_its_templates() -> None:
    prompted = vectors(0, 90, 40, 130)  # the first template of both classes, then the second
    np.testing.assert_allclose(protocols.class_vectors(prompted, 2), vectors(20, 110), atol=1e-6)


def test_planted_classes_and_labels() -> None:
    classes = vectors(0, 45, 90)
    found = protocols.classify(vectors(2, 30, 80), classes, [0, 0, 0])
    assert [places.tolist() for places in found.places] == [[1], [2], [3]]
    tagged = protocols.tag(vectors(0, 10, 80), classes, [[0], [2, 0], [0]])
    # Class 0 has all items; class 1 none, and does not ask; class 2 has the second of three.
    assert [places.tolist() for places in tagged.places] == [[1, 2, 3], [2]]
    assert tagged.average_precision.mean() == pytest.approx((1 + 1 / 2) / 2)


def test_only_the_papers_models_have_a_difference() -> None:
    row = {"R@1": 50.0, "R@5": 60.0}
    clotho = BENCHMARKS["clotho"]
    own = run.compared(clotho, FULL, row)
    assert own["paper"] == {"R@1": 23.22, "R@5": 49.36}
    assert own["difference"] == {"R@1": 26.78, "R@5": 10.64}
    assert own["published"]["omnibind-base"] == {"R@1": 20.94, "R@5": 46.77}
    assert "difference" not in run.compared(clotho, "mini", row)
    assert run.compared(BENCHMARKS["urbansound8k"], FULL, row) == {}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of three benchmarks that the weightless model answers: sounds by class, pictures by captions, labels."""
    home = tmp_path / "shelf"
    (home / "esc50/audio").mkdir(parents=True)
    (home / "esc50/meta").mkdir()
    lines = ["filename,fold,category"]
    for hertz, name in ((110, "low"), (150, "low"), (5000, "high")):
        wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000)
        soundfile.write(home / f"esc50/audio/{hertz}.wav", wave, 16_000)
        lines.append(f"{hertz}.wav,1,{name}")
    (home / "esc50/meta/esc50.csv").write_text("\n".join(lines) + "\n")
    pictures = home / "flickr30k/flickr30k-images"
    pictures.mkdir(parents=True)
    for name in ("red", "green", "blue"):
        Image.fromarray(np.full((32, 32, 3), COLORS[name], np.uint8)).save(pictures / f"{name}.png")
    # The second caption of blue is wrong: it finds red, and ties with the captions of red, which then come second.
    said = {"red": ["red", "red"], "green": ["green", "green"], "blue": ["blue", "red"]}
    rows = [
        {"filename": f"{name}.png", "split": "test", "sentences": [{"raw": text} for text in texts]}
        for name, texts in said.items()
    ]
    (home / "flickr30k/dataset_flickr30k.json").write_text(json.dumps({"images": rows}))
    labels = [{"id": hertz, "captions": names, "audio": f"../esc50/audio/{hertz}.wav"} for hertz, names in (
        ("110", ["low"]), ("150", ["low", "high"]), ("5000", ["high"]))]  # fmt: skip
    (home / "audioset").mkdir()
    (home / "audioset/manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels))
    counts = {"esc50": (3, 2), "flickr30k": (3, 0), "audioset": (3, 2)}
    for name, (items, classes) in counts.items():
        changed = dataclasses.replace(BENCHMARKS[name], items=items, classes=classes)
        monkeypatch.setitem(benchmarks.BENCHMARKS, name, changed)
    return home


def ask(*arguments: object) -> str:
    app = CommandGroup()
    app.command()(command)
    answer = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert answer.exit_code == 0
    return answer.stdout


def test_from_copies_to_a_table(shelf: Path, hashed_model: Path, tmp_path: Path) -> None:
    out, card = tmp_path / "report.json", tmp_path / "card.md"
    asked = (shelf, "--benchmark", "all", "--model", hashed_model, "--cache", tmp_path / "cache", "--format", "json")
    rows = {
        (row["benchmark"], row["direction"]): row for row in json.loads(ask(*asked, "--out", out, "--markdown", card))
    }
    assert list(rows) == [
        ("audioset", "class to audio"),
        ("esc50", "audio to class"),
        ("flickr30k", "image to text"),
        ("flickr30k", "text to image"),
        ("flickr30k", "mean"),
    ]
    # `low` finds both low sounds first; `high` finds the high one first, and the other at a tie with the third.
    assert rows["audioset", "class to audio"]["mAP"] == pytest.approx(100 * (1 + (1 + 2 / 3) / 2) / 2, abs=1e-3)
    assert rows["esc50", "audio to class"]["R@1"] == 100
    assert rows["flickr30k", "image to text"]["R@1"] == pytest.approx(100 * 2 / 3, abs=1e-3)
    assert rows["flickr30k", "text to image"]["R@1"] == pytest.approx(100 * 5 / 6, abs=1e-3)
    assert rows["flickr30k", "mean"]["R@1"] == pytest.approx(75, abs=1e-3)
    assert rows["flickr30k", "mean"]["published"][FULL] == {"R@1": 89.12, "R@5": 98.0}
    assert "published" not in rows["flickr30k", "image to text"]
    written = json.loads(out.read_text())
    assert written["benchmarks"]["esc50"]["templates"] == 1
    assert written["data"]["esc50"] == {"test": 3}
    assert "| esc50 | audio to class | 3 | 2 | 100.00 |" in card.read_text()
    assert "| 89.12 / 98.00 |" in card.read_text()
    # One benchmark alone is in the folder itself, or in the one below with its name.
    for folder in (shelf, shelf / "esc50"):
        found = json.loads(ask(folder, "--benchmark", "esc50", *asked[3:]))
        assert found == [rows["esc50", "audio to class"]]


def test_a_model_of_the_paper_is_compared_cell_by_cell(shelf: Path, tmp_path: Path) -> None:
    model, card = write_hashed_model(tmp_path / "official", FULL), tmp_path / "card.md"
    asked = (shelf, "--benchmark", "esc50", "--model", model, "--cache", tmp_path / "cache", "--format", "json")
    [row] = json.loads(ask(*asked, "--markdown", card))
    assert row["paper"] == {"R@1": 94.55, "R@5": 99.9}
    assert row["difference"] == {"R@1": 5.45, "R@5": 0.1}
    assert "| 94.55 / 99.90 | +5.45 / +0.10 |" in card.read_text()


def test_a_file_that_cannot_be_decoded_is_a_missing_item(shelf: Path, hashed_model: Path, tmp_path: Path) -> None:
    (shelf / "esc50/audio/150.wav").write_bytes(b"no sound")
    asked = (shelf, "--benchmark", "esc50", "--model", hashed_model, "--cache", tmp_path / "cache", "--format", "json")
    with pytest.raises(
        UsageError, match=r"has 3 items that can be decoded, and .*esc50 has 2\. \S+150\.wav cannot be decoded\. Get"
    ):
        ask(*asked)
    [row] = json.loads(ask(*asked, "--partial"))
    assert (row["queries"], row["R@1"]) == (2, 100)
    assert "published" not in row
    for hertz in (110, 5000):
        (shelf / f"esc50/audio/{hertz}.wav").write_bytes(b"no sound")
    with pytest.raises(UsageError, match=r"no item of ESC-50, fold 1 in \S+esc50 can be decoded, such as \S+110\.wav"):
        ask(*asked, "--partial")


def test_wrong_requests_are_named(shelf: Path, hashed_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no benchmark is called 'esc51'; did you mean 'esc50'"):
        ask(shelf, "--benchmark", "esc51")
    with pytest.raises(UsageError, match="--benchmark needs one folder"):
        ask("--benchmark", "esc50")
    with pytest.raises(UsageError, match="--benchmark has data of its own: leave out --split"):
        ask(shelf, "--benchmark", "esc50", "--split", "test")
    with pytest.raises(UsageError, match="--partial needs --benchmark"):
        ask(shelf, "--partial")
    with pytest.raises(UsageError, match="--benchmark and --mteb do not go together"):
        ask(shelf, "--benchmark", "esc50", "--mteb", "ESC50")
    with pytest.raises(UsageError, match="no folder that is called like a benchmark"):
        report.choose(["all"], tmp_path / "cache")


def test_a_report_that_cannot_be_written_is_refused_first(shelf: Path, tmp_path: Path) -> None:
    asked = (shelf, "--benchmark", "esc50", "--model", "no-such-model")  # found missing only after the outputs
    with pytest.raises(UsageError, match=r"--out \S+r\.json cannot be written: \S+gone is not a folder; make it first"):
        ask(*asked, "--out", tmp_path / "gone/r.json")
    with pytest.raises(UsageError, match=r"--markdown \S+ is a folder: name a file"):
        ask(*asked, "--markdown", tmp_path)
    with pytest.raises(UsageError, match=r"--format paths does not fit here"):
        ask(*asked, "--format", "paths")
