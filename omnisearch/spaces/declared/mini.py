"""The small spaces: their towers' weights come from the package index, and their trained heads ship with omnisearch."""

from collections.abc import Mapping

from omnisearch.spaces.declaration import Declared, TowerSpec
from omnisearch.spaces.weights import weight_files
from omnisearch.types import Modality

FAMILIES = "omnisearch.spaces.families"
TOWERS = (
    TowerSpec(
        "minilm",
        384,
        (weight_files.MINILM, weight_files.MINILM_TOKENIZER),
        f"{FAMILIES}.minilm:MiniLM",
        parameters=22_565_376,
        linear=10_616_832,
    ),
    # The words are looked up, so the layers alone count as parameters that run.
    TowerSpec("e5", 384, (weight_files.E5, weight_files.E5_TOKENIZER), f"{FAMILIES}.e5:E5", 1, 21_493_248),
    TowerSpec(
        "efficientnet",
        1280,
        (weight_files.EFFICIENTNET,),
        f"{FAMILIES}.efficientnet:EfficientNet",
        1,
        4_811_072,
        side=260,
    ),
    TowerSpec(
        "views",
        1280,
        (weight_files.EFFICIENTNET,),
        f"{FAMILIES}.view_tower:VIEWS",
        over="efficientnet",
    ),
    TowerSpec("points", 6144, (), f"{FAMILIES}.points:Points"),
    TowerSpec("aisfx", 512, (weight_files.AISFX,), f"{FAMILIES}.aisfx:AiSfx", 1, 4_686_144),
    TowerSpec("yamnet", 1545, (weight_files.YAMNET,), f"{FAMILIES}.yamnet:Yamnet", 1, 3_751_369),
    TowerSpec("hashed_text", 256, (), f"{FAMILIES}.hashed:TextWords"),
    TowerSpec("hashed_image", 256, (), f"{FAMILIES}.hashed:ImageWords"),
    TowerSpec("hashed_audio", 256, (), f"{FAMILIES}.hashed:AudioWords"),
    TowerSpec("hashed_point_cloud", 256, (), f"{FAMILIES}.hashed:CloudWords"),
)

# The towers that read pictures; an object is rendered from all sides.
_SEEN = {Modality.IMAGE: "efficientnet", Modality.POINT_CLOUD: "views"}
_HEARD = {Modality.AUDIO: "yamnet"}
_SPECIALIST = "omnisearch.spaces.trained_space:Specialist"


def _specialist(
    name: str, towers: Mapping[Modality, str], tag: str, licence: str, summary: str, target: str = _SPECIALIST
) -> Declared:
    towers = {Modality.TEXT: "minilm", **towers}
    return Declared(name, 384, towers, frozenset({tag}), licence, summary, target, (weight_files.head(name),))


SPACES = (
    Declared(
        "photo",
        384,
        {Modality.TEXT: "minilm", **_SEEN},
        frozenset({"vision"}),
        "Apache-2.0",
        "the classes of an ImageNet classifier, as texts",
        f"{FAMILIES}.imagenet_classes:Photo",
        # The table of class names is embedded by the text tower.
        (weight_files.IMAGENET_NAMES, weight_files.MINILM, weight_files.MINILM_TOKENIZER),
    ),
    Declared(
        "multilingual",
        384,
        {Modality.TEXT: "e5"},
        frozenset({"vision", "audio", "shape"}),
        "MIT",
        "texts in a hundred languages",
    ),
    _specialist("drawing", _SEEN, "vision", "Apache-2.0", "captioned drawings, and objects as pictures"),
    _specialist("sound", {Modality.AUDIO: "aisfx"}, "audio", "CC-BY-4.0", "named sounds"),
    _specialist("hearing", _HEARD, "audio", "Apache-2.0", "named sounds, with features trained on AudioSet"),
    Declared(
        "event",
        384,
        {Modality.TEXT: "minilm", **_HEARD},
        frozenset({"audio"}),
        "Apache-2.0",
        "the classes of an AudioSet classifier, as texts",
        f"{FAMILIES}.audioset_classes:Event",
        (weight_files.AUDIOSET_NAMES, weight_files.MINILM, weight_files.MINILM_TOKENIZER),
    ),
    _specialist("object", {Modality.POINT_CLOUD: "views"}, "shape", "Apache-2.0", "named 3D objects"),
    _specialist(
        "shape",
        {Modality.POINT_CLOUD: "points"},
        "shape",
        "Apache-2.0",
        "3D objects by their points alone",
        f"{FAMILIES}.point_space:PointSpace",
    ),
    Declared(
        "hashed",
        256,
        {m: f"hashed_{m}" for m in (Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.POINT_CLOUD)},
        frozenset({"audio", "vision", "shape"}),
        "Apache-2.0",
        "simple properties as hashed words, without weights, for tests and trials",
        f"{FAMILIES}.hashed:Hashed",
    ),
)
