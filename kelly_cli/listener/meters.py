"""The counts as Prometheus reads them. Made at every scrape, and nothing before it.

Labels are words of kelly's own: no text from outside, no receipt, no phone.
"""

from __future__ import annotations

from itertools import accumulate
from time import monotonic
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from kelly_cli.listener.counts import Counts, Spread

CONTENT_TYPE = CONTENT_TYPE_LATEST
KINDS = ("confirmation", "stk", "result", "timeout")
OUTCOMES = ("processed", "duplicate", "conflict", "unmatched", "failed")


class Meters(Collector):
    """What ``GET /metrics`` tells. ``waiting``: callbacks that are not on disk yet."""

    def __init__(self, counts: Counts, *, waiting: Callable[[], int]) -> None:
        self._counts = counts
        self._waiting = waiting
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text form."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Return nothing: names are checked by tests, not at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give each number."""
        counts = self._counts
        yield self._callbacks()
        yield CounterMetricFamily(
            "kelly_commits", "Units of work that kept callbacks.", counts.commits
        )
        yield self._answers()
        yield CounterMetricFamily(
            "kelly_plausible_refusals",
            "Refused by address, but looking like a callback for our short code.",
            counts.plausible_refusals,
        )
        yield _histogram(
            "kelly_ack_seconds", "From a callback's last byte to its answer.", counts.acks
        )
        yield _histogram("kelly_batch_callbacks", "Callbacks in a unit of work.", counts.batches)
        yield GaugeMetricFamily(
            "kelly_callbacks_waiting", "Callbacks that are not on disk yet.", self._waiting()
        )
        yield GaugeMetricFamily(
            "kelly_spool_callbacks",
            "Callbacks that wait in the spool for the database.",
            counts.spool_depth(),
        )
        yield from self._left_out()
        yield GaugeMetricFamily(
            "kelly_database_away_seconds",
            "How long the database has taken nothing; 0 while it takes callbacks.",
            counts.away_s(),
        )
        yield self._age()

    def _left_out(self) -> Iterator[Metric]:
        """Give what was let go because there was too much of it."""
        counts = self._counts
        yield CounterMetricFamily(
            "kelly_connections_turned_away",
            "Connections that ended without a word: too many, or too many from one address.",
            counts.turned_away(),
        )
        yield CounterMetricFamily(
            "kelly_quarantine_let_go",
            "Bodies refused by address that came too fast for the quarantine.",
            counts.let_go,
        )
        yield CounterMetricFamily(
            "kelly_validations_not_kept",
            "Validation requests answered, but not kept: they are no money.",
            counts.unkept_validations,
        )

    def _callbacks(self) -> Metric:
        family = CounterMetricFamily(
            "kelly_callbacks", "What became of callbacks.", labels=("kind", "outcome")
        )
        seen = dict(self._counts.outcomes)
        for both in dict.fromkeys([*((k, o) for k in KINDS for o in OUTCOMES), *seen]):
            family.add_metric(both, seen.get(both, 0))
        return family

    def _answers(self) -> Metric:
        family = CounterMetricFamily("kelly_http_answers", "Answers by status.", labels=("status",))
        for status, number in sorted(dict(self._counts.answers).items()):
            family.add_metric((str(status),), number)
        return family

    def _age(self) -> Metric:
        family = GaugeMetricFamily(
            "kelly_last_callback_age_seconds",
            "Since the last callback was answered; absent before the first.",
        )
        last_s = self._counts.last_callback_s
        if last_s is not None:
            family.add_metric((), monotonic() - last_s)
        return family


def _histogram(name: str, about: str, spread: Spread) -> Metric:
    bounds = [*(str(float(bound)) for bound in spread.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(spread.buckets), strict=True))
    return HistogramMetricFamily(name, about, buckets=buckets, sum_value=spread.total)
