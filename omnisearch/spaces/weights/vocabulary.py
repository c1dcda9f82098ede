"""Read the vocabulary of a text network: a tokenizer.json of the package tokenizers."""

from pathlib import Path

from tokenizers import Tokenizer

from omnisearch.errors import WeightsError


def read_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer of a file.

    Raises:
        WeightsError: the file is damaged.
    """
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises no other class
        raise WeightsError(f"{path} cannot be read as a tokenizer: {error}") from None
