"""Statements as a business gets them: exports made of lines, against real books."""

import csv
import io
from datetime import datetime, timedelta

import pytest

HEADER = [
    "Receipt No.", "Completion Time", "Initiation Time", "Details", "Transaction Status", "Paid In",
    "Withdrawn", "Balance", "Balance Confirmed", "Reason Type", "Other Party Info",
    "Linked Transaction ID", "A/C No.",
]  # fmt: skip
WALL = datetime(2026, 2, 3, 15, 0)
PAYER = "2547****149 - JANE WANJIKU"


def paid(receipt, shillings, reference="CUST-001", at=WALL, **more):
    """A payer's money."""
    return row(receipt, at, paid_in=f"{shillings:.2f}", reference=reference, party=PAYER, **more)


def row(receipt, at=WALL, *, paid_in="", withdrawn="", reason="Pay Bill Online", details=None,
        status="Completed", balance="", party="", linked="", reference=""):  # fmt: skip
    when = at if isinstance(at, str) else f"{at:%d-%m-%Y %H:%M:%S}"
    told = details if details is not None else f"Pay Bill from {party} Acc. {reference}"
    return [receipt, when, when, told, status, paid_in, withdrawn, balance, "true", reason, party,
            linked, reference]  # fmt: skip


def moved(receipt, shillings, what, at=WALL, linked="", **more):
    """Money that left the account."""
    return row(receipt, at, withdrawn=f"{-shillings:.2f}", reason=what, details=what, linked=linked,
               **more)  # fmt: skip


def export(lines, *, code="174379", account="Utility Account", start=None, end=None, header=HEADER):
    """The bytes of a CSV export of one day, or of ``start`` to ``end``."""
    start, end = start or datetime(2026, 2, 3), end or datetime(2026, 2, 3, 14, 59, 59)
    out = io.StringIO()
    head = [
        ["Account Holder:", "Acme Ltd"],
        ["Short Code:", code],
        ["Account:", account],
        ["Time Period:", "From", f"{start:%d-%m-%Y %H:%M:%S}", "To", f"{end:%d-%m-%Y %H:%M:%S}"],
    ]
    csv.writer(out).writerows([*head, header, *lines])
    return out.getvalue().encode()


class Portal:
    """Somebody who exports, compares and applies."""

    paid, moved, row, export = staticmethod(paid), staticmethod(moved), staticmethod(row), None

    def __init__(self, books):
        from kelly_cli.services.inbox import Inbox, OurCode

        self.books, self.ours = books, {"174379", "600000"}
        codes = [OurCode(code, "paybill", None, "local") for code in sorted(self.ours)]
        self.inbox = Inbox(books.database, codes, lambda: books.hand.at)

    def read(self, lines, name="day.csv", **how):
        from kelly_cli.services import reconciling

        raw = lines if isinstance(lines, bytes) else export(lines, **how)
        return reconciling.read_file(raw, name, self.ours)

    def compare(self, *lines, **how):
        from kelly_cli.services import reconciling

        return reconciling.compare(self.books.database, [self.read(list(lines), **how)], now=WALL)

    def apply(self, *files):
        from kelly_cli.services import applying, reconciling

        database = self.books.database
        found = reconciling.compare(database, files, now=WALL + timedelta(hours=9))
        return applying.apply(
            database, self.inbox, self.books.hand, found, now=WALL + timedelta(hours=9)
        )

    def everything(self):
        tables = ("payments", "allocations", "webhook_logs", "invoices", "audit", "statements")
        tables += ("statement_movements",)
        return {t: self.books.rows(f"SELECT * FROM {t} ORDER BY id") for t in tables}

    def state(self):
        """What must not depend on the order of files: money by payment, customer and movement."""
        return (
            sorted(self.books.rows("SELECT mpesa_receipt_number, status, amount_cents, "
                                   "verified_by FROM payments")),
            sorted(self.books.rows("SELECT receipt, kind, amount_cents, occurrence FROM "
                                   "statement_movements")),
            sorted(self.books.rows("SELECT customer_id, sum(amount_cents - allocated_cents) FROM "
                                   "payments WHERE reversed_at IS NULL GROUP BY customer_id"),
                   key=str),
        )  # fmt: skip

    def check(self):
        from kelly_cli.services import checking

        found = checking.check(self.books.database, now=self.books.hand.at)
        own = ("no audit row invoice.create", "neither a sale nor a person")
        assert [str(v) for v in found.violations if not v.detail.startswith(own)] == []


@pytest.fixture
def portal(books):
    """A portal whose business has one customer and one invoice of 50."""
    books.customer()
    made = Portal(books)
    made.invoice = books.invoice(50)
    made.export = export
    return made


@pytest.fixture(scope="session")
def portal_words():
    """The class and the makers of lines, for tests that make many."""
    return Portal, paid, moved, row, export
