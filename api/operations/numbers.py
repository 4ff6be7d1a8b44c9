"""The values behind `/metrics`: counted by the thread that does the work, read when asked for.

A counter of `prometheus_client` takes a lock and a microsecond; serving a tile takes sixty. So each
series is written by one thread alone, in plain numbers. This collector hands them to the library,
which spells the answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.operations import series
from api.operations.series import Role, Series
from testamur import __version__

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
Labels: TypeAlias = tuple[str, ...]


class Histogram:
    """Observations by upper bound; each bound includes itself, as Prometheus has it."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Return (upper bound, values up to it) for each bound, the infinite one last."""
        bounds = [*map(str, self._bounds), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self._counts)), strict=True))


class Numbers(Collector):
    """The series of a process with these `roles`."""

    def __init__(self, *roles: Role) -> None:
        self._series = [each for each in series.ALL if set(roles) & set(each.roles)]
        self._counts: dict[str, dict[Labels, float]] = {each.name: {} for each in self._series}
        self._histograms: dict[str, dict[Labels, Histogram]] = {
            each.name: {} for each in self._series
        }
        self._readings: dict[str, dict[Labels, Callable[[], float]]] = {
            each.name: {} for each in self._series
        }
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        self.read(series.BUILD, lambda: 1, __version__)

    # --- Counting: each series by one thread alone ---

    def counts(self, of: Series) -> dict[Labels, float]:
        """Return the values of a counter by labels, for its thread to add to."""
        return self._counts[of.name]

    def add(self, to: Series, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        counts = self._counts[to.name]
        counts[labels] = counts.get(labels, 0) + by

    def observe(self, of: Series, value: float, *labels: str) -> None:
        """Count one value in a histogram."""
        histograms = self._histograms[of.name]
        found = histograms.get(labels)
        if found is None:
            found = histograms[labels] = Histogram(of.buckets)
        found.observe(value)

    def begin(self, of: Series, values: Iterable[str] = ()) -> None:
        """Show a series from now on, at 0, for each value of its label if it has one.

        A counter that appears with its first increase has no rate then.
        """
        every: list[Labels] = [(value,) for value in values]
        for labels in every or [()]:
            if of.kind == "histogram":
                self._histograms[of.name].setdefault(labels, Histogram(of.buckets))
            else:
                self._counts[of.name].setdefault(labels, 0)

    def read(self, of: Series, read: Callable[[], float], *labels: str) -> None:
        """Show a series from now on, read by `read` when it is asked for, on any thread."""
        self._readings[of.name][labels] = read

    # --- Showing ---

    def collect(self) -> Iterator[Metric]:
        """Yield every series, as `prometheus_client` asks for them."""
        return map(self._family, self._series)

    def exposition(self) -> bytes:
        """Return all of them in the Prometheus text format, version 0.0.4."""
        return generate_latest(self._registry)

    def _family(self, of: Series) -> Metric:
        if of.kind == "histogram":
            histogram = HistogramMetricFamily(of.name, f"{of.meaning}.", labels=of.labels)
            # A copy in one step: its thread may add to it meanwhile.
            for labels, found in list(self._histograms[of.name].items()):
                histogram.add_metric(labels, found.cumulative(), found.sum)
            return histogram
        make = CounterMetricFamily if of.kind == "counter" else GaugeMetricFamily
        family = make(of.name, f"{of.meaning}.", labels=of.labels)
        for labels, value in list(self._counts[of.name].items()):
            family.add_metric(labels, value)
        for labels, read in list(self._readings[of.name].items()):
            family.add_metric(labels, read())
        return family
