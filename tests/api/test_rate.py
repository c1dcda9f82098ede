"""Token buckets, on a clock of our own."""

import pytest

from omnisearch.api import rate
from omnisearch.api.keys import Key, Scope
from omnisearch.api.rate import RateLimits


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def key(name: str = "a", per_second: float | None = None) -> Key:
    return Key(name, name, frozenset({Scope.SEARCH}), per_second)


def test_a_bucket_holds_a_burst_and_fills_at_its_rate() -> None:
    clock = Clock()
    limits = RateLimits(10.0, clock)
    assert [limits.take(key()).wait for _ in range(21)] == [0.0] * 20 + [pytest.approx(0.1)]
    clock.now = 0.05
    assert limits.take(key()).wait == pytest.approx(0.05)
    clock.now = 0.1001
    assert limits.take(key()).wait == 0.0
    assert limits.take(key()).wait > 0
    clock.now = 1000.0
    assert sum(limits.take(key()).wait == 0.0 for _ in range(100)) == 20


def test_over_time_a_key_gets_its_rate_and_refusals_cost_nothing() -> None:
    clock = Clock()
    limits = RateLimits(100.0, clock)
    taken = 0
    for step in range(10_000):  # 1000 requests a second for 10 s
        clock.now = step / 1000
        taken += limits.take(key(per_second=5.0)).wait == 0.0
    assert 5 * 10 <= taken <= 5 * 10 + 10


def test_keys_do_not_share_buckets_and_old_ones_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MAX_BUCKETS", 2)
    limits = RateLimits(0.5, Clock())
    assert [limits.take(key(name)).wait > 0 for name in "aab"] == [False, True, False]
    assert not limits.take(key("c")).wait  # drops a
    assert not limits.take(key("a")).wait
