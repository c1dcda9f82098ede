"""Rays against triangles, by Embree: which triangle a ray hits first, and where."""

import os
import time
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats

MAX_TRIANGLES = 2_000_000  # 150 bytes each in Embree; more are smaller than a sample of our pictures
SECONDS = 5.0  # of processor time for all rays at one scene: triangles in one place are hit one after the other
_FEWEST, _MOST = 64, 65_536  # rays between two looks at the clock
_SLOW = 0.1


class UntraceableError(Exception):
    """The triangles cannot be traced within the limits; the message is the cause."""


class Hits(NamedTuple):
    """The first hits of n rays: `triangle` int32 (n,), -1 for none; `a`, `b` weigh its second and third corner."""

    triangle: NDArray[np.int32]
    a: Floats
    b: Floats
    distance: Floats

    def take(self, rays: NDArray[np.int64]) -> "Hits":
        """The hits of some of the rays, by their numbers."""
        return Hits(self.triangle.take(rays), self.a.take(rays), self.b.take(rays), self.distance.take(rays))


class Scene:
    """Triangles for rays to hit."""

    def __init__(self, corners: Floats) -> None:
        """Build the search structure of triangles float32 (f, 3, 3).

        Raises:
            UntraceableError: there are more than MAX_TRIANGLES, or embreex is not installed.
        """
        if len(corners) > MAX_TRIANGLES:
            raise UntraceableError(f"it has {len(corners):,} triangles")
        try:
            from embreex.mesh_construction import TriangleMesh
            from embreex.rtcore_scene import EmbreeScene
        except ImportError as error:  # there is no package for Linux on ARM
            raise UntraceableError("embreex is not installed") from error
        self._left, self._size = SECONDS, _FEWEST
        self._scene: Any = EmbreeScene(_device(), robust=False)
        TriangleMesh(self._scene, corners)

    def first_hits(self, origins: Floats, direction: Floats) -> Hits:
        """Cast rays from `origins` float32 (n, 3) in one `direction` (3,), of length 1.

        Raises:
            UntraceableError: the rays take more than SECONDS.
        """
        found: list[Hits] = []
        done = 0
        while done < len(origins) or not found:
            rays = np.ascontiguousarray(origins[done : done + self._size])
            found.append(self._cast(rays, direction))
            done += len(rays)
        triangle, a, b, distance = (np.concatenate(column) for column in zip(*found, strict=True))
        return Hits(triangle, a, b, distance)

    def _cast(self, origins: Floats, direction: Floats) -> Hits:
        start = time.process_time()
        directions = np.empty_like(origins)
        directions[:] = direction
        hits: Any = self._scene.run(origins, directions, output=True)
        spent = time.process_time() - start
        self._left -= spent
        if self._left < 0:
            raise UntraceableError("too many of its triangles are in one place")
        self._size = min(4 * self._size, _MOST) if spent < _SLOW else max(self._size // 4, _FEWEST)
        return Hits(hits["primID"], hits["u"], hits["v"], hits["tfar"])


@cache
def _device() -> Any:
    """Embree, on this thread alone.

    It would start a thread for each processor that the process may use now, and their stacks alone may be more than
    the address space of a decoder.
    """
    from embreex.rtcore import EmbreeDevice

    if not hasattr(os, "sched_setaffinity"):
        return EmbreeDevice()
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        return EmbreeDevice()
    finally:
        os.sched_setaffinity(0, allowed)
