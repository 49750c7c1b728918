"""The Pull API onto the one road: what was lost comes in once, by the right clock."""

from datetime import UTC, datetime, timedelta

import pytest

from kelly_cli.errors import DomainError, KellyError
from kelly_cli.services import checking, pulling
from kelly_cli.services.pulling import Source, Span

NOW = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)
WALL = datetime(2026, 2, 3, 15, 0)
DAY = Span(WALL - timedelta(hours=24), WALL)
QUERY = "/pulltransactions/v1/query"
HELD = "QGK12XYZ91"
"""Held already: paid at 14:30:22 in Nairobi."""


def record(receipt, reference="CUST-001", amount="20.00", at="2026-02-03T14:31:00Z", **changes):
    told = {
        "transactionId": receipt,
        "trxDate": at,
        "msisdn": 72200000,
        "sender": "JANE DOE",
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": reference,
        "amount": amount,
        "organizationname": "Shop",
    }
    return {**told, **changes}


OVERLAP = record(HELD, amount="50.00", at="2026-02-03T14:30:22Z")
NOTHING = {"ResponseRefID": "1", "ResponseCode": "1001", "ResponseMessage": "No records found"}


def page(*records):
    head = {"ResponseRefID": "1", "ResponseCode": "1000", "ResponseMessage": "Success"}
    return {**head, "Response": [list(records)]}


@pytest.fixture
def shop(books, safaricom, tmp_path):
    return Shop(books, safaricom, tmp_path)


class Shop:
    """A business with one payment in its books, and what Safaricom lists."""

    def __init__(self, books, safaricom, folder):
        self.books, self.safaricom, self.folder = books, safaricom, folder
        books.customer()
        self.invoice = books.invoice(50)
        books.pay(HELD, 50, self.invoice, MSISDN=..., FirstName=...)

    def lists(self, *records, page_rows=100):
        """What a server with pages of its own size lists; it knows row offsets."""

        def answer(request):
            start = int(request["OffSetValue"])
            found = records[start : start + page_rows]
            return page(*found) if found else NOTHING

        self.safaricom.answers[QUERY] = answer

    def pull(self, span=DAY, told=None, dry_run=False, codes=("174379",), **options):
        source = Source(
            "local", codes, lambda _: self.safaricom.client(self.folder, lambda: NOW), **options
        )
        return pulling.pull(
            self.books.database,
            self.books.inbox,
            source,
            span,
            now=WALL,
            at=NOW,
            told=told,
            dry_run=dry_run,
        )

    def payments(self):
        return self.books.rows(
            "SELECT mpesa_receipt_number, status, verified_by FROM payments "
            "ORDER BY mpesa_receipt_number"
        )

    def everything(self):
        tables = ("payments", "allocations", "webhook_logs", "invoices", "audit")
        return {table: self.books.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables}

    def check(self):
        found = checking.check(self.books.database, now=NOW)
        own = ("no audit row invoice.create", "neither a sale nor a person")
        assert [str(v) for v in found.violations if not v.detail.startswith(own)] == []


def counts(harvest):
    names = ("records", "new", "known", "failed", "skipped", "conflicts")
    return tuple(getattr(harvest, name) for name in names)


def test_what_was_lost_comes_in_and_what_is_known_is_confirmed(shop):
    shop.lists(OVERLAP, record("QGK12XYZ92"), record("QGK12XYZ93", "CUST 001"))
    harvest = shop.pull()
    assert counts(harvest) == (3, 2, 1, 0, 0, 0)
    assert harvest.clock == "eat"
    assert shop.payments() == [
        (HELD, "COMPLETED", "pull"),
        ("QGK12XYZ92", "COMPLETED", "pull"),
        ("QGK12XYZ93", "COMPLETED", "pull"),
    ]
    assert shop.books.balance() == -40
    assert set(shop.books.rows("SELECT source, kind FROM webhook_logs")) == {
        ("file", "confirmation"),
        ("pull", "pull"),
    }
    shop.check()


def test_a_second_pull_changes_nothing(shop):
    shop.lists(OVERLAP, record("QGK12XYZ92"), record("QGK12XYZ93", "nobody"), record("QGK1", "x"))
    assert counts(shop.pull()) == (4, 1, 1, 2, 0, 0)
    before = shop.everything()
    assert counts(shop.pull()) == (4, 0, 4, 0, 0, 0)
    assert shop.everything() == before
    shop.check()


