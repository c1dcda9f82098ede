"""The folders of bound models, and the names of the files in them."""

from pathlib import Path

from omnisearch.errors import ModelMissingError

CONFIG, TENSORS, BACKGROUND = "model.json", "model.safetensors", "background.safetensors"
SHIPPED = Path(__file__).parent.parent / "models"


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
