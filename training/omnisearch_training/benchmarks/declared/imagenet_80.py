"""ImageNet-1K with the 80 templates of OpenAI's CLIP, as most papers have it."""

from collections.abc import Sequence
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import PLAIN, Benchmark, Protocol
from omnisearch_training.benchmarks.declared.imagenet import LAYOUT, SOURCE, open_clip, read


def prompts(_: Path) -> Sequence[str]:
    """Return the 80 templates."""
    return [template(PLAIN) for template in open_clip().OPENAI_IMAGENET_TEMPLATES]


BENCHMARK = Benchmark(
    name="imagenet_80",
    title="ImageNet-1K (validation split), 80 templates",
    protocol=Protocol.CLASSIFICATION,
    query=Modality.IMAGE,
    target=Modality.TEXT,
    items=50_000,
    classes=1_000,
    prompts=prompts,
    source=SOURCE,
    layout=LAYOUT,
    read=read,
)
