"""Fonts of the six scripts: Noto (OFL), from packages that are fetched."""

from collections.abc import Mapping
from pathlib import Path

from PIL import ImageFont

from omnisearch_training.datasets.fetch_package import Package, Registry, fetch_package

_FILES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "latin": ("latin", ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSans-Italic.ttf")),
    "cyrillic": ("latin", ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf")),
    "greek": ("latin", ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf")),
    "chinese": ("sc", ("NotoSansHans-Regular.otf", "NotoSansHans-Bold.otf")),
    "japanese": ("jp", ("NotoSansJP-Regular.otf", "NotoSansJP-Bold.otf")),
    "arabic": ("arabic", ("NotoNaskhArabic-Regular.ttf", "NotoNaskhArabic-Bold.ttf")),
}


class Fonts:
    """The fonts of each script, in any size."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def of(self, script: str, size: int, style: int = 0) -> ImageFont.FreeTypeFont:
        """Return a font of a script; `style` is a number that chooses regular, bold or italic."""
        package, files = _FILES[script]
        folder = fetch_package(Package(Registry.NPM, f"@embedpdf/fonts-{package}", "1.0.0"), self._cache)
        return ImageFont.truetype(folder / "fonts" / files[style % len(files)], size)
