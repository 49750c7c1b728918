"""kelly db purge: people go from what was pulled and from what Safaricom answered."""

import json
from datetime import UTC, datetime

import pytest

PEOPLE = ("JANE", "WANJIKU", "254712345678")
OLD = datetime(2018, 2, 4, 6, tzinfo=UTC)


@pytest.fixture
def database(database_url):
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    database = Database(database_url)
    open_for_writing(database)
    yield database
    database.close()


@pytest.fixture
def pulled(database):
    """A payment that was pulled, long ago."""
    from kelly_cli.daraja.pulled import body_of
    from kelly_cli.services.inbox import Delivery, Inbox, OurCode

    record = {
        "transactionId": "QGK12XYZ91",
        "trxDate": "2018-02-03T14:30:22Z",
        "msisdn": 254712345678,
        "sender": "JANE WANJIKU",
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": "0712345678",
        "amount": "20.00",
    }
    inbox = Inbox(database, [OurCode("174379", "paybill", None, "local")], lambda: OLD)
    inbox.take([Delivery(body_of(record, "174379", "eat"), "pull", "pull", "pull:1")])


@pytest.fixture
def answered(database):
    """A status that named the payer, long ago."""
    from kelly_cli.store import request_rows

    said = {
        "DebitPartyName": "254712345678 - JANE WANJIKU",
        "ReceiptNo": "QGK12XYZ91",
        "Transaction Status": "Completed",
        "Amount": "20.0",
    }
    values = {
        "kind": "status",
        "environment": "local",
        "short_code": "174379",
        "receipt": "QGK12XYZ91",
        "actor": "ann",
        "reason": "254712345678 called",
        "result": json.dumps(said),
    }
    with database.writing() as connection:
        request_rows.add_request(connection, values, OLD)


def held(database):
    tables = ("payments", "webhook_logs", "daraja_requests")
    with database.reading() as connection:
        return [connection.exec_driver_sql(f"SELECT * FROM {table}").all() for table in tables]


def test_people_go_and_receipt_and_amount_stay(kelly, database, pulled, answered):
    assert all(word in str(held(database)) for word in PEOPLE)
    ran = kelly("db", "purge", "--older-than", "7y", "--yes", "--json")
    assert (ran.json["payments"], ran.json["logs"], ran.json["requests"]) == (1, 1, 1)
    assert not [word for word in PEOPLE if word in str(held(database))]
    [[request]] = [held(database)[2]]
    assert '"ReceiptNo": "QGK12XYZ91"' in str(request)
    assert '"Amount": "20.0"' in str(request)
    assert kelly("db", "check", "--json").json["violations"] == []
    again = kelly("db", "purge", "--older-than", "7y", "--json").json
    assert (again["payments"], again["logs"], again["requests"]) == (0, 0, 0)
