"""Traps of the way in, in the words of their list (DESIGN.md, the 45 traps), over real HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest

ACCEPTED = b'{"ResultCode": 0, "ResultDesc": "Accepted"}'
PATH = "/c2b/confirmation"


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path}/books.db"


def rows(database, sql):
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def test_trap_09_trap_10_trap_12_trap_40_the_way_in(serve, database, callback):
    listener = serve()
    with listener.connect() as stalled:
        # 40: a connection that stalls half-way delays nobody else.
        stalled.sendall(b"POST /c2b/confirmation HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n")
        strange = (
            callback("RAA0000001", TransactionType=""),
            callback("RAA0000002", TransactionType="Customer Merchant Payment"),
            callback("RAA0000003", InvoiceNumber=None),
            callback("RAA0000004", NobodyKnows=[1]),
            b"{not json",
            b"\xff\xfe\x00",
        )
        for body in strange:
            answer = listener.post(PATH, body, {"Content-Type": "text/strange"})
            assert (answer.status, answer.body) == (200, ACCEPTED)
        # The documented refusal of what is no callback of anybody's.
        assert listener.post(PATH, b"x" * 1_000_000).status == 413
        with ThreadPoolExecutor(20) as senders:
            same = callback("RAA0000005")
            answers = senders.map(lambda _: listener.post(PATH, same).status, range(20))
            assert list(answers) == [200] * 20
    listener.stop()
    assert rows(database, "SELECT count(*) FROM payments") == [(5,)]
    assert rows(database, "SELECT count(*) FROM webhook_logs") == [(len(strange) + 20,)]
    assert rows(
        database, "SELECT count(*) FROM webhook_logs WHERE trans_id = 'RAA0000005' AND is_duplicate"
    ) == [(19,)]
