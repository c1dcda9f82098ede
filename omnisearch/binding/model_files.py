"""The folders of bound models, the names of the files in them, and what tells versions of them apart."""

from pathlib import Path

from blake3 import blake3

from omnisearch.binding.config import ModelConfig
from omnisearch.binding.folder_names import CONFIG, SHIPPED, TENSORS
from omnisearch.errors import ModelMissingError

JUDGING = {"relevance", "relevance_by_query"}  # refitting them does not change the vectors of an index


def find_model_folder(name: str) -> Path:
    """Return the folder of a shipped model by name, or of any model by path.

    Raises:
        ModelMissingError: there is none; lists the shipped models.
    """
    for folder in (SHIPPED / name, Path(name)):
        if (folder / CONFIG).is_file():
            return folder
    shipped = sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))
    raise ModelMissingError(
        f"no model {name!r}: neither a shipped model ({', '.join(shipped) or 'none'}) nor a folder with {CONFIG}"
    )


def digest(folder: Path, config: ModelConfig) -> str:
    """Return a hash of all in a model's folder that its vectors depend on, so not of calibration.

    Raises:
        OSError: a file cannot be read.
    """
    found = blake3(config.model_dump_json(exclude=JUDGING, exclude_defaults=True).encode())
    if config.has_tensors or (folder / TENSORS).exists():
        (folder / TENSORS).stat()  # raises an error that names the file, as blake3's does not
        found.update_mmap(folder / TENSORS)
    return found.hexdigest()
