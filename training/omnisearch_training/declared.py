"""Declared things: each is one module of a package, so that adding one adds a file."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def load_declared(package: ModuleType, attribute: str) -> dict[str, Any]:
    """Import all modules of a package, and return the value of an attribute of each, by its `name`."""
    modules = (
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    )
    declared = (getattr(module, attribute) for module in modules)
    return {each.name: each for each in declared}
