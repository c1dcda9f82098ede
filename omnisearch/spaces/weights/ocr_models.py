"""The declared models that recognize lines in one script: networks of Tesseract, used where they are installed."""

from collections.abc import Mapping
from pathlib import Path

from omnisearch.config import Settings
from omnisearch.spaces.weights.spec import Deb, WeightSpec, resolve

_POOL = "https://deb.debian.org/debian/pool/main/t/tesseract-lang"
_FOLDER = "usr/share/tesseract-ocr/5/tessdata"


def _model(name: str, package: str, package_size: int, script: str, sha256: str, size: int) -> tuple[WeightSpec]:
    """The file of a model of the collection tessdata_fast 4.1.0, in a package of Debian."""
    file = f"{script}.traineddata"
    source = Deb(f"{_POOL}/{package}_4.1.0-2_all.deb", package_size, f"{_FOLDER}/{file}")
    return (WeightSpec(f"{name}/{file}", sha256, size, "Apache-2.0", (source,)),)


OCR_MODELS: Mapping[str, tuple[WeightSpec]] = {
    "ocr-cyrillic": _model(
        "ocr-cyrillic",
        "tesseract-ocr-script-cyrl",
        9_357_648,
        "Cyrillic",
        "a80325ebb1c7aa2dca5002ec05b15052a51dcb2e9e65373c264a3df7ac284358",
        29_252_466,
    ),
    "ocr-arabic": _model(
        "ocr-arabic",
        "tesseract-ocr-script-arab",
        3_216_316,
        "Arabic",
        "47c262ac4e843c024df87ffa1363b77a821a843c069c71ef7650f4d2ecfea1e8",
        9_311_038,
    ),
    "ocr-greek": _model(
        "ocr-greek",
        "tesseract-ocr-script-grek",
        1_076_340,
        "Greek",
        "52e201e4a22336d89ee202b579aca04f15ffd6e5e6af1fe164498f2c7de898e6",
        3_041_556,
    ),
}


def installed_ocr_models(settings: Settings) -> dict[str, Path]:
    """Return the files of the models that are on this machine, by the names of the models.

    Raises:
        WeightsError: a file has a wrong size.
    """
    files = ((name, spec) for name, (spec,) in OCR_MODELS.items())
    return {name: resolve(spec, settings) for name, spec in files if (settings.weights_dir / spec.name).is_file()}