def test_trap_29_a_known_payment_gains_only_what_was_blank(shop):
    shop.lists(OVERLAP)
    shop.pull()
    row = shop.books.one("SELECT payer_name, msisdn, bill_ref_number, channel FROM payments")
    assert row == ("JANE DOE", "72200000", shop.invoice, "c2b")
    shop.check()


def test_trap_14_a_callback_after_a_pull_is_a_repeat(shop):
    shop.lists(OVERLAP, record("QGK12XYZ92"))
    shop.pull()
    at = {"TransTime": "20260203143100"}
    assert shop.books.pay("QGK12XYZ92", 20, "CUST-001", **at) == "duplicate"
    assert shop.books.pay("QGK12XYZ92", 21, "CUST-001", **at) == "conflict"
    assert shop.payments()[1] == ("QGK12XYZ92", "COMPLETED", "pull")
    shop.check()


def test_another_amount_is_a_conflict_and_confirms_nothing(shop):
    shop.lists(record(HELD, amount="49.00", at="2026-02-03T14:30:22Z"))
    assert counts(shop.pull()) == (1, 0, 0, 0, 0, 1)
    assert shop.payments() == [(HELD, "COMPLETED", "callback")]
    shop.check()


def test_trap_24_utc_times_are_moved_to_nairobi(shop):
    shop.lists(
        record(HELD, amount="50.00", at="2026-02-03T11:30:22Z"),
        record("QGK12XYZ92", at="2026-02-02T21:30:00Z"),
    )
    assert shop.pull().clock == "utc"
    found = shop.books.one(
        "SELECT transaction_date FROM payments WHERE mpesa_receipt_number = 'QGK12XYZ92'"
    )
    assert str(found[0]).startswith("2026-02-03 00:30:00")
    shop.check()


def test_trap_24_times_that_disagree_are_refused(shop):
    shop.books.pay("QGK12XYZ90", 10, "CUST-001")
    shop.lists(OVERLAP, record("QGK12XYZ90", amount="10", at="2026-02-03T11:30:22Z"))
    refused(shop, "clock_disagrees")
    refused(shop, "clock_disagrees", told="eat")


def test_trap_24_a_person_cannot_overrule_receipts_that_are_known(shop):
    shop.lists(OVERLAP, record("QGK12XYZ92"))
    refused(shop, "clock_disagrees", told="utc")
    assert shop.pull(told="eat").new == 1


def test_trap_24_without_a_known_receipt_a_person_must_say_the_clock(shop):
    shop.lists(record("QGK12XYZ92"))
    refused(shop, "clock_unknown")
    assert shop.pull(told="eat").new == 1
    # From then on the payment that was pulled is itself a known receipt.
    shop.lists(record("QGK12XYZ92"), record("QGK12XYZ93"))
    assert shop.pull().clock == "eat"


def refused(shop, code, **options):
    before = shop.everything()
    with pytest.raises(DomainError) as error:
        shop.pull(**options)
    assert error.value.code == code
    assert shop.everything() == before


def test_trap_25_nothing_from_a_code_that_never_gave_anything_is_unknown(shop):
    shop.safaricom.answers[QUERY] = NOTHING
    assert shop.pull().unknown == ["174379"]
    shop.lists(OVERLAP)
    shop.pull()
    shop.safaricom.answers[QUERY] = NOTHING
    harvest = shop.pull()
    assert ([each.state for each in harvest.windows], harvest.unknown) == (["nothing"], [])


def test_trap_26_every_page_is_read_by_row_offset_to_an_empty_one(shop):
    records = [record(f"QGK12XY{number:03d}") for number in range(25)]
    shop.lists(OVERLAP, *records, page_rows=10)
    assert shop.pull().new == 25
    offsets = [request["OffSetValue"] for path, request in shop.safaricom.asked if path == QUERY]
    assert [int(each) for each in offsets] == [0, 10, 20, 26]
    shop.check()


def test_trap_26_a_repeated_page_ends_the_reading(shop):
    shop.safaricom.answers[QUERY] = page(OVERLAP, record("QGK12XYZ92"))
    harvest = shop.pull()
    assert counts(harvest) == (2, 1, 1, 0, 0, 0)
    assert "repeats" in harvest.windows[0].note
    assert len([path for path, _ in shop.safaricom.asked if path == QUERY]) == 2


