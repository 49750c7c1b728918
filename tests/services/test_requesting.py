"""Requests and their results: tied in every order, and never sent twice blindly."""

import json
import multiprocessing
import threading
from datetime import UTC, datetime, timedelta

import pytest

from kelly_cli.daraja.client.errors import DarajaError
from kelly_cli.errors import ConflictError, DomainError
from kelly_cli.services import checking, requesting
from kelly_cli.services.inbox import Delivery
from kelly_cli.services.requesting import Desk

NOW = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)
RECEIPT = "QGK12XYZ91"
STATUS, BALANCE = "/mpesa/transactionstatus/v1/query", "/mpesa/accountbalance/v1/query"
REVERSAL = "/mpesa/reversal/v1/request"
ACK = {
    "OriginatorConversationID": "1-2-3",
    "ConversationID": "AG_1",
    "ResponseCode": "0",
    "ResponseDescription": "Accept the service request successfully.",
}


def result(values=(), **changes):
    body = {
        "ResultType": 0,
        "ResultCode": 0,
        "ResultDesc": "Done",
        "OriginatorConversationID": "1-2-3",
        "ConversationID": "AG_1",
        "TransactionID": "SB60000000",
    }
    if values:
        pairs = [{"Key": key, "Value": value} for key, value in dict(values).items()]
        body["ResultParameters"] = {"ResultParameter": pairs}
    body.update(changes)
    return json.dumps({"Result": body}).encode()


def completed(amount=50.0, receipt=RECEIPT, status="Completed", **more):
    return result({"TransactionStatus": status, "Amount": amount, "ReceiptNo": receipt, **more})


def given_back(amount=50.0, receipt=RECEIPT):
    return result({"Amount": amount, "OriginalTransactionID": receipt})


@pytest.fixture
def till(books, safaricom, tmp_path):
    return Till(books, safaricom, tmp_path)


class Till:
    """Somebody who asks, and the callbacks that come back."""

    def __init__(self, books, safaricom, folder):
        self.books, self.safaricom, self.folder = books, safaricom, folder
        self.now, self.numbers = NOW, iter(range(1000))
        for path in (STATUS, BALANCE, REVERSAL):
            safaricom.answers[path] = ACK
        books.customer()
        self.invoice = books.invoice(50)
        books.pay(RECEIPT, 50, self.invoice)

    def desk(self):
        urls = ("http://127.0.0.1:8000/results/x", "http://127.0.0.1:8000/timeouts/x")
        return Desk("local", "174379", *urls, lambda: self.now)

    def ask(self, verb, *words):
        hand = self.books.hand._replace(at=self.now)
        with self.safaricom.client(self.folder, lambda: self.now) as daraja:
            return getattr(requesting, verb)(self.books.database, daraja, hand, self.desk(), *words)

    def came(self, raw, kind="result"):
        delivery = Delivery(raw, kind, "http", f"r{next(self.numbers)}")
        [entry] = self.books.inbox.take([delivery])
        return "processed" if entry.processed else entry.error

    def request(self):
        return self.books.one(
            "SELECT kind, state, result_code FROM daraja_requests ORDER BY id DESC"
        )

    def payment(self):
        return self.books.one(
            f"SELECT status, verified_by FROM payments WHERE mpesa_receipt_number = '{RECEIPT}'"
        )

    def sent(self, path):
        return [body for asked, body in self.safaricom.asked if asked == path]

    def check(self):
        found = checking.check(self.books.database, now=NOW)
        own = ("no audit row invoice.create", "neither a sale nor a person")
        assert [str(v) for v in found.violations if not v.detail.startswith(own)] == []


def test_a_completed_status_of_the_same_amount_confirms_the_payment(till):
    asked = till.ask("ask_status", " qgk12xyz91 ")
    assert (asked.request.state, asked.request.receipt) == ("accepted", RECEIPT)
    assert till.came(completed()) == "processed"
    assert till.request() == ("status", "done", "0")
    assert till.payment() == ("COMPLETED", "status")
    assert requesting.look(till.books.database, asked.request.row).says["Amount"] == "50.0"
    till.check()


def test_trap_35_a_status_in_strange_spellings_confirms_too(till):
    till.ask("ask_status", RECEIPT)
    raw = result(
        {"Transaction Status": "Completed ", "Amount": "50.00", "Receipt No": RECEIPT},
        **{"ResultCode": "0", "Conversation ID": "AG_1"},
        ConversationID="",
        OriginatorConversationID=None,
    )
    assert till.came(raw) == "processed"
    assert till.payment() == ("COMPLETED", "status")


@pytest.mark.parametrize(
    "raw",
    [
        completed(amount=49),
        completed(receipt="QGK12XYZ92"),
        completed(status="Cancelled"),
        completed(status="Reversed", amount=20),
    ],
    ids=["amount", "receipt", "status", "part"],
)
def test_a_status_against_the_books_is_a_conflict_that_a_person_sees(till, raw):
    asked = till.ask("ask_status", RECEIPT)
    assert till.came(raw).startswith("conflict: status result")
    assert till.payment() == ("COMPLETED", "callback")
    assert till.books.log_words()[-1] == "conflict"
    assert requesting.look(till.books.database, asked.request.row).conflict
    till.check()


