"""The projection of vectors onto a plane, for maps of a collection."""

from collections.abc import Sequence

import numpy as np

from omnisearch.types import Floats, Modality


def project_to_plane(rows: Floats, modalities: Sequence[Modality]) -> Floats:
    """Return the first two principal components (n, 2) of vectors (n, dim), scaled so that the largest number is 1.

    Each modality is centred first. Otherwise the first component would only show the modality gap of the shared space.
    The same rows always have the same projection.
    """
    centred = rows.astype(np.float64)
    for modality in set(modalities):
        members = np.array([each is modality for each in modalities])
        centred[members] -= centred[members].mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # (dim, dim), the smallest first
    axes = axes[:, :-3:-1]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])])  # an axis and its negative are equivalent
    flat = np.zeros((len(rows), 2))
    flat[:, : axes.shape[1]] = centred @ (axes * signs)
    # Less than a millionth is rounding: all rows of a modality are equal.
    largest = np.abs(flat).max(initial=0.0)
    return (flat / largest if largest > 1e-6 else 0 * flat).astype(np.float32)
