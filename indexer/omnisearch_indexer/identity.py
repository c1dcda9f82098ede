"""The identity of an index: the model whose vectors it has, as the manifest records it."""

from omnisearch.binding.model import OmniBind
from omnisearch.binding.model_version import model_version
from omnisearch.config import Settings


def identity_of(model: OmniBind, settings: Settings) -> dict[str, str]:
    """Return the name, the width, the fingerprint and the version of the model of the settings."""
    return {
        "model": model.name,
        "dim": str(model.dim),
        "fingerprint": model.fingerprint,
        "model_version": model_version(settings.model, settings),
    }
