"""ImageNet-1K: photographs of a thousand classes, the validation split, with one template."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omnisearch.spaces.optional_packages import need
from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, item, one_prompt, table_3
from omnisearch_training.datasets import Record

SOURCE = "https://www.image-net.org/download.php, ILSVRC2012_img_val.tar, sorted into a folder for each class"
LAYOUT = "val/<WordNet id>/, a folder for each of the 1,000 classes"


def open_clip() -> Any:
    """Import open_clip, which has the names of the classes, in the order of their ids, and OpenAI's templates."""
    return need("open_clip", "paper")


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read a folder for each class. Two pairs of classes share a name, so a class is known by its id."""
    classes = sorted(path for path in (folder / "val").iterdir() if path.is_dir())
    for path, name in zip(classes, open_clip().IMAGENET_CLASSNAMES, strict=False):
        for image in sorted(path.iterdir()):
            yield item(f"{path.name}/{image.name}", [name], {Modality.IMAGE: image}, path.name)


BENCHMARK = Benchmark(
    name="imagenet",
    title="ImageNet-1K (validation split)",
    protocol=Protocol.CLASSIFICATION,
    query=Modality.IMAGE,
    target=Modality.TEXT,
    items=50_000,
    classes=1_000,
    prompts=one_prompt("a photo of a {}."),
    source=SOURCE,
    layout=LAYOUT,
    read=read,
    published=table_3((76.18, 94.02), (78.87, 95.32), (79.11, 95.49)),
    note="The paper does not state its templates; its figures of single spaces are those of one template.",
)
