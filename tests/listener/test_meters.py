"""Metrics: what Prometheus' own reader makes of them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kelly_cli.listener.counts import Counts, Spread
from kelly_cli.listener.meters import Meters


def read(counts, waiting=0):
    text = Meters(counts, waiting=lambda: waiting).text().decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_number_can_be_read():
    counts = Counts()
    counts.outcomes["stk", "failed"] += 2
    counts.commits = 4
    counts.answers[404] += 1
    counts.plausible_refusals = 5
    counts.acks.see(0.003)
    counts.batches.see(30)
    counts.last_callback_s = 0.0
    counts.spool_depth = lambda: 6
    counts.away_s = lambda: 8
    counts.turned_away = lambda: 9
    counts.let_go = 10
    counts.unkept_validations = 11
    found = read(counts, waiting=7)
    assert found["kelly_callbacks_total", "failed", "stk"] == 2
    assert found["kelly_callbacks_total", "confirmation", "processed"] == 0
    assert found["kelly_commits_total",] == 4
    assert found["kelly_http_answers_total", "404"] == 1
    assert found["kelly_plausible_refusals_total",] == 5
    assert found["kelly_ack_seconds_bucket", "0.002"] == 0
    assert found["kelly_ack_seconds_bucket", "0.005"] == 1
    assert found["kelly_ack_seconds_count",] == 1
    assert found["kelly_ack_seconds_sum",] == pytest.approx(0.003)
    assert found["kelly_batch_callbacks_bucket", "50.0"] == 1
    assert found["kelly_callbacks_waiting",] == 7
    assert found["kelly_spool_callbacks",] == 6
    assert found["kelly_database_away_seconds",] == 8
    assert found["kelly_connections_turned_away_total",] == 9
    assert found["kelly_quarantine_let_go_total",] == 10
    assert found["kelly_validations_not_kept_total",] == 11
    assert found["kelly_last_callback_age_seconds",] > 0


def test_before_the_first_callback_there_is_no_age():
    assert ("kelly_last_callback_age_seconds",) not in read(Counts())


def test_a_value_on_a_bound_belongs_to_it_and_none_is_lost():
    spread = Spread((1, 2))
    for value in (0.5, 1, 2, 3):
        spread.see(value)
    assert (spread.buckets, spread.total) == ([2, 1, 1], 6.5)
