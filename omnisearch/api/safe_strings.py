"""Strings of requests: bounded, and without lone surrogates."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

MAX_TEXT = 4000


def no_surrogates(text: str) -> str:
    """Refuse lone surrogates, which can be neither written as UTF-8 nor stored."""
    if any(unicodedata.category(c) == "Cs" for c in text):
        raise ValueError("holds a lone surrogate")
    return text


def not_blank(text: str) -> str:
    """Refuse a text without a visible character."""
    if not text.strip():
        raise ValueError("is blank")
    return text


SafeStr = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(no_surrogates)]
SafePath = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(no_surrogates)]
# A path that may be empty.
SafeFolder = Annotated[str, StringConstraints(max_length=4096), AfterValidator(no_surrogates)]
SafeText = Annotated[
    str, StringConstraints(max_length=MAX_TEXT), AfterValidator(no_surrogates), AfterValidator(not_blank)
]
