"""One good, small file of every format that is read: the twins of hostile files and the parents of mutants."""

from pathlib import Path

from omnisearch.media.kinds import KINDS
from tests.media import document_makers, image_makers, makers, object_files

# No library here writes them: Theora, DTS and the scenes of Blender.
UNWRITABLE = {"ogv", "dts", "blend"}
_PILLOW = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "heic": "HEIF",
           "avif": "AVIF"}  # fmt: skip
_LIBSNDFILE = ("wav", "flac", "ogg", "mp3", "aiff", "au", "w64")
_FFMPEG_SOUNDS = {"caf": ("alac", "caf"), "wma": ("wmav2", "asf"), "wv": ("wavpack", "wv"), "tta": ("tta", "tta"),
                  "ac3": ("ac3", "ac3"), "amr": ("libopencore_amrnb", "amr"), "m4a": ("aac", "ipod"),
                  "aac": ("aac", "adts")}  # fmt: skip
_FILMS = {"mp4": ("mpeg4", "aac"), "mov": ("mpeg4", "aac"), "mkv": ("mpeg4", "aac"), "webm": ("libvpx", "libopus"),
          "avi": ("mpeg4", "mp2"), "mpg": ("mpeg2video", "mp2"), "ts": ("mpeg2video", "ac3"),
          "flv": ("flv", "libmp3lame"), "wmv": ("wmv2", "wmav2"), "mxf": ("mpeg2video", "pcm_s16le")}  # fmt: skip
_FOX = b"The quick brown fox jumps over the lazy dog. "
_TEXTS = {
    "txt": _FOX * 20, "md": b"# A note\n\n" + _FOX * 20, "pdf": makers.pdf("The quick brown fox"),
    "html": b"<!doctype html><html><title>A page</title><body><p>" + _FOX + b"</p></body></html>",
    **document_makers.SMALL,
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><circle r="9" cx="20" cy="15"/></svg>',
}  # fmt: skip
_MESHES = ("glb", "gltf", "ply", "stl", "off", "dae", "npy", "npz")
_ENDINGS = {"raw": "dng", "usd": "usda"}


def write_twins(folder: Path) -> dict[str, Path]:
    """Write the file of every format into a folder, and return their paths by the name of the format."""
    folder.mkdir(parents=True, exist_ok=True)
    twins = {name: folder / f"{name}.{_ENDINGS.get(name, name)}" for name in KINDS if name not in UNWRITABLE}
    for name, path in twins.items():
        _write(name, path)
    return twins


def _write(name: str, path: Path) -> None:
    if name in _PILLOW:
        makers.write_image(path, _PILLOW[name])
    elif name in _LIBSNDFILE:
        makers.write_sound(path, 2)
    elif name in _FFMPEG_SOUNDS:
        makers.write_sound_as(path, 2, *_FFMPEG_SOUNDS[name], rate=8000 if name == "amr" else 48000)
    elif name in _FILMS:
        codec, sound = _FILMS[name]
        makers.write_video(path, 2, sound=2, codec=codec, fps=25, sound_codec=sound)
    elif name in _MESHES:
        makers.write_mesh(path)
    elif (made := _made(name, path.parent)) is not None:
        path.write_bytes(made)
    else:
        object_files.write(path)


def _made(name: str, folder: Path) -> bytes | None:
    """The bytes of formats that are built by hand or by a library of their own; None for any other."""
    if name in _TEXTS:
        return _TEXTS[name]
    picture, light = makers.picture(), image_makers.linear(makers.picture())
    match name:
        case "jp2":
            return image_makers.encoded(picture, "JPEG2000")
        case "jxl":
            import pillow_jxl  # noqa: F401 - it adds its format to Pillow

            return image_makers.encoded(picture, "JXL")
        case "psd":
            return image_makers.psd(picture)
        case "hdr":
            return image_makers.radiance(light)
        case "exr":
            return image_makers.exr(folder, {"RGB": light})
        case "raw":
            return image_makers.dng(image_makers.mosaic(image_makers.linear(makers.picture(320, 240))))
    return None
