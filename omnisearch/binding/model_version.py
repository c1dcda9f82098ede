"""The version of an installed model, which is compared with that of an index where loading the model takes too long."""

from omnisearch.binding import folder_names, installed, model_files
from omnisearch.binding.config import parse_config
from omnisearch.config import Settings
from omnisearch.samples import VERSION
from omnisearch.spaces.declaration import digest
from omnisearch.spaces.registry import FILES, SPACES
from omnisearch.spaces.towers import tower_fingerprint
from omnisearch.spaces.weights.spec import resolve, sha256_of


def model_version(name: str, settings: Settings) -> str:
    """Return a hash of a model's folder, its declared towers and its spaces' trained heads. Imports no torch.

    Models of different versions have different fingerprints (`OmniBind`). The reverse holds unless the code of a space
    changed: fingerprints also cover its constants, such as the sentences in which class names are embedded.

    Raises:
        ModelMissingError: there is no such model, or a trained head that ships is missing.
        CheckpointError: its configuration cannot be read.
        OSError: its files cannot be read.
    """
    folder = installed.find(name, settings)
    path = folder / folder_names.CONFIG
    config = parse_config(path.read_text(encoding="utf-8"), path)
    parts = [model_files.digest(folder, config), f"samples {VERSION}" if config.calibration == "samples" else ""]
    for spec in (SPACES[space] for space in config.projectors if space in SPACES):
        parts += [tower_fingerprint(tower, settings) for tower in spec.towers.values()]
        files = {file for names in spec.weights.values() for file in names}
        heads = [FILES[file] for file in sorted(files) if FILES[file].packaged]
        parts += [sha256_of(resolve(head, settings)) for head in heads]
    return digest(*parts)
