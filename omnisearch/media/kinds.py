"""The supported file formats, one row each. Detection and the table in docs/media.md use these rows."""

from dataclasses import dataclass

from omnisearch.modality import Modality


@dataclass(frozen=True)
class Kind:
    """A file format: its short name `format`, its file name `suffixes`, and the library `reader` that decodes it."""

    modality: Modality
    mime: str
    format: str
    suffixes: tuple[str, ...]
    reader: str


def _kinds(modality: Modality, *rows: tuple[str, str, str, str]) -> dict[str, Kind]:
    return {
        name: Kind(modality, mime, name, tuple(f".{suffix}" for suffix in suffixes.split()), reader)
        for name, mime, suffixes, reader in rows
    }


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OASIS = "application/vnd.oasis.opendocument"

TEXTS = _kinds(
    Modality.TEXT,
    ("txt", "text/plain", "txt text log csv tsv srt vtt tex org rst adoc", "omnisearch"),
    ("md", "text/markdown", "md markdown", "omnisearch"),
    ("html", "text/html", "html htm xhtml", "html.parser"),
    ("pdf", "application/pdf", "pdf", "pypdf"),
    ("docx", f"{_OFFICE}.wordprocessingml.document", "docx docm dotx dotm", "expat"),
    ("pptx", f"{_OFFICE}.presentationml.presentation", "pptx pptm ppsx ppsm potx potm", "expat"),
    ("xlsx", f"{_OFFICE}.spreadsheetml.sheet", "xlsx xlsm xltx xltm", "expat"),
    ("odt", f"{_OASIS}.text", "odt ott", "expat"),
    ("odp", f"{_OASIS}.presentation", "odp otp", "expat"),
    ("ods", f"{_OASIS}.spreadsheet", "ods ots", "expat"),
    ("epub", "application/epub+zip", "epub", "expat, html.parser"),
    ("rtf", "application/rtf", "rtf", "omnisearch"),
    ("json", "application/json", "json jsonl ndjson", "ijson"),
    ("ipynb", "application/x-ipynb+json", "ipynb", "json"),
    ("eml", "message/rfc822", "eml", "email"),
    ("mbox", "application/mbox", "mbox", "email"),
)
IMAGES = _kinds(
    Modality.IMAGE,
    ("jpg", "image/jpeg", "jpg jpeg jpe jfif", "Pillow"),
    ("png", "image/png", "png apng", "Pillow"),
    ("webp", "image/webp", "webp", "Pillow"),
    ("gif", "image/gif", "gif", "Pillow"),
    ("bmp", "image/bmp", "bmp dib", "Pillow"),
    ("tif", "image/tiff", "tif tiff", "Pillow"),
    ("heic", "image/heic", "heic heif", "pillow-heif"),
    ("avif", "image/avif", "avif", "Pillow"),
    ("jp2", "image/jp2", "jp2 j2k jpf jpx jpm j2c jpc", "Pillow"),
    ("jxl", "image/jxl", "jxl", "pillow-jxl-plugin"),
    ("svg", "image/svg+xml", "svg svgz", "resvg-py"),
    ("psd", "image/vnd.adobe.photoshop", "psd psb", "psd-tools"),
    ("hdr", "image/vnd.radiance", "hdr rgbe", "omnisearch"),
    ("exr", "image/x-exr", "exr", "OpenEXR"),
    (
        "raw",
        "image/x-raw",
        "dng nef nrw arw sr2 srf cr2 cr3 crw raf orf rw2 rwl pef srw 3fr fff iiq mrw x3f erf mef mos kdc dcr",
        "rawpy",
    ),
)
SOUNDS = _kinds(
    Modality.AUDIO,
    ("wav", "audio/wav", "wav wave", "soundfile, PyAV"),
    ("flac", "audio/flac", "flac", "soundfile, PyAV"),
    ("mp3", "audio/mpeg", "mp3", "soundfile, PyAV"),
    ("ogg", "audio/ogg", "ogg oga opus", "soundfile, PyAV"),
    ("m4a", "audio/mp4", "m4a m4b", "PyAV"),
    ("aac", "audio/aac", "aac", "PyAV"),
    ("aiff", "audio/aiff", "aiff aif aifc", "soundfile, PyAV"),
    ("caf", "audio/x-caf", "caf", "soundfile, PyAV"),
    ("au", "audio/basic", "au snd", "soundfile, PyAV"),
    ("w64", "audio/x-w64", "w64", "soundfile, PyAV"),
    ("wma", "audio/x-ms-wma", "wma", "PyAV"),
    ("wv", "audio/x-wavpack", "wv", "PyAV"),
    ("tta", "audio/x-tta", "tta", "PyAV"),
    ("ac3", "audio/ac3", "ac3 eac3 ec3", "PyAV"),
    ("dts", "audio/vnd.dts", "dts", "PyAV"),
    ("amr", "audio/amr", "amr awb", "PyAV"),
)
FILMS = _kinds(
    Modality.VIDEO,
    ("mp4", "video/mp4", "mp4 m4v 3gp 3g2", "PyAV"),
    ("mov", "video/quicktime", "mov qt", "PyAV"),
    ("mkv", "video/x-matroska", "mkv mka", "PyAV"),
    ("webm", "video/webm", "webm", "PyAV"),
    ("avi", "video/x-msvideo", "avi", "PyAV"),
    ("mpg", "video/mpeg", "mpg mpeg vob", "PyAV"),
    ("ts", "video/mp2t", "ts mts m2ts m2t", "PyAV"),
    ("flv", "video/x-flv", "flv", "PyAV"),
    ("wmv", "video/x-ms-wmv", "wmv asf", "PyAV"),
    ("mxf", "application/mxf", "mxf", "PyAV"),
    ("ogv", "video/ogg", "ogv", "PyAV"),
)
OBJECTS = _kinds(
    Modality.POINT_CLOUD,
    ("glb", "model/gltf-binary", "glb", "trimesh"),
    ("gltf", "model/gltf+json", "gltf", "trimesh"),
    ("obj", "model/obj", "obj", "trimesh"),
    ("ply", "model/ply", "ply", "trimesh"),
    ("stl", "model/stl", "stl", "trimesh"),
    ("off", "model/off", "off", "trimesh"),
    ("dae", "model/vnd.collada+xml", "dae", "assimp"),
    ("fbx", "model/fbx", "fbx", "assimp"),
    ("3ds", "model/3ds", "3ds", "assimp"),
    ("blend", "application/x-blender", "blend", "assimp"),
    ("amf", "model/amf", "amf", "assimp"),
    ("lwo", "model/lwo", "lwo lxo", "assimp"),
    ("ac", "model/ac3d", "ac acc", "assimp"),
    ("ase", "model/ase", "ase", "assimp"),
    ("x", "model/x-directx", "x", "assimp"),
    ("ms3d", "model/ms3d", "ms3d", "assimp"),
    ("3mf", "model/3mf", "3mf", "expat"),
    ("dxf", "model/dxf", "dxf", "ezdxf"),
    ("step", "model/step", "step stp", "cascadio"),
    ("usd", "model/vnd.usd", "usd usda usdc", "usd-core"),
    ("usdz", "model/vnd.usdz+zip", "usdz", "usd-core"),
    ("las", "model/las", "las", "laspy"),
    ("laz", "model/laz", "laz", "laspy"),
    ("pcd", "model/pcd", "pcd", "numpy"),
    ("xyz", "model/xyz", "xyz", "numpy"),
    ("npy", "application/x-npy", "npy", "numpy"),
    ("npz", "application/x-npz", "npz", "numpy"),
)

