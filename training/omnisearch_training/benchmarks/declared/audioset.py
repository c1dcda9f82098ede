"""AudioSet: sounds of YouTube with labels of 527 classes, the evaluation segments."""

import csv
from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import (
    BASE,
    FULL,
    LARGE,
    PAPER,
    Benchmark,
    Protocol,
    Published,
    item,
    one_prompt,
)
from omnisearch_training.benchmarks.layouts import files_by_stem, read_table
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read the evaluation segments whose sound is in the folder: many films are gone from YouTube."""
    names = {row["mid"]: row["display_name"] for row in read_table(folder / "class_labels_indices.csv")}
    sounds = files_by_stem(folder / "audio")
    with (folder / "eval_segments.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.reader((line for line in lines if not line.startswith("#")), skipinitialspace=True):
            key, labels = row[0], row[3].split(",")
            sound = sounds.get(key) or sounds.get(f"Y{key}")
            if sound is not None:
                yield item(key, [names[label] for label in labels], {Modality.AUDIO: sound})


BENCHMARK = Benchmark(
    name="audioset",
    title="AudioSet (evaluation segments)",
    protocol=Protocol.TAGGING,
    query=Modality.AUDIO,
    target=Modality.TEXT,
    items=19_048,
    classes=527,
    prompts=one_prompt("an audio of {}"),
    source="https://research.google.com/audioset/download.html, and the films from YouTube",
    layout="eval_segments.csv, class_labels_indices.csv and audio/<youtube id>.wav",
    read=read,
    published=Published(f"{PAPER}, Table 3", ("mAP",), {BASE: (21.19,), LARGE: (25.57,), FULL: (25.87,)}),
    note="The paper names no list of its 19,048 of the 20,371 segments. WavCaps and CLAP are trained on AudioSet.",
)
