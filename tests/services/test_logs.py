import json

import pytest
from sqlalchemy import insert

from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services import logs
from kelly_cli.store.log_rows import LogFilter
from kelly_cli.store.tables import WebhookLog

OURS = frozenset({"174379"})


def listed(database, limit=100, **wanted):
    found = logs.list_logs(database, LogFilter(**wanted), limit=limit)
    return [(log.id, log.outcome) for log in found]


def add_pending(database, hand, raw=b"{}"):
    from kelly_cli.store.inbox_rows import add_pending_logs

    with database.writing() as connection:
        return add_pending_logs(connection, [("p1", "confirmation", "file", raw)], hand.at)[0]


@pytest.fixture
def filled(books, database, hand):
    books.customer()
    books.pay("QGK12XYZ91", 10, "CUST-001")
    books.pay("QGK12XYZ91", 10, "CUST-001")
    books.pay("QGK12XYZ91", 20, "CUST-001")
    books.pay("QGK12XYZ92", 20, "wrong")
    books.take(b"no json")
    add_pending(database, hand)
    return books


def test_every_log_is_listed_newest_first_with_one_word(filled, database):
    assert listed(database) == [
        (6, "pending"),
        (5, "failed"),
        (4, "failed"),
        (3, "conflict"),
        (2, "duplicate"),
        (1, "processed"),
    ]
    assert listed(database, limit=2) == [(6, "pending"), (5, "failed")]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"failed": True}, [5, 4]),
        ({"pending": True}, [6]),
        ({"duplicates": True}, [3, 2]),
        ({"conflicts": True}, [3]),
        ({"failed": True, "conflicts": True}, [5, 4, 3]),
        ({"receipt": "QGK12XYZ91"}, [3, 2, 1]),
        ({"receipt": "QGK12XYZ91", "duplicates": True}, [3, 2]),
        ({"source": "file"}, [6, 5, 4, 3, 2, 1]),
        ({"source": "http"}, []),
    ],
)
def test_filters_choose_and_states_add_up(filled, database, wanted, ids):
    assert [log_id for log_id, _ in listed(database, **wanted)] == ids


def test_the_failed_list_is_the_public_query(filled, database):
    public = filled.rows(
        "SELECT id FROM webhook_logs WHERE processed = false AND is_duplicate = false "
        "ORDER BY created_at DESC, id DESC"
    )
    both = listed(database, failed=True, pending=True)
    assert [log_id for log_id, _ in both] == [row[0] for row in public]


def test_a_log_gives_back_its_text_and_what_it_says(books, database):
    raw = books.body("QGK12XYZ91", 10, "wrong", FirstName="\u001b[31m")
    books.take(raw)
    found = logs.show_log(database, 1, ours=OURS)
    assert found.raw.raw == raw
    assert found.raw.encoding == "utf-8"
    assert found.facts["amount"] == "10.00"
    assert found.facts["transaction_date"] == "2026-02-03T14:30:22+03:00"
    assert found.log.payment == "QGK12XYZ91"


def test_bytes_that_are_no_text_are_given_back_exactly(books, database):
    raw = b'{"TransID": "\xff\x00"'
    books.take(raw)
    found = logs.show_log(database, 1, ours=OURS)
    assert (found.raw.encoding, found.raw.raw, found.facts) == ("base64", raw, {})


def test_a_result_without_money_tells_what_it_says(books, database):
    books.take(books.stk("x", 1, code=1032))
    found = logs.show_log(database, 1, ours=OURS)
    assert found.log.outcome == "processed"
    assert "Request cancelled by user" in found.facts["says"]


def test_a_pending_log_tells_why_it_would_be_refused(database, hand):
    row = add_pending(database, hand, b"no json")
    assert "not a JSON object" in logs.show_log(database, row, ours=OURS).facts["refused"]


@pytest.mark.parametrize("kind", ["statement"])
def test_what_is_no_callback_is_not_read_as_one(database, hand, kind):
    with database.writing() as connection:
        connection.execute(
            insert(WebhookLog).values(
                delivery_id="x",
                kind=kind,
                source=kind,
                raw_payload="a,b",
                raw_encoding="utf-8",
                raw_sha256=b"",
                processed=True,
                is_duplicate=False,
                created_at=hand.at,
            )
        )
    assert logs.show_log(database, 1, ours=OURS).facts == {}


@pytest.mark.parametrize("log_id", [404, 0, -1, 2**63, 10**30])
def test_a_log_that_is_not_there_is_not_found(filled, database, hand, log_id):
    for ask in (
        lambda: logs.show_log(database, log_id, ours=OURS),
        lambda: logs.find_open_log(database, log_id),
        lambda: logs.dismiss_log(database, hand, log_id, "x"),
    ):
        with pytest.raises(NotFoundError) as error:
            ask()
        assert error.value.code == "log_not_found"


def test_a_dismissed_log_is_processed_and_keeps_error_and_reason(filled, database, hand):
    before = logs.find_open_log(database, 5)
    after = logs.dismiss_log(database, hand, 5, "a test of ours")
    assert (after.outcome, after.processed, after.is_duplicate) == ("dismissed", True, False)
    assert after.error == before.error
    assert "a test of ours" in after.note
    assert listed(database, failed=True) == [(4, "failed")]
    assert filled.retry() == ["failed", "failed"]
    assert logs.show_log(database, 5, ours=OURS).log == after


def test_a_pending_log_is_dismissed_too(filled, database, hand):
    assert logs.dismiss_log(database, hand, 6, "empty").outcome == "dismissed"
    assert listed(database, pending=True) == []


@pytest.mark.parametrize(("log_id", "word"), [(1, "processed"), (2, "duplicate"), (3, "conflict")])
def test_only_failed_and_pending_logs_are_dismissed(filled, database, hand, log_id, word):
    with pytest.raises(DomainError, match=f"log {log_id} is {word}") as error:
        logs.dismiss_log(database, hand, log_id, "x")
    assert error.value.code == "not_failed"


def test_a_log_is_dismissed_once(filled, database, hand):
    logs.dismiss_log(database, hand, 5, "first")
    with pytest.raises(DomainError, match="is dismissed"):
        logs.dismiss_log(database, hand, 5, "second")
    assert "first" in logs.show_log(database, 5, ours=OURS).log.note


def test_dismissed_money_stays_in_suspense_and_a_good_repeat_still_places_it(books, database, hand):
    books.pay("QGK12XYZ91", 20, "CUST-001")
    logs.dismiss_log(database, hand, 1, "seen")
    assert books.one("SELECT status FROM payments") == ("UNMATCHED",)
    books.customer()
    assert books.pay("QGK12XYZ91", 20, "CUST-001") == "duplicate"
    assert books.balance() == -20
    assert listed(database) == [(2, "duplicate"), (1, "processed")]


def test_the_audit_keeps_the_dismissal(filled, database, hand):
    logs.dismiss_log(database, hand, 5, "a test of ours")
    row = filled.one(
        "SELECT subject, reason, before, after FROM audit WHERE action = 'webhook.dismiss'"
    )
    assert row[:2] == ("log 5", "a test of ours")
    assert json.loads(row[2])["outcome"] == "failed"
    assert json.loads(row[3])["outcome"] == "dismissed"
