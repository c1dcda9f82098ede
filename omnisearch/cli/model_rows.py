"""The rows that `omnisearch models` prints: models, weight files, steps of a plan and comparisons of samples."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from omnisearch.config import Settings
from omnisearch.errors import CheckpointError, ModelMissingError, UsageError, WeightsError
from omnisearch.types import Modality
from omnisearch.wording import byte_size

if TYPE_CHECKING:
    from omnisearch.binding.direction import Direction
    from omnisearch.binding.plan import Step
    from omnisearch.binding.sanity_check import Comparison

PULL, NOT_PULLED = "omnisearch models pull", "not pulled"


def model_row(name: str, settings: Settings) -> dict[str, Any]:
    """Return the facts of a model, under the names that the HTTP API gives them; sizes are in bytes.

    A model whose configuration cannot be read has only the reason, as its `way_out`.
    """
    from omnisearch.binding.installed import find
    from omnisearch.binding.model_facts import known_models, model_facts

    try:
        facts = model_facts(name, settings)
    except (CheckpointError, ModelMissingError) as error:
        return {"name": name, "ready": False, "way_out": str(error), "path": None}
    ready = facts.problem is None
    return {
        "name": name,
        "configured": facts.configured,
        "summary": facts.config.summary,
        "spaces": [spec.name for spec in facts.spaces],
        "modalities": list(facts.config.modalities),
        "dimensions": facts.config.dim,
        "size": facts.size,
        "estimate": facts.estimate,
        "to_download": facts.to_download,
        "licence": facts.config.licence,
        "licences": sorted({spec.licence for spec in facts.spaces}),
        "commercial": facts.commercial,
        "ready": ready,
        "way_out": facts.problem,
        "command": facts.command,
        "path": str(find(known_models(settings)[name], settings)) if ready else None,
    }


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a model as a table shows it: short, and marked if configured."""
    if "spaces" not in row:
        return {"name": row["name"], "state": row["way_out"]}
    return {
        "name": f"{row['name']} *" if row["configured"] else row["name"],
        "spaces": len(row["spaces"]),
        "embeds": "all" if set(row["modalities"]) == set(Modality) else " ".join(row["modalities"]),
        "size": _size(row),
        "licence": " ".join(row["licences"]),
        "commercial": "yes" if row["commercial"] else "no",
        "state": "ready" if row["ready"] else _missing(row["command"]) or row["way_out"],
    }


def _missing(command: str | None) -> str | None:
    return NOT_PULLED if (command or "").startswith(PULL) else command


def speech_state(settings: Settings) -> str:
    """Say whether the configured speech model is ready, or how to make it ready."""
    from omnisearch.spaces.weights.speech_models import speech_folder

    try:
        ready = speech_folder(settings)
    except (ModelMissingError, UsageError, WeightsError) as error:
        return str(error)
    return f"{settings.speech_model} transcribes speech: ready" if ready else "speech is not transcribed"


def ocr_state(settings: Settings) -> str:
    """Say which models read text in further scripts, and which can be pulled."""
    from omnisearch.spaces.weights.ocr_models import OCR_MODELS, installed_ocr_models

    try:
        here = installed_ocr_models(settings)
    except WeightsError as error:
        return str(error)
    missing = " ".join(name for name in OCR_MODELS if name not in here)
    ready = f"text in pictures is read by {', '.join(['the default model', *here])}"
    return f"{ready}; `omnisearch models pull {missing}` adds scripts" if missing else ready


def file_rows(settings: Settings) -> list[dict[str, Any]]:
    """Return a row for every declared weight file; sizes are in bytes."""
    from omnisearch.binding.installed import RELEASED, find_config
    from omnisearch.spaces.registry import FILES, SPACES, readers
    from omnisearch.spaces.weights.file_state import file_state
    from omnisearch.spaces.weights.licences import commercial, non_commercial
    from omnisearch.spaces.weights.ocr_models import OCR_MODELS
    from omnisearch.spaces.weights.speech_models import SPEECH_MODELS

    rows = []
    users = {name: readers(name) for name in FILES} | {spec.name: (model,) for model, spec in RELEASED.items()}
    reading = {**SPEECH_MODELS, **OCR_MODELS}
    users |= {spec.name: (model,) for model, files in reading.items() for spec in files}
    # Projectors cannot be used without their spaces, so the strictest licence counts.
    bound = {spec.name: find_config(model, settings).projectors for model, spec in RELEASED.items()}
    for spec in (*FILES.values(), *RELEASED.values(), *chain(*reading.values())):
        state = file_state(spec, settings)
        allowed = commercial(spec.licence) and not non_commercial(SPACES[space] for space in bound.get(spec.name, ()))
        rows.append(
            {
                "name": spec.name,
                "size": state.size,
                "licence": spec.licence,
                "commercial": "yes" if allowed else "no",
                "sha256": spec.held_to(settings.weights_dir)[0],
                "present": "yes" if state.path else "no" if state.missing else "damaged",
                "path": str(state.path) if state.path else None,
                "sources": [str(source) for source in spec.sources],
                "used_by": " ".join(users[spec.name]),
            }
        )
    return rows


def comparison_row(row: "Comparison") -> dict[str, Any]:
    """Return the row of one sample compared with the samples of another modality."""
    cosines = {f"to {thing}": cosine for thing, cosine in row.cosines.items()}
    return {"from": row.source, "to": row.target, "thing": row.thing, **cosines, "nearest": row.nearest}


def step_row(step: "Step") -> dict[str, Any]:
    """Return the row of one tower of a plan; sizes are in bytes, and as text."""
    return {
        "modality": step.modality,
        "tower": step.tower,
        "for": " ".join(step.spaces),
        "spaces": list(step.spaces),
        "runs": f"{step.device} {step.precision}",
        "device": step.device,
        "precision": step.precision,
        "parameters": step.parameters,
        "bytes": step.size,
        "memory": byte_size(step.size) if step.fits else f"{byte_size(step.size)}: does not fit",
        "fits": step.fits,
        "held_bytes": step.held,
        "held": byte_size(step.held),
        "dropped": list(step.dropped),
    }


def _size(row: Mapping[str, Any]) -> str:
    if row["size"] is None:
        return f"about {byte_size(row['estimate'])}"
    if not row["to_download"]:
        return byte_size(row["size"])
    return f"{byte_size(row['size'])}, of which {byte_size(row['to_download'])} to download"


def direction_row(direction: "Direction") -> dict[str, Any]:
    """Return the facts of a direction."""
    return {
        "from": direction.source,
        "to": direction.target,
        "right": direction.right,
        "count": direction.count,
        "nearer": round(direction.nearer, 4),
        "p": round(direction.p, 5),
        "grade": direction.grade,
    }


def matrix(directions: "Sequence[Direction]") -> list[dict[str, str]]:
    """Return a row for each source, with the number of right things in each target; chance is marked."""
    rows: dict[str, dict[str, str]] = {}
    for each in directions:
        mark = "" if each.grade == "works" else f" ({each.grade})"
        row = rows.setdefault(each.source, {"from": f"text, {each.source}" if len(each.source) == 2 else each.source})
        row[f"to {each.target}"] = f"{each.right} of {each.count}{mark}"
    return list(rows.values())
