"""The quarantine: bounded, opened by a person only, and then by the road of all callbacks."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.errors import NotFoundError, StorageError
from kelly_cli.services import quarantine as service
from kelly_cli.services.quarantine import Quarantine, Stranger
from kelly_cli.store.quarantine_rows import Held


def body(receipt, code="174379"):
    told = {
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": "10",
        "BusinessShortCode": code,
        "BillRefNumber": "nobody",
    }
    return json.dumps(told).encode()


def stranger(raw, kind="confirmation", address="6.6.6.6"):
    return Stranger(address, "/c2b/confirmation", kind, raw, "address not allowed")


@pytest.fixture
def quarantine(database, hand):
    return Quarantine(database, frozenset({"174379"}), lambda: hand.at)


@pytest.fixture
def aside(quarantine, database):
    """Set bodies aside; return what then waits, the oldest first."""

    def put(*strangers):
        quarantine.take(strangers)
        return service.list_quarantine(database)[::-1]

    return put


def rows(database, sql):
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql).fetchall()]


def test_it_is_never_money_and_says_what_looks_real(quarantine, database, aside):
    found = aside(
        stranger(body("RAA0000001")),
        stranger(body("RAA0000002", code="999999")),
        stranger(b"\xff\x00junk"),
        stranger(body("RAA0000003"), kind="validation"),
    )
    assert [each.is_plausible for each in found] == [True, False, False, False]
    assert [each.trans_id for each in found][:3] == ["RAA0000001", "RAA0000002", None]
    for table in ("payments", "webhook_logs", "validation_requests"):
        assert rows(database, f"SELECT count(*) FROM {table}") == [(0,)]


def test_the_exact_bytes_come_back(database, aside):
    raws = [body("RAA0000001"), b"\xff\x00junk", "\u202eé".encode(), b" "]
    ids = [each.id for each in aside(*map(stranger, raws))]
    assert [each.raw for each in service.find_quarantined(database, ids)] == raws


def test_released_is_as_if_it_had_just_come(database, inbox, hand, aside):
    first, second, third = aside(
        stranger(body("RAA0000001")), stranger(body("RAA0000001")), stranger(b"junk")
    )
    found = service.find_quarantined(database, [first.id, second.id, third.id])
    tally = service.release(database, inbox, hand, found)
    assert (tally.duplicates, tally.failed, tally.received) == (1, 2, 3)
    assert rows(database, "SELECT mpesa_receipt_number FROM payments") == [("RAA0000001",)]
    assert rows(database, "SELECT DISTINCT source FROM webhook_logs") == [("quarantine",)]
    assert service.list_quarantine(database) == []
    audit = rows(database, "SELECT action, subject FROM audit ORDER BY id")
    assert audit == [("quarantine.release", f"quarantined {each}") for each in (1, 2, 3)]


def test_a_release_that_died_half_way_is_finished_by_the_next(
    database, inbox, hand, aside, monkeypatch
):
    (one,) = aside(stranger(body("RAA0000001")))
    found = service.find_quarantined(database, [one.id])

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(service, "_close", die)
        with pytest.raises(KeyboardInterrupt):
            service.release(database, inbox, hand, found)
    assert len(service.list_quarantine(database)) == 1
    service.release(database, inbox, hand, found)
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(1,)]
    assert service.list_quarantine(database) == []


def test_a_released_validation_is_kept_apart_and_no_log(database, inbox, hand, aside):
    (one,) = aside(stranger(body("RAA0000001"), kind="validation"))
    service.release(database, inbox, hand, service.find_quarantined(database, [one.id]))
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(0,)]
    assert rows(database, "SELECT trans_id FROM validation_requests") == [("RAA0000001",)]


def test_dropped_is_gone_with_a_row_in_the_audit(database, hand, aside):
    one, other = aside(stranger(body("RAA0000001")), stranger(b"junk"))
    service.drop(database, hand, service.find_quarantined(database, [one.id]))
    assert [each.id for each in service.list_quarantine(database)] == [other.id]
    assert rows(database, "SELECT action FROM audit") == [("quarantine.drop",)]
    with pytest.raises(NotFoundError) as refused:
        service.find_quarantined(database, [other.id, one.id])
    assert refused.value.code == "quarantined_not_found"


@pytest.mark.parametrize("wanted", [0, -1, 5, 2**63, 10**30])
def test_an_id_that_is_not_there_is_one_clear_error(database, wanted):
    with pytest.raises(NotFoundError, match=str(wanted)):
        service.find_quarantined(database, [wanted])


def test_an_id_is_never_used_twice(database, hand, aside):
    (one,) = aside(stranger(b"first"))
    service.drop(database, hand, service.find_quarantined(database, [one.id]))
    (two,) = aside(stranger(b"second"))
    assert two.id > one.id


def test_a_full_quarantine_lets_go_of_junk_first(quarantine, database, monkeypatch):
    monkeypatch.setattr(service.who_leaves, "__kwdefaults__", {"most_rows": 3, "most_bytes": 10**6})
    done = quarantine.take(
        [
            stranger(b"junk 1"),
            stranger(body("RAA0000001")),
            stranger(b"junk 2"),
            stranger(body("RAA0000002")),
        ]
    )
    assert (done.dropped, len(done.plausible_addresses)) == (1, 2)
    left = [each.trans_id for each in service.list_quarantine(database)]
    assert left == ["RAA0000002", None, "RAA0000001"]


def test_a_flooding_stranger_pushes_out_his_own():
    real = [Held(n, "196.201.212.128", True, 300) for n in range(5)]
    flood = [Held(n, "6.6.6.6", True, 300) for n in range(5, 2000)]
    leaving = service.who_leaves([*real, *flood])
    assert len(leaving) == 1000
    assert leaving == list(range(5, 1005))


HELD = st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(1, 50)), max_size=40)


@given(HELD, st.integers(0, 20), st.integers(0, 400))
def test_whatever_came_the_rest_is_within_bounds_and_no_more_leaves_than_must(
    facts, most_rows, most_bytes
):
    held = [Held(n, *each) for n, each in enumerate(facts)]
    leaving = service.who_leaves(held, most_rows=most_rows, most_bytes=most_bytes)
    assert len(set(leaving)) == len(leaving)
    rest = [each for each in held if each.id not in leaving]
    assert len(rest) <= most_rows
    assert sum(each.raw_bytes for each in rest) <= most_bytes
    if leaving:
        back = [*rest, held[leaving[-1]]]
        assert len(back) > most_rows or sum(each.raw_bytes for each in back) > most_bytes
    if any(each.is_plausible for each in held if each.id in leaving):
        assert all(each.is_plausible for each in rest)


def test_a_database_that_was_taken_away_is_not_made_anew(quarantine, database):
    if not database.is_sqlite:
        pytest.skip("a file")
    path = Path(database.path)
    path.rename(f"{path}.kept")
    with pytest.raises(StorageError):
        quarantine.take([stranger(b"x")])
    assert not path.exists()
