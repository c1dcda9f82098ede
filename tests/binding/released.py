"""State dicts in the layout of the released files, and the paper's formulas over them in float64: both written from
their description, not from our code."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import torch

from omnisearch.binding.official import BASE, FULL, LARGE, Official
from omnisearch.types import Modality

TEXT, IMAGE, AUDIO, POINTS = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.POINT_CLOUD
PARTS = (TEXT, IMAGE, AUDIO, POINTS)
MODELS = (BASE, LARGE, FULL)
SOUND = [("wavcaps_pt", 1024), ("wavcaps_aud", 1024), ("wavcaps_clo", 1024)]
# The spaces of `projs`, seven heads each, with the widths of what they read.
SMALL_LIST = [*SOUND, ("eva_e14p", 1024), ("uni3d_lvis", 1024)]
LONG_LIST = [
    ("clap_g", 512),
    ("clap_m", 512),
    *SOUND,
    ("dfn_h14", 1024),
    ("eva_e14p", 1024),
    ("siglip_l", 1024),
    ("siglip_so400m", 1152),
    ("uni3d_lvis", 1024),
    ("uni3d_mnet", 1024),
    ("uni3d_scan", 1024),
]
LISTS = {"omnibind-base": SMALL_LIST, "omnibind-large": LONG_LIST, "omnibind-full": LONG_LIST}
# Input width and outputs of each router.
ROUTERS = {
    "omnibind-base": {"A": (1024, 4), "V": (1024, 3), "P": (1024, 1), "T": (3072, 6)},
    "omnibind-large": {"A": (1024, 6), "V": (1152, 8), "P": (1024, 3), "T": (3200, 13)},
    "omnibind-full": {"A": (1024, 6), "V": (1152, 5), "P": (1024, 3), "T": (3200, 13)},
}
DIM = 1536  # of the published models
State = Mapping[str, torch.Tensor]


def shapes(official: Official) -> dict[str, tuple[int, ...]]:
    """Every tensor of the file, with the sizes of `official`, which may be smaller than the published ones."""

    def norm(width: int) -> dict[str, tuple[int, ...]]:
        values = ("weight", "bias", "running_mean", "running_var")
        return {**dict.fromkeys(values, (width,)), "num_batches_tracked": ()}

    def dense(rows: int, width: int) -> dict[str, tuple[int, ...]]:
        return {"weight": (rows, width), "bias": (rows,)}

    found: dict[str, tuple[int, ...]] = {}

    def layers(prefix: str, sizes: Mapping[int, dict[str, tuple[int, ...]]]) -> None:
        found.update({f"{prefix}.{i}.{k}": v for i, each in sizes.items() for k, v in each.items()})

    h, d = official.hidden, official.dim
    heads = [(f"projs.{i}", width) for i, (_, width) in enumerate(np.repeat(LISTS[official.name], 7, axis=0))]
    for prefix, width in [*heads, *((f"ib_projs.{i}", 1024) for i in range(7))]:
        layers(f"{prefix}.Head2.mlps", {0: dense(h, int(width)), 1: norm(h), 3: dense(d, h), 4: norm(d)})
    for letter, (width, outputs) in ROUTERS[official.name].items():
        sizes = {0: dense(512, width), 1: norm(512), 3: dense(100, 512), 4: norm(100), 6: dense(outputs, 100)}
        layers(f"{letter}_enc_router.router", sizes)
    return found


def hollow(official: Official) -> dict[str, torch.Tensor]:
    """The tensors of a file at their full size, of one number each: they take no memory and next to no disk."""
    return {k: torch.zeros((), dtype=_dtype(k)).expand(shape) for k, shape in shapes(official).items()}


def random(official: Official) -> dict[str, torch.Tensor]:
    """The tensors of a file, such that no term of a formula vanishes. Those of small models are made once."""
    return dict(_kept(official)) if official.dim < DIM else _random(official)


def _random(official: Official) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, shape in shapes(official).items():
        noise = torch.randn(shape, generator=generator) * (shape[1] ** -0.5 if len(shape) == 2 else 0.3)
        found[name] = (noise.abs() + 0.5 if name.endswith("running_var") else noise).to(_dtype(name))
    return found


_kept = cache(_random)


def rows(official: Official, n: int, seed: int = 1) -> dict[str, torch.Tensor]:
    """Unit rows for every space of a model, another draw for each."""
    generator = torch.Generator().manual_seed(seed)
    widths = {**dict(LISTS[official.name]), "imagebind": 1024}
    if official.anchored:
        widths["eva_18b"] = official.dim
    made = {space: torch.randn(n, width, generator=generator) for space, width in widths.items()}
    return {space: torch.nn.functional.normalize(each, dim=1) for space, each in made.items()}


class Formulas:
    """The released models' inference, one head after another."""

    def __init__(self, official: Official, state: State) -> None:
        self.name = official.name
        self.state = {k: v.double().numpy() for k, v in state.items()}
        self.spaces = [space for space, _ in LISTS[official.name]]
        self.sounds, self.sights = (3, 1) if official.name == BASE.name else (5, 4)

    def layer(self, prefix: str, x: np.ndarray) -> np.ndarray:
        s = {k.removeprefix(prefix): v for k, v in self.state.items() if k.startswith(prefix)}
        if "running_var" in s:
            return (x - s["running_mean"]) / np.sqrt(s["running_var"] + 1e-5) * s["weight"] + s["bias"]
        return x @ s["weight"].T + s["bias"]

    def mean_of_heads(self, prefixes: list[str], x: np.ndarray) -> np.ndarray:
        outs = []
        for prefix in prefixes:
            p = f"{prefix}.Head2.mlps"
            hidden = np.maximum(self.layer(f"{p}.1.", self.layer(f"{p}.0.", x)), 0)
            outs.append(unit(self.layer(f"{p}.4.", self.layer(f"{p}.3.", hidden))))
        return np.mean(outs, axis=0)

    def head(self, index: int, x: Mapping[str, np.ndarray]) -> np.ndarray:
        """The mean of the seven heads of the space at `index` in the list."""
        return self.mean_of_heads([f"projs.{7 * index + i}" for i in range(7)], x[self.spaces[index]])

    def imagebind(self, x: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.mean_of_heads([f"ib_projs.{i}" for i in range(7)], x["imagebind"])

    def scores(self, letter: str, x: np.ndarray) -> np.ndarray:
        p = f"{letter}_enc_router.router"
        hidden = np.maximum(self.layer(f"{p}.1.", self.layer(f"{p}.0.", x)), 0)
        hidden = np.tanh(self.layer(f"{p}.4.", self.layer(f"{p}.3.", hidden)))
        return 1 / (1 + np.exp(-self.layer(f"{p}.6.", hidden)))

    def branches(self, part: Modality, x: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        a, v = self.sounds, self.sounds + self.sights
        full = self.name == "omnibind-full"
        if part is AUDIO:
            return [*(self.head(i, x) for i in range(a)), self.imagebind(x)]
        if part is POINTS:
            return [self.head(i, x) for i in range(v, len(self.spaces))]
        last = unit(0.1 * self.imagebind(x) + 0.9 * x["eva_18b"]) if full else unit(self.imagebind(x))
        if part is IMAGE:
            return [*(self.head(i, x) for i in range(a, v if full else len(self.spaces))), last]
        return [*(self.head(i, x) for i in range(len(self.spaces))), last]

    def factors(self, part: Modality, x: Mapping[str, np.ndarray]) -> np.ndarray:
        sight = "eva_e14p" if self.name == "omnibind-base" else "siglip_so400m"
        if part is TEXT:
            return softmax(10 * self.scores("T", np.hstack([x["wavcaps_pt"], x[sight], x["uni3d_lvis"]])))
        letter, read = {AUDIO: ("A", "wavcaps_pt"), IMAGE: ("V", sight), POINTS: ("P", "uni3d_lvis")}[part]
        return softmax(self.scores(letter, x[read]))

    def embed(self, part: Modality, inputs: Mapping[str, torch.Tensor]) -> np.ndarray:
        x = {space: each.double().numpy() for space, each in inputs.items()}
        branches = np.stack(self.branches(part, x), axis=1)
        return unit((self.factors(part, x)[..., None] * branches).sum(axis=1))


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _dtype(name: str) -> torch.dtype:
    return torch.int64 if name.endswith("num_batches_tracked") else torch.float32