def test_trap_26_pages_without_an_end_are_stopped_and_said(shop):
    numbers = iter(range(1000))
    shop.safaricom.answers[QUERY] = lambda _: page(OVERLAP, record(f"QGK12XY{next(numbers):03d}"))
    harvest = shop.pull(most_pages=5)
    assert (harvest.new, harvest.windows[0].state) == (5, "failed")


def test_trap_26_what_came_before_a_failure_is_taken_in(shop):
    shop.safaricom.answers[QUERY] = [page(OVERLAP, record("QGK12XYZ92")), (200, b"<html>")]
    harvest = shop.pull()
    assert (harvest.new, harvest.windows[0].state) == (1, "failed")


def test_a_code_that_cannot_be_asked_at_all_is_an_error(shop):
    shop.safaricom.answers[QUERY] = (200, b"<html>")
    with pytest.raises(KellyError):
        shop.pull()


def test_other_movements_are_skipped_and_counted(shop):
    sweep = record("QGK12XYZ94", transactiontype="merchant-settlement", amount="5000")
    shop.lists(OVERLAP, sweep, record("QGK12XYZ95", transactiontype="c2b-buy-goods-debit"))
    harvest = shop.pull()
    assert counts(harvest) == (3, 1, 1, 0, 1, 0)
    assert dict(harvest.skipped_kinds) == {"merchant-settlement": 1}


def test_a_record_that_breaks_a_rule_costs_only_itself(shop):
    shop.lists(OVERLAP, record("QGK12XYZ92", amount="x"), record("QGK12XYZ93"))
    harvest = shop.pull()
    assert counts(harvest) == (3, 1, 1, 1, 0, 0)
    assert harvest.failures[0]["error"].startswith("amount")
    shop.check()


@pytest.mark.parametrize(
    ("hours", "reached", "too_old"),
    [(24, 24, None), (48, 48, None), (60, 48, 12)],
    ids=["a day", "two days", "more"],
)
def test_trap_27_what_is_out_of_reach_is_said(shop, hours, reached, too_old):
    shop.lists(OVERLAP)
    harvest = shop.pull(Span(WALL - timedelta(hours=hours), WALL))
    [window] = harvest.windows
    assert window.span == Span(WALL - timedelta(hours=reached), WALL)
    if too_old is None:
        assert harvest.out_of_reach is None
    else:
        assert harvest.out_of_reach.end - harvest.out_of_reach.start == timedelta(hours=too_old)


def test_trap_27_time_that_is_all_too_old_is_refused(shop):
    refused(shop, "out_of_reach", span=Span(WALL - timedelta(days=5), WALL - timedelta(days=4)))
    refused(shop, "empty_span", span=Span(WALL, WALL))
    assert shop.safaricom.asked == []


def test_a_dry_run_tells_the_same_and_keeps_nothing(shop):
    shop.lists(OVERLAP, record("QGK12XYZ92"), record("QGK12XYZ93", "nobody"))
    before = shop.everything()
    dry = counts(shop.pull(dry_run=True))
    assert shop.everything() == before
    assert shop.books.one("SELECT count(*) FROM pulls") == (0,)
    assert counts(shop.pull()) == dry == (3, 1, 1, 1, 0, 0)


def test_unmatched_money_finds_its_place_when_it_is_tried_again(shop):
    shop.lists(OVERLAP, record("QGK12XYZ92", "CUST-002"))
    assert shop.pull().unmatched == 1
    shop.books.customer("CUST-002")
    assert shop.books.retry() == ["processed"]
    assert shop.books.balance("CUST-002") == -20
    shop.check()


def test_every_short_code_of_ours_is_asked(shop):
    shop.lists(OVERLAP)
    harvest = shop.pull(codes=("174379", "600000"))
    assert [each.short_code for each in harvest.windows] == ["174379", "600000"]
    # The second one is not ours in these books: its record fails alone.
    assert (harvest.records, harvest.known, harvest.failed) == (2, 1, 1)


def test_what_was_asked_is_kept(shop):
    shop.lists(OVERLAP, record("QGK12XYZ92"))
    shop.pull()
    assert shop.books.rows("SELECT short_code, state, records, added FROM pulls") == [
        ("174379", "ok", 2, 1)
    ]
