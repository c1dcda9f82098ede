"""A run, read from top to bottom: datasets, heads, fusion, finish, the model's folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from omnisearch import __version__
from omnisearch.binding import checkpoint
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.console import err
from omnisearch.search.calibration import Background
from omnisearch.spaces.base import Space
from omnisearch.spaces.registry import load_space
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_training import finish
from omnisearch_training.datasets.split import Split
from omnisearch_training.features import TEXT_TOWER, Features, Table
from omnisearch_training.fetch import open_dataset
from omnisearch_training.heads import train_head
from omnisearch_training.metrics import recall
from omnisearch_training.recipe import HeadRecipe, Recipe

TEXT, VIDEO = Modality.TEXT, Modality.VIDEO


class Run:
    """One recipe being followed. Features are kept in `cache`; heads and model go where the package keeps them."""

    def __init__(self, recipe: Recipe, settings: Settings, cache: Path, heads: Path, out: Path) -> None:
        self.recipe, self.settings = recipe, settings
        self.features = Features(cache / "features", settings)
        self.heads, self.out = heads, out

    def follow(self) -> None:
        """Do every stage in order. What is already cached is not computed again."""
        for name, head in self.recipe.heads.items():
            self.train_head(name, head)
        self.write()

    def train_head(self, name: str, head: HeadRecipe) -> None:
        """Train one specialist's head on the train split, and note what it saw and what it reaches on the valid one."""
        table = self.table(head.datasets, head.modality, head.tower)
        train, valid = table.of(Split.TRAIN), table.of(Split.VALID)
        trained = train_head(train.features, self.captions(train), train.groups, head.training, self.recipe.seed)
        notes = {
            "omnisearch": __version__,
            "recipe": head.model_dump_json(),
            "seed": str(self.recipe.seed),
            "items": json.dumps({"train": len(train.records), "valid": len(valid.records)}),
        }
        trained.save(self.heads / f"{name}.safetensors", notes)
        found = recall(
            self.names(valid), self._project(name, head.modality, valid.features), valid.groups, valid.groups
        )
        err.print(
            f"head {name}: {len(train.records)} items; valid text to {head.modality} recall@10 {found.at[10]:.1f}"
        )

    def write(self) -> None:
        """Estimate means, background and relevance on the pools, and write the model."""
        spaces = {name: load_space(name, self.settings) for name in self.recipe.model.projectors}
        fusion = Fusion(self.recipe.model, {name: space.spec.dim for name, space in spaces.items()})
        tables = {m: self.pool(m) for m in self.recipe.finish.pools}
        train = {m: self.embed(spaces, m, t.of(Split.TRAIN)) for m, t in tables.items()}
        train[TEXT] = self.embed_texts(
            spaces, [r.captions[0] for t in tables.values() for r in t.of(Split.TRAIN).records]
        )
        finish.centre(fusion, train)
        pooled = {m: finish.fuse(fusion, m, embeddings) for m, embeddings in train.items()}
        drawn = finish.background(pooled, self.recipe.model.video, self.recipe.finish.background, self.recipe.seed)
        pairs = self.pairs(fusion, spaces, {m: t.of(Split.VALID) for m, t in tables.items()})
        relevance = {m: finish.fit_relevance(Background(drawn), m, p, self.recipe.seed) for m, p in pairs.items()}
        relevance[VIDEO] = relevance[Modality.IMAGE]
        fusion.config = self.recipe.model.model_copy(update={"relevance": relevance})
        checkpoint.write(self.out, fusion, drawn)

    def pairs(
        self, fusion: Fusion, spaces: Mapping[str, Space], tables: Mapping[Modality, Table]
    ) -> dict[Modality, finish.Pairs]:
        """Fused queries and items that belong together: names to each modality, and every modality to names."""
        found: dict[Modality, finish.Pairs] = {}
        for m, table in tables.items():
            items = finish.fuse(fusion, m, self.embed(spaces, m, table))
            names = finish.fuse(fusion, TEXT, self.embed_texts(spaces, [r.captions[0] for r in table.records]))
            found[m] = finish.Pairs(names, items)
        turned = [finish.Pairs(p.items, p.queries) for p in found.values()]
        found[TEXT] = finish.Pairs(
            np.concatenate([p.queries for p in turned]), np.concatenate([p.items for p in turned])
        )
        return found

    def pool(self, modality: Modality) -> Table:
        """The records of a modality's pool with the features of its tower."""
        config = self.recipe.model
        tower = load_space(config.spaces(modality)[0], self.settings).spec.towers[modality]
        return self.table(self.recipe.finish.pools[modality], modality, tower)

    def table(self, datasets: Sequence[str], modality: Modality, tower: str) -> Table:
        """Several datasets' records and features as one table."""
        tables = [self.features.table(open_dataset(name), modality, tower) for name in datasets]
        return Table(tuple(r for t in tables for r in t.records), np.concatenate([t.features for t in tables]))

    def captions(self, table: Table) -> list[Floats]:
        """The caption embeddings of each record, the plain name's first."""
        flat = self.features.texts([caption for record in table.records for caption in record.captions])
        ends = np.cumsum([len(record.captions) for record in table.records])
        return np.split(flat, ends[:-1])

    def names(self, table: Table) -> Floats:
        """The embeddings of the plain names."""
        return self.features.texts([record.captions[0] for record in table.records])

    def embed(self, spaces: Mapping[str, Space], modality: Modality, table: Table) -> SpaceEmbeddings:
        """Space embeddings of a table, from its tower's features. All spaces of a modality read one tower here."""
        names = self.recipe.model.spaces(modality)
        return {(name, modality): spaces[name].project(modality, table.features) for name in names}

    def embed_texts(self, spaces: Mapping[str, Space], texts: Sequence[str]) -> SpaceEmbeddings:
        """Space embeddings of texts."""
        rows = self.features.texts(texts)
        assert all(space.spec.towers[TEXT] == TEXT_TOWER for space in spaces.values())
        return {(name, TEXT): spaces[name].project(TEXT, rows) for name in self.recipe.model.spaces(TEXT)}

    def _project(self, name: str, modality: Modality, features: Floats) -> Floats:
        return load_space(name, self.settings).project(modality, features)