def test_a_status_of_money_we_do_not_hold_is_kept_and_not_booked(till):
    asked = till.ask("ask_status", "QGK12XYZ99")
    assert till.came(completed(receipt="QGK12XYZ99")) == "processed"
    found = requesting.look(till.books.database, asked.request.row)
    assert (found.request.state, found.payment) == ("done", None)
    assert found.says["ReceiptNo"] == "QGK12XYZ99"
    assert till.books.one("SELECT count(*) FROM payments") == (1,)


def test_trap_45_what_is_no_receipt_is_refused_before_anything_is_sent(till):
    with pytest.raises(DomainError) as error:
        till.ask("ask_status", "QGK 12")
    assert error.value.code == "bad_receipt"
    assert till.safaricom.asked == []


def test_trap_36_a_time_out_means_unknown_and_nothing_is_sent_again(till):
    till.ask("ask_reversal", RECEIPT)
    assert till.came(result(), "timeout") == "processed"
    assert till.request()[1] == "unknown"
    assert till.payment()[0] == "COMPLETED"
    with pytest.raises(ConflictError) as error:
        till.ask("ask_reversal", RECEIPT)
    assert error.value.code == "reversal_pending"
    assert "kelly mpesa status" in error.value.hint
    assert len(till.sent(REVERSAL)) == 1
    till.check()


def test_trap_36_a_result_after_a_time_out_still_counts(till):
    till.ask("ask_reversal", RECEIPT)
    till.came(result(), "timeout")
    till.came(given_back())
    assert (till.request()[1], till.payment()[0]) == ("done", "REVERSED")
    till.came(result(), "timeout")
    assert till.request()[1] == "done"


def test_a_result_that_comes_before_the_reply_is_tied_when_the_reply_is_kept(till):
    def deliver_first(_):
        assert till.came(given_back()) == "processed"
        return ACK

    till.safaricom.answers[REVERSAL] = deliver_first
    asked = till.ask("ask_reversal", RECEIPT)
    assert (asked.request.state, asked.payment.status) == ("done", "REVERSED")
    till.check()


def test_an_early_conflict_is_seen_too(till):
    def deliver_first(_):
        assert till.came(completed(amount=1)) == "processed"
        return ACK

    till.safaricom.answers[STATUS] = deliver_first
    assert till.ask("ask_status", RECEIPT).conflict.startswith("conflict: ")
    assert till.books.log_words()[-1] == "conflict"
    till.check()


def test_a_result_that_fits_no_request_is_a_notice_without_money(till):
    till.ask("ask_reversal", RECEIPT)
    stranger = result({"OriginalTransactionID": RECEIPT}, ConversationID="AG_9")
    stranger = stranger.replace(b"1-2-3", b"9-9-9")
    assert till.came(stranger) == "processed"
    assert till.payment()[0] == "COMPLETED"
    assert till.request()[1] == "accepted"


def test_a_reversal_that_succeeded_leaves_the_books_once(till):
    asked = till.ask("ask_reversal", RECEIPT)
    [body] = till.sent(REVERSAL)
    assert (body["TransactionID"], str(body["Amount"])) == (RECEIPT, "50")
    assert till.came(given_back()) == "processed"
    assert till.came(given_back()) == "processed"
    assert till.payment()[0] == "REVERSED"
    assert till.books.invoice_state(till.invoice) == ("UNPAID", 0)
    assert till.books.one("SELECT count(*) FROM allocations") == (2,)
    actor, reason = till.books.one(
        "SELECT actor, reason FROM audit WHERE action = 'payment.reverse'"
    )
    assert (actor, reason) == ("tester", "a test")
    assert requesting.look(till.books.database, asked.request.row).is_settled
    till.check()


@pytest.mark.parametrize("code", [1, "21", 2001, "R000002", "SFC_IC0003"], ids=repr)
def test_a_reversal_that_failed_changes_nothing_and_may_be_tried_again(till, code):
    till.ask("ask_reversal", RECEIPT)
    assert till.came(result(ResultCode=code, ResultDesc="no")) == "processed"
    assert till.request()[1:] == ("failed", str(code))
    assert till.payment()[0] == "COMPLETED"
    till.ask("ask_reversal", RECEIPT)
    till.check()


def test_already_reversed_means_that_the_money_is_gone(till):
    till.ask("ask_reversal", RECEIPT)
    till.came(result(ResultCode="R000001", ResultDesc="already been reversed"))
    assert till.request()[1:] == ("failed", "R000001")
    assert till.payment()[0] == "REVERSED"
    till.check()


def test_a_status_that_says_reversed_takes_the_money_out(till):
    till.ask("ask_status", RECEIPT)
    till.came(completed(status="Reversed"))
    assert till.payment()[0] == "REVERSED"
    till.check()


