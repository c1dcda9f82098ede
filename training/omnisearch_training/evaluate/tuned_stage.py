"""A last stage of the image tower that was trained on captions, asked for kinds of pictures that it never saw."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from omnisearch.spaces.head import Head
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats
from omnisearch_training.evaluate.kind_questions import Embed, caption_rows, questions, taught_without
from omnisearch_training.evaluate.kinds_report import Variant
from omnisearch_training.stages.heads import HeadConfig, train_head
from omnisearch_training.stages.last_stage import StageConfig, see, tune
from omnisearch_training.stages.pool_embeddings import Items

MAPS = "maps"  # the key of the maps among an item's features
# The variants: the head alone, the class words alone, and both with equal weight, with the stage as it is and trained.
# The head has the same steps of training in all. With two stages the class words keep the stage as it is.
HEAD, WORDS, BOTH = "head", "class words", "both"
TUNED_HEAD, TUNED_WORDS, TUNED_BOTH = (f"{name}, trained stage" for name in (HEAD, WORDS, BOTH))
TWO_STAGES = f"{BOTH}, two stages"

Heads = tuple[Head, Head, nn.Module]


@dataclass(frozen=True, eq=False)
class TunedStage:
    """The stage and the classifier (weight, bias) of a tower, and how the stage and its head are trained.

    `words(features)` are the embeddings (n, dim) of the classes of pictures (n, width).
    """

    tower: str
    stage: nn.Module
    classifier: tuple[Tensor, Tensor]
    training: HeadConfig
    config: StageConfig
    words: Callable[[Floats], Floats]
    embed: Embed
    _trained: dict[tuple[int, tuple[str, ...]], Heads] = field(default_factory=dict)

    def ask(self, items: Mapping[str, Items], kind: str, seed: int) -> dict[str, Variant]:
        """Train on the train split of the other kinds, and ask for this kind by names.

        Kinds without a train split leave the same items to train on, so these are trained once.
        """
        asked = items[kind]
        head, tuned_head, stage = self._train(taught_without(items, kind), seed)
        before, after = asked.features[self.tower], see(stage, asked.features[MAPS]).numpy()
        with torch.inference_mode():
            heads = [each(torch.from_numpy(rows)).numpy() for each, rows in ((head, before), (tuned_head, after))]
        words = [self.words(rows) for rows in (before, after)]
        found = {
            HEAD: (heads[0], None),
            TUNED_HEAD: (heads[1], HEAD),
            WORDS: (words[0], None),
            TUNED_WORDS: (words[1], WORDS),
            BOTH: (heads[0] + words[0], None),
            TUNED_BOTH: (heads[1] + words[1], BOTH),
            TWO_STAGES: (heads[1] + words[0], BOTH),
        }
        wanted = questions(asked.records)
        queries = self.embed(wanted.names)
        return {name: Variant(wanted.rank(queries, unit(rows)), over) for name, (rows, over) in found.items()}

    def _train(self, taught: Items, seed: int) -> Heads:
        """Return the head on the stage as it is, and the head and the stage that were trained together."""
        key = (seed, tuple(record.id for record in taught.records))
        if key not in self._trained:
            captions = caption_rows(taught.records, self.embed)
            first = train_head(taught.features[self.tower], captions, taught.concepts, self.training, seed)
            (_, head), (stage, tuned_head) = (
                tune(
                    self.stage,
                    first,
                    self.classifier,
                    taught.features[MAPS],
                    captions,
                    taught.concepts,
                    self.training,
                    self.config,
                    seed,
                    frozen,
                )
                for frozen in (True, False)
            )
            self._trained[key] = head, tuned_head, stage
        return self._trained[key]
