"""The condition that an item was made near a point: `place:38.72,-9.14,5km`."""

import math
from dataclasses import dataclass
from dataclasses import field as attribute

from omnisearch.errors import QueryError
from omnisearch.query.item_fields import ItemFields

EARTH_KM = 6371.0088  # the mean radius of the IUGG
MAX_KM = 20_100.0  # half of the way round
_DEGREE_KM = math.pi * EARTH_KM / 180


@dataclass(frozen=True)
class NearCondition:
    """Matches items within `km` of a point in degrees. `written` is the text that was parsed."""

    latitude: float
    longitude: float
    km: float
    negated: bool = False
    written: str = attribute(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not (abs(self.latitude) <= 90 and abs(self.longitude) <= 180 and 0 < self.km <= MAX_KM):
            raise QueryError(
                f"place:{self.latitude:g},{self.longitude:g},{self.km:g}km: the latitude is -90 to 90, the longitude "
                f"-180 to 180, and the distance above 0 and at most {MAX_KM:,.0f} km"
            )

    def holds(self, known: ItemFields) -> bool:
        """Return whether the condition holds for an item."""
        latitude, longitude = known.metadata.latitude, known.metadata.longitude
        if latitude is None or longitude is None:
            return self.negated
        near = distance_km(self.latitude, self.longitude, latitude, longitude) <= self.km
        return near is not self.negated

    def box(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return bounds of the latitude and of the longitude that contain all points within the distance.

        Around a pole, and across the 180th meridian, the longitude is not bounded.
        """
        high = self.km / _DEGREE_KM * 1.000_001
        latitudes = self.latitude - high, self.latitude + high
        if latitudes[0] <= -90 or latitudes[1] >= 90:
            return latitudes, (-180.0, 180.0)
        # The widest longitude lies nearer to the pole than the point: Bronstein, spherical right triangle.
        wide = math.degrees(math.asin(min(1.0, math.sin(math.radians(high)) / math.cos(math.radians(self.latitude)))))
        longitudes = self.longitude - wide, self.longitude + wide
        return latitudes, longitudes if longitudes[0] >= -180 and longitudes[1] <= 180 else (-180.0, 180.0)


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the distance of two points on a sphere, by the haversine formula."""
    north, south = math.radians(latitude), math.radians(other_latitude)
    apart = math.radians(other_longitude - longitude)
    share = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(apart / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, share)))