@pytest.mark.parametrize(
    "raw", [given_back(amount=20), given_back(receipt="QGK12XYZ92")], ids=["amount", "receipt"]
)
def test_a_reversal_of_something_else_is_a_conflict(till, raw):
    till.ask("ask_reversal", RECEIPT)
    assert till.came(raw).startswith("conflict: reversal result")
    assert till.payment()[0] == "COMPLETED"
    till.check()


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((400, {"errorCode": "400.002.02", "errorMessage": "Bad Request"}), "refused"),
        ((502, b"<html>"), "unknown"),
        ((200, b""), "unknown"),
    ],
    ids=["refused", "html", "empty"],
)
def test_what_is_known_after_a_bad_reply_stands_in_the_books(till, answer, state):
    till.safaricom.answers[REVERSAL] = answer
    with pytest.raises(DarajaError):
        till.ask("ask_reversal", RECEIPT)
    assert till.request()[1] == state
    assert len(till.sent(REVERSAL)) == 1
    assert till.payment()[0] == "COMPLETED"


def test_a_later_look_that_finds_the_money_lets_it_be_tried_again(till):
    till.safaricom.answers[REVERSAL] = (502, b"<html>")
    with pytest.raises(DarajaError):
        till.ask("ask_reversal", RECEIPT)
    till.ask("ask_status", RECEIPT)
    till.came(completed())
    till.safaricom.answers[REVERSAL] = ACK
    with pytest.raises(ConflictError):
        till.ask("ask_reversal", RECEIPT)
    till.now += timedelta(minutes=11)
    till.safaricom.answers[STATUS] = {**ACK, "ConversationID": "AG_2"}
    till.ask("ask_status", RECEIPT)
    till.came(completed().replace(b"AG_1", b"AG_2").replace(b"1-2-3", b"x"))
    assert till.ask("ask_reversal", RECEIPT).request.state == "accepted"


def test_part_of_a_shilling_cannot_be_reversed_by_the_api(till):
    till.books.pay("QGK12XYZ95", "10.50", "CUST-001")
    with pytest.raises(DomainError) as error:
        till.ask("ask_reversal", "QGK12XYZ95")
    assert error.value.code == "amount_not_whole"
    assert till.safaricom.asked == []


def test_a_balance_tells_its_accounts(till):
    asked = till.ask("ask_balance")
    till.came(result({"AccountBalance": "Utility Account|KES|10.00|7.50|2.50|0.00"}))
    [account] = requesting.look(till.books.database, asked.request.row).accounts
    assert (account.name, account.available_cents) == ("Utility Account", 750)


def test_waiting_ends_with_the_result(till):
    asked = till.ask("ask_status", RECEIPT)
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            till.came(completed())

    done = requesting.wait(till.books.database, asked, until=lambda: False, pause=pause)
    assert (done.request.state, len(pauses)) == ("done", 2)
    still = till.ask("ask_balance")
    assert not requesting.wait(
        till.books.database, still, until=lambda: True, pause=pause
    ).is_settled


def test_a_reversal_result_while_payments_arrive_leaves_sound_books(till):
    till.ask("ask_reversal", RECEIPT)
    words = []

    def pay(first):
        for number in range(first, first + 10):
            delivery = till.books.body(f"QGK12XX{number:03d}", 5, till.invoice)
            words.extend(till.books.inbox.take([Delivery(delivery, None, "http", f"p{number}")]))

    payers = [threading.Thread(target=pay, args=(first,)) for first in (0, 50)]
    for payer in payers:
        payer.start()
    till.came(given_back())
    for payer in payers:
        payer.join()
    assert all(entry.processed for entry in words)
    assert till.payment()[0] == "REVERSED"
    assert till.books.invoice_state(till.invoice) == ("PAID", 50)
    assert till.books.balance() == -50
    till.check()


def _ask_from_another_process(url, server, folder, start, results):
    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.daraja.client.shapes import Keys, Place
    from kelly_cli.errors import KellyError
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database

    database = Database(url)
    desk = Desk("local", "174379", "http://x/r", "http://x/t", lambda: NOW)
    start.wait()
    try:
        with Daraja(Place("local", server, folder), Keys(), lambda: NOW) as daraja:
            requesting.ask_reversal(database, daraja, Hand("other", NOW, "race"), desk, RECEIPT)
        results.put("accepted")
    except KellyError as error:
        results.put(error.code)
    database.close()


def test_of_two_requests_at_once_one_is_sent(till, database_url):
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    arguments = (database_url, till.safaricom.url, till.folder, start, results)
    others = [context.Process(target=_ask_from_another_process, args=arguments) for _ in range(2)]
    for other in others:
        other.start()
    start.set()
    assert sorted(results.get(timeout=60) for _ in others) == ["accepted", "reversal_pending"]
    for other in others:
        other.join()
    assert len(till.sent(REVERSAL)) == 1
