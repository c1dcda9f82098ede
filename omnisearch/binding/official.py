"""The models that the paper's authors published, OmniBind-Base, -Large and -Full, as configurations.

Source: arXiv 2407.11895, section 3, and the released inference code, which is followed where the two differ: routers
have three linear layers, each reads the embedding of one space (the text router of three), and only the text router
sharpens its factors. Where that code cannot run (points in all three, audio in Full), the formula of its other
modalities and models is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from omnisearch.binding.config import BranchConfig, IdentityConfig, LearnedConfig, MlpConfig, ModelConfig
from omnisearch.types import Modality

TEXT, IMAGE, AUDIO, POINTS = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.POINT_CLOUD
HEADS = 7

IMAGEBIND, ANCHOR = "imagebind", "eva_18b"
# Width of every space that heads project. The file's list of heads contains the first three groups.
_AUDIO = {"clap_g": 512, "clap_m": 512, "wavcaps_pt": 1024, "wavcaps_aud": 1024, "wavcaps_clo": 1024}
_VISION = {"dfn_h14": 1024, "eva_e14p": 1024, "siglip_l": 1024, "siglip_so400m": 1152}
_SHAPE = {"uni3d_lvis": 1024, "uni3d_mnet": 1024, "uni3d_scan": 1024}
WIDTHS: Mapping[str, int] = {**_AUDIO, **_VISION, **_SHAPE, IMAGEBIND: 1024, ANCHOR: 1536}

_LICENCE = (
    "non-commercial: projectors and routers CC-BY-4.0, but the space imagebind is CC-BY-NC-SA-4.0 and the wavcaps "
    "spaces are for research only"
)
# The weights with which Full adds ImageBind, by seven heads, to its unprojected anchor.
_UNITED = {IMAGEBIND: 0.1, ANCHOR: 0.9}


@dataclass(frozen=True)
class Official:
    """One published model.

    `audio`, `vision` and `shape` are its spaces by the captions they were trained on, in the order of the heads in the
    released file; ImageBind's heads are in another list. The image router reads the last of `vision`. `anchored`
    models have EVA-CLIP-18B itself, `dim` wide, beside the spaces that are projected into it.
    """

    name: str
    summary: str
    audio: tuple[str, ...]
    vision: tuple[str, ...]
    shape: tuple[str, ...]
    anchored: bool = False
    dim: int = 1536
    hidden: int = 2048

    @property
    def projected(self) -> tuple[str, ...]:
        """The spaces of the list of heads, seven consecutive heads each."""
        return self.audio + self.vision + self.shape

    @property
    def config(self) -> ModelConfig:
        """The model as `OmniBind.load` reads it.

        ImageBind's heads are between those of the audio and the image spaces, so that the heads of each modality are
        contiguous. A video is its frames alone: the paper has no formula for sound tracks.
        """
        heads = dict.fromkeys(
            (*self.audio, IMAGEBIND, *self.vision, *self.shape), MlpConfig(heads=HEADS, hidden=self.hidden)
        )
        sight, sound, form = self.vision[-1], "wavcaps_pt", "uni3d_lvis"
        return ModelConfig(
            name=self.name,
            summary=self.summary,
            licence=_LICENCE,
            dim=self.dim,
            projectors=heads | ({ANCHOR: IdentityConfig()} if self.anchored else {}),
            branches=self._branches(),
            routers={
                TEXT: LearnedConfig(inputs=(sound, sight, form), scale=10),
                IMAGE: LearnedConfig(inputs=(sight,)),
                AUDIO: LearnedConfig(inputs=(sound,)),
                POINTS: LearnedConfig(inputs=(form,)),
            },
            calibration="samples",  # the authors published none; nothing is centred, so the vectors are theirs
            video={IMAGE: 1.0},
        )

    def _branches(self) -> dict[Modality, tuple[BranchConfig, ...]]:
        """The branches that the routers weight, in the order of the routers' outputs.

        The mean of a space's unit heads is not normalised, except ImageBind's for images and texts.
        """
        audio, vision, shape = (
            tuple(BranchConfig(parts={space: 1.0}, tags=frozenset({tag})) for space in spaces)
            for spaces, tag in ((self.audio, "audio"), (self.vision, "vision"), (self.shape, "shape"))
        )
        bound = BranchConfig(parts={IMAGEBIND: 1.0}, tags=frozenset({"audio", "vision"}))
        united = (
            BranchConfig(parts=_UNITED, normalise=True, tags=frozenset({"vision"}))
            if self.anchored
            else bound.model_copy(update={"normalise": True})
        )
        return {
            TEXT: (*audio, *vision, *shape, united),
            IMAGE: (*vision, *(() if self.anchored else shape), united),
            AUDIO: (*audio, bound),
            POINTS: shape,
        }


_LARGE = (tuple(_AUDIO), tuple(_VISION), tuple(_SHAPE))
BASE = Official(
    "omnibind-base",
    "the paper's 7 B model: six spaces",
    ("wavcaps_pt", "wavcaps_aud", "wavcaps_clo"),
    ("eva_e14p",),
    ("uni3d_lvis",),
)
LARGE = Official("omnibind-large", "the paper's 12 B model: thirteen spaces", *_LARGE)
FULL = Official("omnibind-full", "the paper's 30 B model: thirteen spaces and EVA-CLIP-18B", *_LARGE, anchored=True)
OFFICIAL: Mapping[str, Official] = {model.name: model for model in (BASE, LARGE, FULL)}
