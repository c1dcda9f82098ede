"""The text stage of a run, and the same stage alone, which adds spaces to an existing model."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from blake3 import blake3

from omnisearch.binding import checkpoint, model_files
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import Space
from omnisearch.spaces.registry import load_space
from omnisearch.types import Floats
from omnisearch_training import provenance
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.load import check, open_named
from omnisearch_training.recipe import Recipe
from omnisearch_training.stages.features import Features
from omnisearch_training.stages.texts import TEXT, bind_space, read_sentences, text_labels, train_text_router

log = logging.getLogger(__name__)


def bind_by_texts(
    recipe: Recipe,
    fusion: Fusion,
    spaces: Mapping[str, Space],
    records: Mapping[str, Sequence[Record]],
    features: Features,
    work: Path,
) -> None:
    """Bind the spaces of [texts] and train the text router if it says so, in place; checkpoints are kept in `work`."""
    config, seed = recipe.texts, recipe.seed
    assert config is not None
    found = read_sentences(config, records, seed)

    def embed(name: str, texts: Sequence[str]) -> Floats:
        return spaces[name].project(TEXT, features.texts(texts, spaces[name].spec.towers[TEXT]))

    log.info("texts: %d sentences, %d of them translated", len(found.texts), int((~found.untranslated).sum()))
    wanted = embed(config.anchor, found.meanings)
    folder = work / blake3(f"{config.model_dump_json()} {found} {seed}".encode()).hexdigest()[:16]
    for name in config.spaces:
        log.info("binding %s by texts", name)
        bind_space(fusion, name, embed(name, found.texts), wanted, found.groups, config, seed, folder)
    if config.router is not None:
        log.info("routing text")
        rows = {name: embed(name, found.texts) for name in fusion.config.spaces(TEXT)}
        labels = text_labels(fusion, config.anchor, found.untranslated)
        place = folder / "text-router.safetensors"
        train_text_router(fusion, rows, wanted, found.groups, labels, config.router, seed, place)


def bind_onto(recipe: Recipe, base: Path, out: Path, settings: Settings, cache: Path) -> None:
    """Add the spaces that [texts] binds to a model: everything else is that of the folder `base`.

    Its means, background and relevance are kept, so media and texts that the anchor reads keep their embeddings.

    Raises:
        UsageError: the recipe binds nothing by texts, or needs a tensor that neither `base` nor [texts] has.
        CheckpointError: `base` cannot be read.
    """
    if recipe.texts is None:
        raise UsageError(f"the recipe of {recipe.model.name} has no [texts] to bind by")
    records = {name: open_named(name) for name in recipe.texts.datasets}
    check(records)
    stored = checkpoint.read(base)
    judging = {name: getattr(stored.config, name) for name in model_files.JUDGING}
    config = recipe.model.model_copy(update=judging)
    spaces = {name: load_space(name, settings) for name in config.projectors}
    fusion = Fusion(config, {name: space.spec.dim for name, space in spaces.items()})
    made = tuple(f"{kind}.{name}" for name in recipe.texts.spaces for kind in ("projectors", "origins"))
    made += (f"routers.{TEXT}.",) if recipe.texts.router else ()
    state = fusion.state_dict()
    lacking = [name for name in state if not name.startswith(made) and name not in stored.tensors]
    if lacking:
        raise UsageError(f"{base} lacks {', '.join(lacking)} of the recipe's model, which [texts] does not make")
    fusion.load_state_dict(
        {n: t for n, t in stored.tensors.items() if n in state and not n.startswith(made)}, strict=False
    )
    bind_by_texts(recipe, fusion, spaces, records, Features(cache / "features", settings), cache / "runs" / config.name)
    checkpoint.write(out, fusion, stored.background)
    found = provenance.provenance(settings, config.projectors, records)
    known = base / provenance.FILE
    origin = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {"digest": stored.digest}
    provenance.write(out, {"recipe": recipe.model_dump(mode="json"), **found, "base": origin})
