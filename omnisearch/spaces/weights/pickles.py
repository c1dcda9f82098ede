"""Read the tensors of checkpoints that hold other objects too, without building those objects.

Trainers pickle optimisers, configurations and arguments beside a network. Everything except tensors, numbers and
containers becomes an `Inert`, which accepts construction and changes and ignores them.
"""

import collections
import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray

from omnisearch.errors import WeightsError

# The only functions and classes that a file may use.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch", "Size"): torch.Size,
    ("numpy", "dtype"): np.dtype,
    # Numbers, under their names before and since NumPy 2.
    ("numpy.core.multiarray", "scalar"): multiarray.scalar,
    ("numpy._core.multiarray", "scalar"): multiarray.scalar,
}
_STORAGES = ("Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool")
_ALLOWED |= {("torch", f"{kind}Storage"): getattr(torch, f"{kind}Storage") for kind in _STORAGES}


class Inert:
    """The placeholder of an object that is not needed."""

    def __new__(cls, *args: object, **kwargs: object) -> "Inert":  # noqa: ARG004
        """Accept and ignore any arguments."""
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        """Stay empty."""

    def __setitem__(self, key: object, value: object) -> None:
        """Stay empty."""

    def append(self, item: object) -> None:
        """Stay empty."""

    def extend(self, items: object) -> None:
        """Stay empty."""

    def add(self, item: object) -> None:
        """Stay empty."""


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Replace `_codecs.encode`, with which pickle protocol 2 writes bytes, always as Latin-1."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes written as {encoding}")
    return text.encode("latin1")


_ALLOWED["_codecs", "encode"] = _encode


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return the named function or class if it is allowed, else `Inert`."""
        return _ALLOWED.get((module, name), Inert)


def _load(file: Any, **options: Any) -> Any:
    return _Unpickler(file, **options).load()


# The interface that `torch.load` requires of a pickle module.
_RESTRICTED = SimpleNamespace(__name__=__name__, Unpickler=_Unpickler, load=_load)


def load(path: Path) -> Any:
    """Return the content of a checkpoint with its tensors on the CPU, mapped where the file is a zip archive.

    Raises:
        WeightsError: the file is damaged, or a program (TorchScript) instead of a checkpoint.
    """
    zipped = zipfile.is_zipfile(path)
    if zipped and any(name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist()):
        raise WeightsError(f"{path} is a TorchScript program, not a checkpoint")
    try:
        return torch.load(path, map_location="cpu", weights_only=False, mmap=zipped, pickle_module=_RESTRICTED)
    except Exception as error:  # torch raises pickle, zip, runtime and key errors for damaged files
        raise WeightsError(f"{path} is damaged ({type(error).__name__}: {error})") from None
