"""Colours: convert the colour space of a file to sRGB on an opaque background."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

# The largest profiles in use, for printers, have 2 to 3 MiB.
MAX_PROFILE_BYTES = 4 << 20
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
# Opaque pixels with a larger mean luminance would be invisible on white.
LIGHT = 170


def plain(image: Image.Image) -> Image.Image:
    """Convert a picture to a mode that can be resampled: L, LA, RGB, RGBA or CMYK."""
    if image.mode == "LAB":  # scaling would wrap its signed channels
        return ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), _srgb(), outputMode="RGB") or image
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode in ("LA", "RGBA", "CMYK"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """Convert a `plain` picture to sRGB by its profile, if it has one; RGBA if it has an alpha channel, else RGB.

    A profile that is broken, larger than 4 MiB or for another colour model is ignored, with a note.
    """
    profile = image.info.get("icc_profile")
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    base = image.convert(image.mode[:-1]) if alpha is not None else image
    colors = _converted(base, profile, notes) if profile else base.convert("RGB")
    if alpha is not None:
        colors.putalpha(alpha)
    return colors


def over_ground(image: Image.Image) -> Image.Image:
    """Put an RGBA picture on white, or on black if its opaque pixels are light; RGB is returned unchanged."""
    if image.mode != "RGBA":
        return image
    alpha = np.asarray(image.getchannel("A"), dtype=np.float64)
    luminance = np.asarray(image.convert("RGB").convert("L"), dtype=np.float64)
    light = alpha.sum() > 0 and (luminance * alpha).sum() / alpha.sum() > LIGHT
    ground = Image.new("RGBA", image.size, "black" if light and alpha.min() < 255 else "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def _converted(base: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    try:
        if len(profile) > MAX_PROFILE_BYTES:
            raise ValueError(f"a profile of {len(profile)} bytes")
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = _MODES[given.profile.xcolor_space.strip()]
        if mode != base.mode:
            if (base.mode, mode) != ("L", "RGB"):
                raise ValueError(f"a profile of {mode} for a picture of {base.mode}")
            base = base.convert("RGB")
        converted = ImageCms.profileToProfile(base, given, _srgb(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
        converted = None
    if converted is None:
        notes.append("the colour profile cannot be used and was ignored")
        return base.convert("RGB")
    return converted


def _srgb() -> Any:
    return ImageCms.createProfile("sRGB")
