"""Small copies of the data of every benchmark, in the layout in which it is published: two items, or two classes."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ONE, TWO = "one", "two"


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.name.encode())


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _audiocaps(folder: Path) -> None:
    rows = [
        {"id": f"Y{key}.wav", "audio": "/elsewhere", **{f"caption_{i}": f"{key} {i}" for i in range(1, 6)}}
        for key in (ONE, TWO)
    ]
    _write_json(folder / "test.json", {"num_captions_per_audio": 5, "data": rows})
    _touch(folder / "audio/Yone.wav")
    _touch(folder / "audio/two.flac")  # as others name the clips


def _clotho(folder: Path) -> None:
    rows = [{"file_name": f"{key}.wav", **{f"caption_{i}": f"{key}, {i}" for i in range(1, 6)}} for key in (ONE, TWO)]
    _write_table(folder / "clotho_captions_evaluation.csv", rows)
    for key in (ONE, TWO):
        _touch(folder / f"evaluation/{key}.wav")


def _vggss(folder: Path) -> None:
    _write_json(folder / "vggss.json", [{"file": key, "class": f"class {key}", "bbox": []} for key in (ONE, TWO)])
    _pairs(folder)


def _pairs(folder: Path) -> None:
    for key in (ONE, TWO):
        _touch(folder / f"audio/{key}.wav")
        _touch(folder / f"frames/{key}.jpg")


def _flickrnet(folder: Path) -> None:
    _pairs(folder)
    _touch(folder / "audio/alone.wav")


def _karpathy(listing: str, place: str, images: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        rows = [
            {"filename": f"{key}.jpg", "split": split, "sentences": [{"raw": f"{key} {i} "} for i in range(5)]}
            | ({"filepath": place} if place else {})
            for key, split in ((ONE, "test"), ("other", "train"), (TWO, "test"))
        ]
        _write_json(folder / listing, {"images": rows})
        for key in (ONE, TWO):
            _touch(folder / images / f"{key}.jpg")

    return write


def _msrvtt(folder: Path) -> None:
    sentences = [{"video_id": key, "caption": f"{key} {i}"} for i in range(20) for key in (ONE, TWO)]
    _write_json(
        folder / "test_videodatainfo.json",
        {"videos": [{"video_id": key, "split": "test"} for key in (ONE, TWO)], "sentences": sentences},
    )
    for key in (ONE, TWO):
        _touch(folder / f"videos/{key}.mp4")


def _objaverse_pairs(folder: Path) -> None:
    rows = [{"id": key, "captions": [key], "point_cloud": f"{key}.npy", "image": f"{key}.png"} for key in (ONE, TWO)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for key in (ONE, TWO):
        _touch(folder / f"{key}.npy")
        _touch(folder / f"{key}.png")


def _audioset(folder: Path) -> None:
    names = [{"mid": f"/m/{key}", "display_name": f"Class {key}, and more"} for key in (ONE, TWO)]
    _write_table(folder / "class_labels_indices.csv", names)
    (folder / "eval_segments.csv").write_text(
        "# Segments csv\n# num_ytids=3\n# YTID, start_seconds, end_seconds, positive_labels\n"
        'one, 0.000, 10.000, "/m/one"\n--two, 30.000, 40.000, "/m/one,/m/two"\ngone, 0.000, 10.000, "/m/two"\n'
    )
    _touch(folder / "audio/one.wav")
    _touch(folder / "audio/Y--two.flac")


def _esc50(folder: Path) -> None:
    rows = [
        {"filename": f"{fold}-{key}.wav", "fold": fold, "target": i, "category": f"class_{key}"}
        for fold in (1, 5)
        for i, key in enumerate((ONE, TWO))
    ]
    _write_table(folder / "meta/esc50.csv", rows)
    for row in rows:
        _touch(folder / "audio" / str(row["filename"]))


def _urbansound8k(folder: Path) -> None:
    rows = [
        {"slice_file_name": f"{key}.wav", "fold": fold, "class": f"class_{key}"} for fold, key in ((1, ONE), (10, TWO))
    ]
    _write_table(folder / "metadata/UrbanSound8K.csv", rows)
    for row in rows:
        _touch(folder / f"audio/fold{row['fold']}" / str(row["slice_file_name"]))


def _imagenet(folder: Path) -> None:
    for key in ("n01440764", "n01443537"):
        _touch(folder / f"val/{key}/image.JPEG")


def _uni3d(folder: Path, key: str) -> None:
    _write_json(folder / "labels.json", {key: ["class one", "class two"]})
    _write_json(folder / "templates.json", {"modelnet40_64": ["a model of {}.", "a toy {}."]})


def _points(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(20, 3)).astype(np.float32)


def _objaverse_lvis(folder: Path) -> None:
    _uni3d(folder, "objaverse_lvis_openshape")
    home = folder / "test_datasets/objaverse_lvis"
    (home / "points").mkdir(parents=True)
    (home / "lvis_testset.txt").write_text("0,class_one,one,/points/one.npy\n1,class_two,two,/points/two.npy\n")
    for seed, key in enumerate((ONE, TWO)):
        colours = np.full((20, 3), 0.5, np.float32)
        np.save(home / f"points/{key}.npy", {"xyz": _points(seed), "rgb": colours, "text": ["x"]}, allow_pickle=True)


def _scanobjectnn(folder: Path) -> None:
    _uni3d(folder, "scanobjnn_openshape")
    home = folder / "test_datasets/scanobjectnn"
    home.mkdir(parents=True)
    content = {"xyz": np.stack([_points(0), _points(1)]), "label": np.array([0, 1])}
    np.save(home / "xyz_label.npy", content, allow_pickle=True)


def _modelnet40(folder: Path) -> None:
    _uni3d(folder, "modelnet40_openshape")
    home = folder / "test_datasets/modelnet40"
    home.mkdir(parents=True)
    (home / "modelnet40_shape_names.txt").write_text("class_one\nclass_two\n")
    _write_json(home / "test_split.json", [{"category": "class_two"}, {"category": "class_one"}])
    colours = np.full((20, 3), 102)
    content = np.array([{"xyz": _points(seed), "rgb": colours} for seed in (0, 1)], dtype=object)
    np.save(home / "test_pc.npy", content, allow_pickle=True)


COPIES: Mapping[str, Callable[[Path], None]] = {
    "audiocaps": _audiocaps,
    "audioset": _audioset,
    "clotho": _clotho,
    "coco": _karpathy("dataset_coco.json", "val2014", "val2014"),
    "esc50": _esc50,
    "esc50_all": _esc50,
    "flickr30k": _karpathy("dataset_flickr30k.json", "", "flickr30k-images"),
    "flickrnet": _flickrnet,
    "imagenet": _imagenet,
    "imagenet_80": _imagenet,
    "modelnet40": _modelnet40,
    "msrvtt": _msrvtt,
    "objaverse_lvis": _objaverse_lvis,
    "objaverse_pairs": _objaverse_pairs,
    "scanobjectnn": _scanobjectnn,
    "urbansound8k": _urbansound8k,
    "vggss": _vggss,
}
