"""A training run: datasets, specialists, pairs, projectors, routers, calibration, and the folder of the model."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from blake3 import blake3

from omnisearch import __version__
from omnisearch.binding import calibrate, checkpoint
from omnisearch.binding.background import Background
from omnisearch.binding.config import MlpConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import Space
from omnisearch.spaces.registry import SPACES, load_space
from omnisearch.spaces.trained_space import Specialist
from omnisearch.types import Floats, Modality
from omnisearch_training import provenance
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.load import check, open_named
from omnisearch_training.datasets.split import Split
from omnisearch_training.evaluate.metrics import recall
from omnisearch_training.provenance import timed
from omnisearch_training.recipe import Recipe, SpecialistRecipe
from omnisearch_training.stages.crossfit import CrossFit, Lessons, cross_fit, ship
from omnisearch_training.stages.features import Features
from omnisearch_training.stages.pool_embeddings import TEXT, Gathered, Items, gather
from omnisearch_training.stages.pools import Pools
from omnisearch_training.stages.projectors import Anchor, train_projectors
from omnisearch_training.stages.pseudo_pairs import PairConfig, Pairs, read_pairs, write_pairs
from omnisearch_training.stages.routers import train_routers
from omnisearch_training.stages.specialists import NETWORKS, train_network
from omnisearch_training.stages.texts import centre_space
from omnisearch_training.text_binding import bind_by_texts

log = logging.getLogger(__name__)


class Run:
    """One run of a recipe. Features and checkpoints are stored in `cache`; a killed run resumes from them."""

    def __init__(self, recipe: Recipe, settings: Settings, cache: Path, out: Path) -> None:
        self.recipe, self.settings = recipe, settings
        self.features = Features(cache / "features", settings)
        self.work = cache / "runs" / recipe.model.name
        self.out = out
        self.records = {name: open_named(name) for name in recipe.datasets}
        check(self.records)
        self.seconds: dict[str, float] = {}
        self.revision = provenance.revision()  # before this run writes tracked files

    def follow(self) -> None:
        """Run every stage in order. Stored results are not computed again."""
        model = self.recipe.model
        spaces = {name: CrossFit(load_space(name, self.settings)) for name in model.projectors}
        for name, each in self.recipe.specialists.items():
            spaces[name] = self.specialist(name, each, spaces[each.teacher] if each.teacher else None)
        fusion = Fusion(model, {name: spaces[name].space.spec.dim for name in model.projectors})
        final = {name: CrossFit(each.space) for name, each in spaces.items()}
        items = self.pools()
        train, valid = self.gather(spaces, items, Split.TRAIN), self.gather(final, items, Split.VALID)
        if self.recipe.texts:
            self.texts(fusion, {name: each.space for name, each in final.items()}, train)
        if self.recipe.pairs:
            # Retrievers may use memorised items: out of fold, one pair in thirty is right instead of half.
            known = self.gather(final, items, Split.TRAIN)
            if self.recipe.bind:
                self.bind(fusion, train, self.pairs(known, self.recipe.pairs, self.recipe.bind.training.k))
            if self.recipe.route:
                pairs = self.pairs(known, self.recipe.pairs, self.recipe.route.training.k)
                fusion = self.route(fusion, train, pairs)
        self.write(fusion, train, valid)
        self.note()

    @timed
    def specialist(self, name: str, recipe: SpecialistRecipe, teacher: CrossFit | None) -> CrossFit:
        """Train one specialist on the train split and without each fold; install it with a note of its data."""
        space, kind, modality = load_space(name, self.settings), recipe.training.kind, recipe.modality
        if (
            not isinstance(space, Specialist)
            or space.network is not NETWORKS[kind]
            or modality not in space.spec.towers
        ):
            raise UsageError(f"the recipe trains {name} as a {kind} for {modality}, which its declaration is not")
        tower = space.spec.towers[modality]
        eyes = [teacher.space.spec.towers[modality]] if teacher else []
        items = self.items(recipe.datasets, modality, (tower, *eyes))
        train, valid = items.of(Split.TRAIN), items.of(Split.VALID)
        captions = self.captions(train.records, space.spec.towers[TEXT])
        notes = {
            "omnisearch": __version__,
            "recipe": recipe.model_dump_json(),
            "seed": str(self.recipe.seed),
            "items": json.dumps({"train": len(train.records), "valid": len(valid.records)}),
        }

        def lessons(fold: int) -> Lessons:
            taught = [teacher.without(fold).project(modality, train.features[eye]) for eye in eyes] if teacher else []
            return Lessons(train.features[tower], captions, train.concepts, *taught)

        def learn(given: Lessons, path: Path) -> None:
            log.info("training %s on %d of %d items", name, len(given.concepts), len(train.records))
            train_network(given, recipe.training, self.recipe.seed, path.with_suffix(".checkpoint")).save(path, notes)

        fitted = cross_fit(space, lessons, learn, self.recipe.folds, self.work / "specialists", str(notes))
        ship(fitted.space)
        self.report(fitted, modality, train, valid)
        return fitted

    def report(self, fitted: CrossFit, modality: Modality, train: Items, valid: Items) -> None:
        """Log the recall of a specialist on new concepts, on training concepts, and on those out of fold."""
        # As many training items as new ones, so that the figures are comparable.
        rows = np.random.default_rng(self.recipe.seed).permutation(len(train.records))[: len(valid.records)]
        seen, final = train.take(rows), CrossFit(fitted.space)
        figures = {"valid": (final, valid), "train": (final, seen)}
        if fitted.folds:
            figures["train, out of fold"] = fitted, seen
        found = {name: self.recall(space, modality, items) for name, (space, items) in figures.items()}
        recalls = "; ".join(f"{name} {value:.1f}" for name, value in found.items())
        log.info("%s: %d items, text to %s recall@10 %s", fitted.space.spec.name, len(train.records), modality, recalls)

    def recall(self, space: CrossFit, modality: Modality, items: Items) -> float:
        """Return the recall@10 of items by the plain name of their concept, in per cent."""
        towers = space.space.spec.towers
        names = self.features.texts([record.captions[0] for record in items.records], towers[TEXT])
        queries = space.project(TEXT, names, items.concepts)
        targets = space.project(modality, items.features[towers[modality]], items.concepts)
        return recall(queries, targets, items.concepts, items.concepts).at[10]

    @timed
    def texts(self, fusion: Fusion, spaces: Mapping[str, Space], data: Gathered) -> None:
        """Bind spaces by texts; the means of their other modalities are those of the pools."""
        bind_by_texts(self.recipe, fusion, spaces, self.records, self.features, self.work)
        for (name, part), rows in data.embeddings.items():
            if part is not TEXT and name in fusion.projectors:
                centre_space(fusion, name, part, rows)

    @timed
    def bind(self, fusion: Fusion, data: Gathered, pairs: Pairs) -> None:
        """Train the projector of every space that has one, in place."""
        bind = self.recipe.bind
        assert bind is not None
        folder = self.place(data, f"{self.recipe.pairs} {bind.model_dump_json()}")
        anchor = Anchor(bind.anchor, data.embeddings)
        by_texts = self.recipe.texts.spaces if self.recipe.texts else ()
        for name, projector in self.recipe.model.projectors.items():
            if isinstance(projector, MlpConfig) and name not in by_texts:
                log.info("binding %s", name)
                trained = train_projectors(
                    name, data.embeddings, anchor, pairs, bind.training, self.recipe.seed, data.groups, folder
                )
                fusion.projectors[name].load_state_dict(trained.state_dict())

    @timed
    def route(self, fusion: Fusion, data: Gathered, pairs: Pairs) -> Fusion:
        """Train the routers over the frozen projectors."""
        assert self.recipe.route is not None
        log.info("routing %s", ", ".join(self.recipe.model.routers))
        place = self.place(data, self.recipe.model_dump_json()) / "routers.safetensors"
        training = self.recipe.route.training
        kept = (TEXT,) if self.recipe.texts and self.recipe.texts.router else ()
        return train_routers(fusion, data.embeddings, pairs, training, self.recipe.seed, data.groups, place, kept=kept)

    def pairs(self, data: Gathered, config: PairConfig, k: int) -> Pairs:
        """Mine the pairs, or read them if they were mined from the same embeddings before."""
        read = {(space, m): data.embeddings[space, m] for m, spaces in config.reads.items() for space in spaces}
        pools = Pools(read, data.sources)
        name = blake3(f"{config.model_dump_json()} {pools.digest()}".encode()).hexdigest()
        table = self.work / name[:16] / "pairs.parquet"
        if not table.exists():
            write_pairs(table, pools, config, {"omnisearch": __version__, "seed": self.recipe.seed})
        return read_pairs(table, k)

    def place(self, data: Gathered, settings: str) -> Path:
        """Return the checkpoint folder of a training with these settings on these embeddings."""
        name = blake3(f"{settings} {self.recipe.seed} {data.pools.digest()}".encode()).hexdigest()
        return self.work / name[:16]

    @timed
    def write(self, fusion: Fusion, train: Gathered, valid: Gathered) -> None:
        """Estimate means, background and relevance, and write the model."""
        parts = tuple(train.groups)
        calibrate.centre(fusion, train.embeddings)
        fused = {m: calibrate.fuse(fusion, m, train.embeddings) for m in parts}
        drawn = calibrate.background(fused, fusion.config.video, self.recipe.background, self.recipe.seed)
        found = calibrate.weigh(Background(drawn), *self.sides(fusion, valid))
        fitted = {"relevance": calibrate.by_target(found), "relevance_by_query": calibrate.by_pair(found)}
        fusion.config = fusion.config.model_copy(update=fitted)
        checkpoint.write(self.out, fusion, drawn)

    def note(self) -> None:
        """Write the provenance beside the model."""
        found = provenance.provenance(self.settings, self.recipe.model.projectors, self.records)
        document = {"recipe": self.recipe.model_dump(mode="json"), **found, **self.revision, "seconds": self.seconds}
        provenance.write(self.out, document)

    def sides(
        self, fusion: Fusion, data: Gathered
    ) -> tuple[dict[Modality, calibrate.Side], dict[Modality, calibrate.Side]]:
        """Return the queries and items to fit relevance on. All items are both, but texts query by plain name only."""
        offered = {
            m: calibrate.Side(calibrate.fuse(fusion, m, data.embeddings), groups, np.arange(len(groups)))
            for m, groups in data.groups.items()
        }
        names, texts = np.unique(np.concatenate(list(data.names.values()))), offered[TEXT]
        asking = calibrate.Side(texts.rows[names], texts.groups[names], names)
        return offered | {TEXT: asking}, offered

    @timed
    def pools(self) -> dict[Modality, Items]:
        """Return the items of each modality with the features of its towers."""
        towers = {m: tuple(dict.fromkeys(SPACES[name].towers[m] for name in self.wanted(m))) for m in self.recipe.pools}
        towers[TEXT] = ()  # texts are the captions of records
        return {m: self.items(datasets, m, towers[m]) for m, datasets in self.recipe.pools.items()}

    @timed
    def gather(self, spaces: Mapping[str, CrossFit], items: Mapping[Modality, Items], split: Split) -> Gathered:
        """Return the pools of one split; for spaces with folds, by the networks that never saw the items."""
        wanted = {m: self.wanted(m) for m in (*items, TEXT)}
        return gather({m: each.of(split) for m, each in items.items()}, wanted, spaces, self.features)

    def wanted(self, modality: Modality) -> tuple[str, ...]:
        """Return the spaces that the model or a retriever needs for a modality."""
        read = self.recipe.pairs.reads[modality] if self.recipe.pairs else ()
        return tuple(dict.fromkeys((*self.recipe.model.spaces(modality), *read)))

    def towers(self, modality: Modality) -> tuple[str, ...]:
        """Return every tower of a modality in this run: for specialists, the model or retrievers."""
        reading = [SPACES[name].towers for name in (*self.recipe.specialists, *self.wanted(modality))]
        return tuple(dict.fromkeys(towers[modality] for towers in reading if modality in towers))

    def items(self, datasets: Sequence[str], modality: Modality, towers: Sequence[str]) -> Items:
        """Return the records of several datasets with their features."""
        return Items.chain([self.dataset(self.records[name], modality, towers) for name in datasets])

    def dataset(self, records: Sequence[Record], modality: Modality, towers: Sequence[str]) -> Items:
        """Return one dataset's records with their features; each file is decoded once for the whole run."""
        if not towers:
            return Items(tuple(records), {})
        # Decoding takes longer than most towers, and rendering longer than any.
        self.features.fill([record for record in records if modality in record.files], modality, self.towers(modality))
        return Items.join({tower: self.features.table(records, modality, tower) for tower in towers})

    def captions(self, records: Sequence[Record], tower: str) -> list[Floats]:
        """Return the caption embeddings of each record, the plain name first."""
        flat = self.features.texts([caption for record in records for caption in record.captions], tower)
        ends = np.cumsum([len(record.captions) for record in records])
        return np.split(flat, ends[:-1])
