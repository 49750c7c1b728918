"""Reminders: to those who owe, recorded, and not again for a while; on both databases."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services import adjusting, allocating, auditing, customers, invoices, reminding
from kelly_cli.services.auditing import AuditQuery
from kelly_cli.services.inbox import Delivery
from kelly_cli.services.invoices import NewInvoice
from kelly_cli.services.reminding import Terms
from kelly_cli.store.audit_rows import Hand

TODAY = date(2026, 2, 3)
AT = datetime(2026, 2, 3, 12, tzinfo=UTC)
HAND = Hand("tester", AT, "a test")


@pytest.fixture
def ann(database):
    return owing(database, "ANN", "0712345678")


def owing(database, customer_id, phone, *, amount=500_00, days=10):
    customers.create_customer(
        database, HAND, name=f"{customer_id} Person", customer_id=customer_id, phone=phone
    )
    return bill(database, customer_id, amount, days)


def bill(database, customer_id, amount, days):
    due = TODAY - timedelta(days=days)
    wanted = NewInvoice(customer_id, amount, issued_on=due, due_on=due)
    return invoices.create_invoice(database, HAND, wanted).invoice


def pays(inbox, receipt, amount, reference):
    body = {
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": amount,
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
    }
    inbox.take([Delivery(json.dumps(body).encode(), "confirmation", "test", f"d-{receipt}")])


def compose(due):
    return f"{due.customer_id} owes {due.owed_cents}"


def ready(database, **terms):
    made, found = reminding.make_ready(database, HAND, Terms(**terms), compose)
    return [each.due.customer_id for each in made], found


def sent(database, deliver, hand=HAND, **terms):
    asked = Terms(**terms)
    found = reminding.plan(database, asked, TODAY)
    made = reminding.send(
        database, hand, asked, found, compose=compose, deliver=deliver, clock=lambda: AT
    )
    return [(each.due.customer_id, each.state) for each in made]


def states(database):
    return [each.state for each in reminding.list_reminders(database)]


def test_who_is_overdue_gets_a_message_that_is_recorded_and_audited(database, ann):
    assert ready(database)[0] == ["ANN"]
    (kept,) = reminding.list_reminders(database)
    assert (kept.state, kept.owed_cents, kept.as_of, kept.address, kept.message) == (
        "ready",
        500_00,
        TODAY,
        "254712345678",
        "ANN owes 50000",
    )
    assert auditing.list_actions(database, AuditQuery(), limit=1)[0].action == "remind"


@pytest.mark.parametrize(("overdue_days", "found"), [(10, ["ANN"]), (11, []), (0, ["ANN"])])
def test_the_days_are_counted_from_the_due_day(database, ann, overdue_days, found):
    assert ready(database, overdue_days=overdue_days)[0] == found


def test_due_today_is_not_overdue(database):
    owing(database, "ANN", "0712345678", days=0)
    assert ready(database, overdue_days=0)[0] == []


def test_who_owes_nothing_is_never_reminded(database, inbox, ann):
    pays(inbox, "QGK12XYZ91", "500", "ANN")
    assert ready(database)[0] == []


def test_credit_that_covers_what_is_overdue_counts(database, inbox, ann):
    # Freed by a person, so no rule moves it: it is credit all the same.
    pays(inbox, "QGK12XYZ91", "500", "ANN")
    allocating.unallocate(database, HAND, "QGK12XYZ91")
    made, found = ready(database)
    assert made == []
    assert [each.reason for each in found.skipped] == [
        "owes nothing: the credit covers what is overdue"
    ]


def test_what_is_owed_is_less_the_credit(database, inbox, ann):
    pays(inbox, "QGK12XYZ91", "200", "ANN")
    reminding.make_ready(database, HAND, Terms(), compose)
    assert reminding.list_reminders(database)[0].owed_cents == 300_00


def test_an_invoice_on_hold_reminds_nobody(database, ann):
    adjusting.hold(database, HAND, ann.invoice_id)
    assert ready(database)[0] == []


def test_without_a_phone_a_customer_is_listed_and_not_recorded(database):
    owing(database, "BOB", None)
    made, found = ready(database)
    assert (made, [each.customer_id for each in found.without_phone]) == ([], ["BOB"])
    assert states(database) == []


def test_nobody_is_reminded_twice_in_a_while_unless_asked(database, ann):
    assert ready(database)[0] == ["ANN"]
    made, found = ready(database)
    assert (made, found.skipped[0].reason) == ([], "was reminded on 2026-02-03")
    assert ready(database, again_after=0)[0] == ["ANN"]


def test_after_the_while_the_next_one_goes_out(database, ann):
    ready(database)
    later = HAND._replace(at=AT + timedelta(days=7))
    made, _ = reminding.make_ready(database, later, Terms(), compose)
    assert len(made) == 1


def test_one_customer_alone_can_be_asked_for(database, ann):
    owing(database, "BOB", "0722000111")
    assert ready(database, customer_id="bob")[0] == ["BOB"]
    with pytest.raises(NotFoundError):
        ready(database, customer_id="nobody")


def test_a_letter_that_went_is_sent_and_stays_so(database, ann):
    told = []
    assert sent(database, lambda due, text: told.append((due.phone, text))) == [("ANN", "sent")]
    assert told == [("254712345678", "ANN owes 50000")]
    (kept,) = reminding.list_reminders(database)
    assert (kept.state, kept.sent_at, kept.error) == ("sent", AT, None)
    assert sent(database, lambda *_: None) == []


def test_a_letter_that_failed_is_recorded_and_the_next_run_tries_again(database, ann):
    assert sent(database, lambda *_: "no address took it") == [("ANN", "failed")]
    assert reminding.list_reminders(database)[0].error == "no address took it"
    assert sent(database, lambda *_: None) == [("ANN", "sent")]
    assert states(database) == ["sent", "failed"]


def test_a_payment_between_the_list_and_the_letter_takes_its_payer_off(database, inbox, ann):
    owing(database, "BOB", "0722000111")

    def deliver(due, _):
        pays(inbox, "QGK12XYZ91", "500", "BOB")

    assert sent(database, deliver) == [("ANN", "sent")]
    assert states(database) == ["sent"]


def test_two_runs_at_once_send_one_letter(database, ann):
    told = []

    def deliver(due, text):
        told.append(text)
        if len(told) == 1:
            assert sent(database, deliver) == []

    assert sent(database, deliver) == [("ANN", "sent")]
    assert len(told) == 1


def test_a_crash_while_sending_sends_nothing_twice(database, ann):
    def crash(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sent(database, crash)
    assert states(database) == ["sending"]
    assert sent(database, lambda *_: None) == []


def test_what_did_not_go_out_can_be_taken_back(database, ann):
    ready(database)
    (kept,) = reminding.list_reminders(database)
    assert reminding.cancel(database, HAND, kept.row, dry_run=True).state == "cancelled"
    assert states(database) == ["ready"]
    reminding.cancel(database, HAND, kept.row)
    with pytest.raises(DomainError, match="already"):
        reminding.cancel(database, HAND, kept.row)
    assert ready(database)[0] == ["ANN"]


def test_what_went_out_cannot_be_taken_back(database, ann):
    sent(database, lambda *_: None)
    with pytest.raises(DomainError) as refused:
        reminding.cancel(database, HAND, reminding.list_reminders(database)[0].row)
    assert refused.value.code == "refused"
    with pytest.raises(NotFoundError):
        reminding.cancel(database, HAND, 99)


def test_reminders_are_listed_by_customer_and_state(database, ann):
    owing(database, "BOB", "0722000111")
    ready(database)
    assert len(reminding.list_reminders(database, customer_id="BOB")) == 1
    assert reminding.list_reminders(database, state="failed") == []
    assert len(reminding.list_reminders(database, limit=1)) == 1
