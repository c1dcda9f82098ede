"""Import packages that only some spaces need, when such a space is loaded."""

from importlib import import_module
from types import ModuleType

from omnisearch.errors import NotReadyError
from omnisearch.spaces.nn import torchvision_shim


def need(package: str, extra: str) -> ModuleType:
    """Import a package that belongs to one of omnisearch's extras.

    Raises:
        NotReadyError: it is not installed; names the extra.
    """
    torchvision_shim.install()  # open_clip and transformers import torchvision if it is installed
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise NotReadyError(f"{package} is not installed: run `pip install 'omnisearch[{extra}]'`") from None
