"""3D objects: points in the unit ball, and pictures from all sides."""

import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media.drawing.picture import Drawing
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects import load
from omnisearch.media.previews.webp import webp
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.surface import Samples, Triangles, sample
from omnisearch.types import Decoded, Floats, MediaInfo, Modality, Piece, PointCloud, Segment

POINTS = 10_000
MIN_POINTS = 16
DENSE = 40_000  # samples of a surface, from which the points are picked
PICTURE_SIDE = 256


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:  # noqa: ARG001
    """Read a mesh or a point array as 10,000 points and its views.

    y is up if the format defines an up axis; an STL, OFF or PLY that is z-up is not turned.

    Raises:
        MediaError: no_vertices, too_many_vertices, degenerate_extent, non_finite, object_dtype, bad_shape, damaged,
            unsupported_format or decode_error.
    """
    notes: list[str] = []
    shape = load(source, kind, notes)
    drawing = Drawing(shape, notes)
    pieces = iter([Piece(Segment(), to_cloud(shape, drawing))])
    info = MediaInfo(Modality.POINT_CLOUD, kind.mime)
    return Decoded(info, pieces, list(dict.fromkeys(notes)), lambda: webp(drawing.poster(PICTURE_SIDE), PICTURE_SIDE))


def to_cloud(shape: list[Triangles] | Samples, drawing: Drawing) -> PointCloud:
    """Pick 10,000 points of an object, and draw its views.

    Raises:
        MediaError: no_vertices, non_finite or degenerate_extent.
    """
    return PointCloud(*_pick(dense(shape)), drawing.views())


def dense(shape: list[Triangles] | Samples) -> Samples:
    """Some DENSE samples of a surface, or bare points, centred on their mean and scaled into the unit ball.

    Raises:
        MediaError: no_vertices, non_finite or degenerate_extent.
    """
    samples = shape if isinstance(shape, Samples) else sample(shape, DENSE)
    if len(samples.points) < MIN_POINTS:
        raise MediaError(Reason.NO_VERTICES, f"{len(samples.points)} points, the least is {MIN_POINTS}")
    return Samples(_in_unit_ball(samples.points), samples.colors)


def _in_unit_ball(points: Floats) -> Floats:
    centred = points.astype(np.float64)
    centred -= centred.mean(axis=0)
    reach = float(np.linalg.norm(centred, axis=1).max())
    if not np.isfinite(reach):
        raise MediaError(Reason.NON_FINITE, "a coordinate is not a finite number")
    if reach < 1e-12:
        raise MediaError(Reason.DEGENERATE_EXTENT, "all points coincide")
    return (centred / (reach * (1 + 1e-6))).astype(np.float32)


def _pick(samples: Samples) -> tuple[Floats, Floats | None]:
    """Draw 10,000 samples with a fixed random seed; samples are repeated if there are fewer."""
    count = len(samples.points)
    rng = np.random.default_rng(0)
    chosen = rng.permutation(count)[:POINTS]
    if count < POINTS:
        chosen = np.resize(chosen, POINTS)
    points = samples.points[chosen]
    points = _in_unit_ball(points)
    return points, None if samples.colors is None else samples.colors[chosen]
