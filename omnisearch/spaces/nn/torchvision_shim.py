"""Let timm import torchvision if torch is a CPU build and torchvision is not.

PyPI's torchvision links CUDA; beside a CPU torch its operators are never registered, and importing it fails with
`operator torchvision::nms does not exist`. No tower uses these operators: declaring their signatures is enough.
"""

import importlib.util
from pathlib import Path

import torch

_OPERATORS = ("nms", "qnms")  # torchvision 0.28 asks for both while it is imported
_kept: list[torch.library.Library] = []  # the operators are removed when the library object is collected


def install() -> bool:
    """Declare torchvision's missing operators; return whether they are only declared. Safe to call again."""
    if _kept:
        return True
    if torch.version.cuda is not None or _loads():
        return False
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in _OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    _kept.append(library)
    return True


def _loads() -> bool:
    """Return whether torchvision's operators load, without importing torchvision: a failed import is not undone."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return True  # nothing to declare
    try:
        for library in Path(found.origin).parent.glob("_C*.so"):
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError):
        return False
    return True
