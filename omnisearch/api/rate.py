"""Rate limits: one token bucket per key."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from omnisearch.api.keys import Key

BURST_SECONDS = 2.0  # a bucket holds the requests of this many seconds, and at least one
MAX_BUCKETS = 10_000


@dataclass(frozen=True)
class Allowance:
    """The state of a bucket after a request. `wait` is the time in seconds until a token is available, 0 if one was."""

    limit: int
    window: int
    remaining: int
    reset: int
    wait: float

    @property
    def headers(self) -> dict[str, str]:
        """The RateLimit fields of draft-ietf-httpapi-ratelimit-headers: quota, remaining requests, reset time."""
        return {
            "RateLimit-Policy": f'"key";q={self.limit};w={self.window}',
            "RateLimit": f'"key";r={self.remaining};t={self.reset}',
        }


class RateLimits:
    """The buckets of all keys. Use it from one event loop."""

    def __init__(self, default_rate: float, clock: Callable[[], float] = monotonic) -> None:
        self._default_rate, self._clock = default_rate, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when they were counted

    def take(self, key: Key) -> Allowance:
        """Take one token out of the bucket of a key, if there is one."""
        rate = key.rate or self._default_rate
        size = max(1.0, BURST_SECONDS * rate)
        now = self._clock()
        tokens, counted = self._buckets.get(key.sha256, (size, now))
        tokens = min(size, tokens + rate * (now - counted))
        wait = 0.0 if tokens >= 1 else (1 - tokens) / rate
        if not wait:
            tokens -= 1
        self._buckets[key.sha256] = tokens, now
        self._buckets.move_to_end(key.sha256)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return Allowance(int(size), math.ceil(size / rate), int(tokens), math.ceil((size - tokens) / rate), wait)
