"""The metrics of /metrics, in the format of Prometheus."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from omnisearch.media.pool import restarts
from omnisearch.types import Modality

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one app."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Decoders())
        labels = ("method", "route", "status")
        self._requests = Histogram(
            "omnisearch_request_seconds",
            "Time from a request to the end of its response.",
            labels,
            registry=self._registry,
            buckets=BUCKETS,
        )
        self._rejections = Counter(
            "omnisearch_rejections",
            "Requests answered with a problem, by its code.",
            ("reason",),
            registry=self._registry,
        )
        self._queued = Gauge(
            "omnisearch_queue_depth", "Requests that run or wait, by queue.", ("queue",), registry=self._registry
        )
        self._capacity = Gauge(
            "omnisearch_queue_capacity", "Requests that may run or wait.", ("queue",), registry=self._registry
        )
        self._segments = Gauge(
            "omnisearch_segments", "Indexed segments.", ("collection", "modality"), registry=self._registry
        )

    def observe(self, method: str, route: str, status: str, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, status).observe(seconds)

    def count_rejection(self, reason: str) -> None:
        """Count a request that was answered with a problem."""
        self._rejections.labels(reason).inc()

    def render(self, queues: Mapping[str, tuple[int, int]], segments: Mapping[str, Mapping[Modality, int]]) -> bytes:
        """Return all metrics as text.

        `queues` holds depth and capacity by name; `segments` counts by modality in each open collection.
        """
        for name, (depth, capacity) in queues.items():
            self._queued.labels(name).set(depth)
            self._capacity.labels(name).set(capacity)
        self._segments.clear()
        for collection, counts in segments.items():
            for modality, count in counts.items():
                self._segments.labels(collection, modality).set(count)
        return generate_latest(self._registry)


class _Decoders(Collector):
    def collect(self) -> Iterator[CounterMetricFamily]:
        text = "Decoder processes that died or were killed while they read a file."
        yield CounterMetricFamily("omnisearch_decoder_restarts", text, value=restarts())