KINDS = {**TEXTS, **IMAGES, **SOUNDS, **FILMS, **OBJECTS}
BY_SUFFIX = {suffix: kind for kind in KINDS.values() for suffix in kind.suffixes}

# Formats of 3D models that no installed library reads, by file name suffix.
UNREAD_OBJECTS = {
    ".3dm": "Rhino 3DM", ".3d": "Unreal 3D", ".b3d": "Blitz3D", ".bvh": "Biovision motion", ".c4d": "Cinema 4D",
    ".cob": "trueSpace", ".csm": "CharacterStudio motion", ".dwg": "AutoCAD DWG", ".e57": "E57 scan",
    ".iges": "IGES", ".igs": "IGES",
    ".hmp": "3D GameStudio terrain", ".ifc": "IFC building model", ".iqm": "Inter-Quake model",
    ".irr": "Irrlicht scene", ".irrmesh": "Irrlicht mesh", ".jt": "Siemens JT", ".lws": "LightWave scene",
    ".m3d": "Model 3D", ".max": "3ds Max scene", ".md2": "Quake II model", ".md3": "Quake III model",
    ".md5mesh": "Doom 3 model",
    ".mdc": "Return to Castle Wolfenstein model", ".mdl": "Quake or Half-Life model", ".nff": "Neutral File Format",
    ".ogex": "OpenGEX", ".pts": "PTS scan", ".q3o": "Quick3D object", ".q3s": "Quick3D scene", ".sib": "Silo",
    ".skp": "SketchUp", ".sldprt": "SolidWorks part", ".smd": "Valve SMD", ".ter": "Terragen terrain",
    ".vrml": "VRML", ".vtk": "VTK", ".wrl": "VRML", ".x3d": "X3D", ".x3db": "X3D", ".x3dv": "X3D", ".xgl": "XGL",
    ".zae": "zipped COLLADA", ".zgl": "zipped XGL",
}  # fmt: skip

# Suffixes that other programs use for other content: autoconf, Aseprite, well logs, Photo CD, molecules.
SHARED_SUFFIXES = {".3ds", ".ac", ".acc", ".ase", ".las", ".pcd", ".x", ".xyz"}
