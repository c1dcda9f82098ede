"""Quantization of the vectors on a Qdrant server: small copies in memory, which choose the candidates of a search.

The candidates are then compared by the original vectors. More candidates cost time and raise the recall.
"""

from qdrant_client import models

from omnisearch.config import Quantization

# Candidates for each point of an answer. A code of one bit per dimension is much coarser than one of eight.
OVERSAMPLING, BINARY_OVERSAMPLING = 2.0, 8.0


def quantization_config(kind: Quantization) -> models.QuantizationConfig | None:
    """Return the configuration of a new collection. The copies stay in memory, also if the originals are on disk."""
    if kind == "int8":
        return models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        )
    if kind == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    return None


def quantized_search(config: models.CollectionConfig) -> models.SearchParams | None:
    """Return the parameters of searches in a collection, which others may have made; None if it is not quantized."""
    if config.quantization_config is None:
        return None
    is_binary = isinstance(config.quantization_config, models.BinaryQuantization)
    oversampling = BINARY_OVERSAMPLING if is_binary else OVERSAMPLING
    return models.SearchParams(quantization=models.QuantizationSearchParams(rescore=True, oversampling=oversampling))


UNQUANTIZED_SEARCH = models.SearchParams(quantization=models.QuantizationSearchParams(ignore=True))
