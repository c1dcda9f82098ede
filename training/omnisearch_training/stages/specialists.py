"""The kinds of specialists, and the training of each."""

from collections.abc import Mapping
from pathlib import Path

from omnisearch.spaces.head import Head
from omnisearch.spaces.nn.point_network import ShapeNet
from omnisearch.spaces.trained_network import Network
from omnisearch_training.stages.crossfit import Lessons
from omnisearch_training.stages.heads import HeadConfig, train_head
from omnisearch_training.stages.point_network import ShapeConfig, train_shape

NETWORKS: Mapping[str, type[Network]] = {"head": Head, "shape": ShapeNet}


def train_network(lessons: Lessons, config: HeadConfig | ShapeConfig, seed: int, checkpoint: Path) -> Network:
    """Train a network on lessons; a long training resumes from its checkpoint, which is removed at the end."""
    features, captions, concepts = lessons.features, lessons.captions, lessons.concepts
    if isinstance(config, HeadConfig):
        return train_head(features, captions, concepts, config, seed)
    network = train_shape(features, captions, lessons.teacher, concepts, config, seed, checkpoint)
    checkpoint.unlink(missing_ok=True)
    return network
