"""Alerts: the first at once, the rest counted, and no more than one of a kind in a window."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.alerting import GOING_ON, KINDS, Alert, Alerting

EVENTS = sorted(set(KINDS) - GOING_ON)


def test_the_first_is_told_at_once_and_the_rest_when_the_window_ends():
    alerting = Alerting(repeat_s=60)
    alerting.happened("failed")
    assert alerting.due(0) == [Alert("failed", 1)]
    for second in range(1, 60):
        alerting.happened("failed")
        assert alerting.due(second) == []
    assert alerting.due(60) == [Alert("failed", 59)]
    assert alerting.due(1000) == []


def test_one_kind_does_not_silence_another():
    alerting = Alerting(repeat_s=60)
    alerting.happened("failed")
    assert alerting.due(0)
    alerting.happened("conflict", 3)
    assert alerting.due(1) == [Alert("conflict", 3)]


def test_a_state_that_goes_on_is_told_again_with_its_newest_size():
    alerting = Alerting(repeat_s=60)
    told = []
    for second in range(0, 181, 2):
        alerting.goes_on("spool", 5 + second)
        told += alerting.due(second)
    assert told == [Alert("spool", n) for n in (5, 65, 125, 185)]
    alerting.goes_on("spool", None)
    assert alerting.due(500) == []


def test_a_state_that_was_over_before_its_turn_is_not_told():
    alerting = Alerting(repeat_s=60)
    alerting.goes_on("disk", 400)
    alerting.goes_on("disk", None)
    assert alerting.due(0) == []


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(1, 5), st.integers(0, 40))))
def test_every_event_is_told_once_and_never_more_often_than_the_window_allows(story):
    alerting, now_s, told = Alerting(repeat_s=60), 0, []
    for kind, number, wait_s in story:
        now_s += wait_s
        alerting.happened(kind, number)
        told += [(now_s, alert) for alert in alerting.due(now_s)]
    told += [(now_s + 60, alert) for alert in alerting.due(now_s + 60)]
    for kind in EVENTS:
        assert sum(a.number for _, a in told if a.kind == kind) == sum(
            number for what, number, _ in story if what == kind
        )
        times = [at_s for at_s, alert in told if alert.kind == kind]
        assert all(later - earlier >= 60 for earlier, later in pairwise(times))


def test_every_kind_has_a_title_and_says_where_to_look():
    for kind in KINDS:
        alert = Alert(kind, 7)
        assert "7" in alert.title
        assert alert.title.isascii()
        assert len(alert.title) < 60
        assert alert.text.endswith((".", "?", "--failed", "--conflicts", "list"))
