"""A run, read from top to bottom: datasets, heads, pairs, projectors, routers, finish, the model's folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from blake3 import blake3

from omnisearch import __version__
from omnisearch.binding import checkpoint
from omnisearch.binding.config import MlpConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.console import err
from omnisearch.search.calibration import Background
from omnisearch.spaces import files
from omnisearch.spaces.base import Space
from omnisearch.spaces.registry import load_space
from omnisearch.types import Floats, Modality
from omnisearch_training import finish
from omnisearch_training.bind import Anchor, train_projectors
from omnisearch_training.datasets.split import Split
from omnisearch_training.features import Features, Table
from omnisearch_training.fetch import open_dataset
from omnisearch_training.gather import TEXT, Gathered, gather
from omnisearch_training.heads import train_head
from omnisearch_training.metrics import recall
from omnisearch_training.pairs import PairConfig, Pairs, read_pairs, write_pairs
from omnisearch_training.recipe import BindRecipe, HeadRecipe, Recipe, RouteRecipe
from omnisearch_training.route import train_routers


class Run:
    """One recipe being followed. Features and checkpoints are kept in `cache`; a killed run goes on from them."""

    def __init__(self, recipe: Recipe, settings: Settings, cache: Path, out: Path) -> None:
        self.recipe, self.settings = recipe, settings
        self.features = Features(cache / "features", settings)
        self.work = cache / "runs" / recipe.model.name
        self.out = out

    def follow(self) -> None:
        """Do every stage in order. What is already computed is not computed again."""
        for name, head in self.recipe.heads.items():
            self.train_head(name, head)
        spaces = {name: load_space(name, self.settings) for name in self.recipe.model.projectors}
        fusion = Fusion(self.recipe.model, {name: space.spec.dim for name, space in spaces.items()})
        splits = {split: self.gather(spaces, split) for split in (Split.TRAIN, Split.VALID)}
        if self.recipe.bind and self.recipe.pairs:
            self.bind(fusion, splits[Split.TRAIN], self.recipe.pairs, self.recipe.bind)
        if self.recipe.route and self.recipe.pairs:
            fusion = self.route(fusion, splits[self.recipe.route.split], self.recipe.pairs, self.recipe.route)
        self.write(fusion, splits)

    def train_head(self, name: str, head: HeadRecipe) -> None:
        """Train one specialist's head on the train split; note what it saw, and what it reaches on the valid one."""
        table = self.table(head.datasets, head.modality, head.tower)
        train, valid = table.of(Split.TRAIN), table.of(Split.VALID)
        trained = train_head(train.features, self.captions(train), train.groups, head.training, self.recipe.seed)
        notes = {
            "omnisearch": __version__,
            "recipe": head.model_dump_json(),
            "seed": str(self.recipe.seed),
            "items": json.dumps({"train": len(train.records), "valid": len(valid.records)}),
        }
        place = files.head(name).packaged
        assert place is not None
        trained.save(place, notes)
        items = load_space(name, self.settings).project(head.modality, valid.features)
        names = self.features.texts([record.captions[0] for record in valid.records])
        found = recall(names, items, valid.groups, valid.groups)
        err.print(f"head {name}: {len(train.records)} items, text to {head.modality} recall@10 {found.at[10]:.1f}")

    def bind(self, fusion: Fusion, data: Gathered, config: PairConfig, bind: BindRecipe) -> None:
        """Train the projector of every space that has one, in place."""
        pairs, folder = self.pairs(data, config, max(1, bind.training.k))
        anchor = Anchor(bind.anchor, data.embeddings)
        for name, projector in self.recipe.model.projectors.items():
            if isinstance(projector, MlpConfig):
                err.print(f"binding {name}")
                trained = train_projectors(
                    name, data.embeddings, anchor, pairs, bind.training, self.recipe.seed, data.groups, folder
                )
                fusion.projectors[name].load_state_dict(trained.state_dict())

    def route(self, fusion: Fusion, data: Gathered, config: PairConfig, route: RouteRecipe) -> Fusion:
        """Train the routers over the frozen projectors."""
        err.print(f"routing {', '.join(self.recipe.model.routers)}")
        pairs, folder = self.pairs(data, config, max(1, route.training.k))
        place = folder / "routers.safetensors"
        return train_routers(fusion, data.embeddings, pairs, route.training, self.recipe.seed, data.groups, place)

    def pairs(self, data: Gathered, config: PairConfig, k: int) -> tuple[Pairs, Path]:
        """Mine the pools, or read what was mined of the same pools before; return the table and its folder."""
        digest = blake3(config.model_dump_json().encode())
        for key in sorted(data.embeddings):
            digest.update(repr(key).encode() + np.ascontiguousarray(data.embeddings[key]).tobytes())
        folder = self.work / digest.hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        table = folder / "pairs.parquet"
        if not table.exists():
            write_pairs(table, data.pools, config, {"omnisearch": __version__, "seed": self.recipe.seed})
        return read_pairs(table, k), folder

    def write(self, fusion: Fusion, splits: Mapping[Split, Gathered]) -> None:
        """Estimate means, background and relevance, and write the model."""
        train, valid = splits[Split.TRAIN], splits[Split.VALID]
        parts = tuple(train.groups)
        finish.centre(fusion, train.embeddings)
        fused = {m: finish.fuse(fusion, m, train.embeddings) for m in parts}
        drawn = finish.background(fused, fusion.config.video, self.recipe.background, self.recipe.seed)
        matches = self.matches(fusion, valid)
        relevance = {m: finish.fit_relevance(Background(drawn), m, p, self.recipe.seed) for m, p in matches.items()}
        relevance[Modality.VIDEO] = relevance[Modality.IMAGE]
        fusion.config = fusion.config.model_copy(update={"relevance": relevance})
        checkpoint.write(self.out, fusion, drawn)

    def matches(self, fusion: Fusion, data: Gathered) -> dict[Modality, finish.Pairs]:
        """Queries and items that belong together: names to each modality, and every modality to names."""
        texts = finish.fuse(fusion, TEXT, data.embeddings)
        found = {
            m: finish.Pairs(texts[names], finish.fuse(fusion, m, data.embeddings)) for m, names in data.names.items()
        }
        queries = np.concatenate([pair.items for pair in found.values()])
        return found | {TEXT: finish.Pairs(queries, np.concatenate([pair.queries for pair in found.values()]))}

    def gather(self, spaces: Mapping[str, Space], split: Split) -> Gathered:
        """The pools of one split."""
        model = self.recipe.model
        tables = {}
        for m, datasets in self.recipe.pools.items():
            tower = spaces[model.spaces(m)[0]].spec.towers[m]
            tables[m] = self.table(datasets, m, tower).of(split)
        read = self.recipe.pairs.reads if self.recipe.pairs else {}
        wanted = {m: tuple(dict.fromkeys((*model.spaces(m), *read.get(m, ())))) for m in (*tables, TEXT)}
        return gather(tables, wanted, spaces, self.features)

    def table(self, datasets: Sequence[str], modality: Modality, tower: str) -> Table:
        """Several datasets' records and features as one table."""
        tables = [self.features.table(open_dataset(name), modality, tower) for name in datasets]
        return Table(tuple(r for t in tables for r in t.records), np.concatenate([t.features for t in tables]))

    def captions(self, table: Table) -> list[Floats]:
        """The caption embeddings of each record, the plain name's first."""
        flat = self.features.texts([caption for record in table.records for caption in record.captions])
        ends = np.cumsum([len(record.captions) for record in table.records])
        return np.split(flat, ends[:-1])
