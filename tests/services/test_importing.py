"""Imports: a verdict for every row, nothing twice, and all of it can be taken back."""

import io
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services import checking, customers, importing, invoices, undoing_imports
from kelly_cli.services.importing import WantedImport
from kelly_cli.store.invoice_rows import InvoiceSearch

DAY = date(2026, 2, 1)
PEOPLE = """Name,Phone,Account,Opening balance
Jane Wanjiku,0712345678,A-1,"5,000.00"
John Kamau,0722000001,,(200)
Mary,,,
"""
OPEN = """Invoice No,Customer,Amount,Balance,Date,Due
1001,A-1,700,500,03/01/2026,28/02/2026
1002,John Kamau,50,,04/01/2026,
"""


class Desk:
    def __init__(self, books):
        self.books = books

    def read(self, text, kind="customers", *, dry_run=False, told=None, name="kept.csv"):
        raw = text if isinstance(text, bytes) else text.encode()
        wanted = WantedImport(kind, name, raw, told or {}, DAY)
        return importing.import_file(
            self.books.database, self.books.inbox, self.books.hand, wanted, dry_run=dry_run
        )

    def words(self, text, kind="customers", **how):
        return [each.verdict for each in self.read(text, kind, **how).verdicts]

    def undo(self, number, *, dry_run=False):
        return undoing_imports.undo_import(
            self.books.database, self.books.hand, number, dry_run=dry_run
        )

    def balances(self):
        found = customers.list_customers(self.books.database)
        return {each.name: each.balance_cents // 100 for each in found}

    def everything(self):
        tables = ("customers", "invoices", "payments", "imports", "import_rows", "payer_aliases")
        counts = {t: self.books.one(f"SELECT count(*) FROM {t}")[0] for t in tables}
        return counts, self.books.rows("SELECT hash FROM audit ORDER BY id")

    def check(self):
        found = checking.check(self.books.database, now=self.books.hand.at)
        assert [str(each) for each in found.violations] == []


@pytest.fixture
def desk(books):
    return Desk(books)


def test_customers_come_with_their_opening_balances(desk):
    done = desk.read(PEOPLE)
    assert [each.verdict for each in done.verdicts] == ["created"] * 3
    assert desk.balances() == {"Jane Wanjiku": 5000, "John Kamau": -200, "Mary": 0}
    assert desk.books.one("SELECT description, issued_on FROM invoices")[0] == "Opening balance"
    assert desk.books.rows("SELECT channel, method, status FROM payments") == [
        ("hand", "bank", "COMPLETED")
    ]
    desk.check()


def test_a_dry_run_says_the_same_and_keeps_nothing(desk):
    before = desk.everything()
    tried = desk.read(PEOPLE, dry_run=True)
    assert (tried.number, desk.everything()) == (None, before)
    assert desk.read(PEOPLE).verdicts == tried.verdicts


def test_the_same_file_twice_adds_nothing(desk):
    desk.read(PEOPLE)
    desk.read(OPEN, "invoices")
    before = desk.everything()
    assert desk.words(PEOPLE) == ["exists"] * 3
    assert desk.words(OPEN, "invoices") == ["exists"] * 2
    assert desk.everything() == before
    desk.check()


def test_another_file_with_the_same_rows_adds_nothing(desk):
    desk.read(PEOPLE)
    desk.read(OPEN, "invoices")
    header, *rows = PEOPLE.splitlines()
    shuffled = "\n".join([header, *reversed(rows), ""])
    assert desk.words(shuffled) == ["exists"] * 3
    header, *rows = OPEN.splitlines()
    assert desk.words("\n".join([header, *reversed(rows), ""]), "invoices") == ["exists"] * 2
    desk.check()


def test_rows_without_a_number_are_counted(desk):
    desk.read(PEOPLE)
    text = "Customer,Amount,Date\nA-1,5,2026-01-05\nA-1,5,2026-01-05\n"
    assert desk.words(text, "invoices") == ["created", "created"]
    more = text + "A-1,5,2026-01-05\n"
    assert desk.words(more, "invoices") == ["exists", "exists", "created"]


def test_a_bad_row_costs_only_itself(desk):
    text = (
        "Name,Phone,Account,Balance\n,,B-1,\nAnn,12,,\nBob,,A%,\nCid,,,5.001\nDan,,,\n"
        "Dan,,INV-20260203-0001,\nTOTAL,,,500\n"
    )
    done = desk.read(text)
    assert [(each.line, each.verdict, each.field) for each in done.verdicts] == [
        (2, "refused", "name"),
        (3, "refused", "phone"),
        (4, "refused", "customer"),
        (5, "refused", "balance"),
        (6, "created", None),
        (7, "refused", "customer"),
        (8, "refused", "name"),
    ]
    assert done.verdicts[1].value == "12"
    assert done.verdicts[1].reason.startswith("'12' is not a Kenyan mobile number")
    assert desk.balances() == {"Dan": 0}
    desk.check()


def test_a_refused_cell_is_told_and_not_kept(desk):
    desk.read("Name,Phone\nAnn,\nBob,07123456789\n")
    assert desk.books.rows("SELECT error FROM import_rows WHERE verdict = 'refused'") == [
        ("phone refused",)
    ]


def test_nothing_of_a_refused_row_is_kept(desk):
    desk.read(PEOPLE)
    before = desk.everything()[0]
    text = "Customer,Amount,Date,Due\nA-1,5,2026-01-05,2025-01-01\nNobody,5,,\nA-1,0,,\n"
    assert desk.words(text, "invoices") == ["refused"] * 3
    assert desk.everything()[0] == before


def test_an_id_that_is_somebody_else_is_refused(desk):
    desk.read(PEOPLE)
    done = desk.read("Name,Account\nPeter,A-1\n")
    assert done.verdicts[0][1:] == (
        "refused",
        None,
        "name",
        "Peter",
        "A-1 is Jane Wanjiku in the books",
    )


def test_a_second_row_of_one_customer_never_loses_its_balance(desk):
    done = desk.read("Name,Phone,Balance\nAnn,0712345678,5\nAnn,0712345678,7\nAnn,,\n")
    assert [each.verdict for each in done.verdicts] == ["created", "refused", "refused"]


def test_two_of_one_name_are_told_apart_by_their_phones(desk):
    desk.read("Name,Phone\nAnn,0712345678\nAnn,0712345679\n")
    assert len(desk.books.rows("SELECT 1 FROM customers")) == 2
    assert desk.words("Name,Phone\nAnn,0712345679\nAnn,\n") == ["exists", "refused"]


def test_an_invoice_is_what_is_still_owed_and_its_number_can_be_typed(desk):
    desk.read(PEOPLE)
    done = desk.read(OPEN, "invoices")
    made = desk.books.rows("SELECT amount_cents, description FROM invoices ORDER BY issued_on")
    assert made[:2] == [(50000, "1001"), (5000, "1002")]
    assert desk.books.rows("SELECT kind, value, learnt_from FROM payer_aliases ORDER BY id") == [
        ("reference", each.subject and number, each.subject)
        for number, each in zip(("1001", "1002"), done.verdicts, strict=True)
    ]


def test_an_invoice_of_a_customer_with_an_opening_balance_gets_a_remark(desk):
    desk.read(PEOPLE)
    done = desk.read(OPEN, "invoices")
    assert "opening balance" in done.verdicts[0].reason
    assert done.verdicts[1].reason is None


def test_a_changed_amount_of_a_known_number_is_refused(desk):
    desk.read(PEOPLE)
    desk.read(OPEN, "invoices")
    changed = OPEN.replace(",500,", ",600,")
    assert desk.words(changed, "invoices") == ["refused", "exists"]


def test_an_import_is_undone_and_done_again(desk):
    desk.read(PEOPLE)
    first = desk.balances()
    undone = desk.undo(1)
    assert (len(undone.customers), len(undone.invoices), len(undone.receipts)) == (3, 1, 1)
    assert desk.balances() == {}
    with pytest.raises(NotFoundError):
        customers.show_customer(desk.books.database, "A-1")
    assert desk.books.pay("QGK12XYZ91", 5, "0712345678") == "failed"
    desk.check()
    assert desk.words(PEOPLE) == ["created"] * 3
    assert desk.balances() == first
    desk.check()


def test_an_undo_that_is_rehearsed_changes_nothing(desk):
    desk.read(PEOPLE)
    before = desk.everything()
    desk.undo(1, dry_run=True)
    assert desk.everything() == before


def test_an_undo_is_refused_while_something_hangs_on_it(desk):
    desk.read(PEOPLE)
    desk.read(OPEN, "invoices")
    with pytest.raises(ConflictError, match="A-1 has INV-20260103-0001"):
        desk.undo(1)
    desk.books.pay("QGK12XYZ91", 5, "INV-20260103-0001")
    with pytest.raises(ConflictError, match="INV-20260103-0001 is paid or adjusted"):
        desk.undo(2)
    desk.check()


def test_an_undo_of_invoices_voids_them_and_forgets_their_numbers(desk):
    desk.read(PEOPLE.replace("(200)", ""))
    desk.read(OPEN, "invoices")
    desk.undo(2)
    assert desk.books.rows("SELECT status FROM invoices ORDER BY id")[1:] == [("VOID",)] * 2
    assert desk.books.one("SELECT count(*) FROM payer_aliases WHERE retired_at IS NULL") == (0,)
    with pytest.raises(ConflictError, match="undone already"):
        desk.undo(2)
    assert desk.words(OPEN, "invoices") == ["created"] * 2
    desk.check()


def test_a_payment_to_an_imported_customer_pays_the_oldest(desk):
    desk.read(PEOPLE)
    desk.read(OPEN, "invoices")
    desk.books.pay("QGK12XYZ91", 600, "A-1")
    assert desk.books.invoice_state("INV-20260103-0001") == ("PAID", 500)
    desk.check()


def test_an_unknown_header_says_what_was_found(desk):
    with pytest.raises(DomainError, match="its header is 'Colour', 'Size'") as refused:
        desk.read("Colour,Size\nred,5\n")
    assert refused.value.code == "unknown_header"
    told = {"Colour": "name"}
    assert desk.words("Colour,Size\nred,5\n", told=told) == ["created"]


def test_a_day_to_come_is_refused(desk):
    wanted = WantedImport("customers", "x", PEOPLE.encode(), {}, date(2026, 3, 1))
    with pytest.raises(DomainError, match="still to come"):
        importing.import_file(desk.books.database, desk.books.inbox, desk.books.hand, wanted)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_is_read_in_every_usual_writing(desk, encoding, delimiter):
    text = delimiter.join(("Name", "Phone")) + "\r\n" + delimiter.join(("Zoë", "0712345678"))
    assert desk.words(text.encode(encoding)) == ["created"]
    assert desk.balances() == {"Zoë": 0}


def test_a_workbook_is_read_with_its_numbers_and_days(desk):
    import xlsxwriter

    raw = io.BytesIO()
    with xlsxwriter.Workbook(raw) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Customers of Acme"])
        sheet.write_row(1, 0, ["Name", "Mobile", "Balance"])
        sheet.write_row(2, 0, ["Ann", 712345678, 1234.56])
        sheet.write(3, 0, "Bob")
        sheet.write_formula(3, 2, "=0.1+0.2", None, 0.1 + 0.2)
    done = desk.read(raw.getvalue(), name="c.xlsx")
    assert [each.verdict for each in done.verdicts] == ["created"] * 2
    assert desk.books.rows("SELECT phone FROM customers ORDER BY id") == [
        ("254712345678",),
        (None,),
    ]
    assert desk.books.rows("SELECT amount_cents FROM invoices ORDER BY id") == [(123456,), (30,)]


def test_hostile_text_is_text(desk):
    text = 'Name,Phone\n"=HYPERLINK(""http://x"",""y"")",\n\x1b[2J,\n"a\u202eb",\n'
    assert desk.words(text) == ["created", "refused", "refused"]


names = st.sampled_from(["Ann", "Bob", "Cid Kamau", "", "TOTAL"])
phones = st.sampled_from(["", "0712345678", "712345679", "12"])
ids = st.sampled_from(["", "A-1", "A-2", "A%"])
amounts = st.sampled_from(["", "5", "-3", "(2)", "x", "0"])
rows = st.lists(st.tuples(names, phones, ids, amounts), max_size=8)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=rows)
def test_any_file_twice_is_the_file_once_and_undo_leaves_nothing(desk, rows):
    text = "\n".join(["Name,Phone,Account,Balance", *(",".join(row) for row in rows), ""])
    first = desk.read(text)
    balances, before = desk.balances(), desk.everything()[0]
    again = desk.read(text)
    assert again.count("created") == 0
    assert again.count("refused") == first.count("refused")
    assert (desk.balances(), desk.everything()[0]) == (balances, before)
    desk.check()
    while standing := [
        each for each in importing.list_imports(desk.books.database) if each.undone_at is None
    ]:
        desk.undo(standing[0].row)
    assert desk.balances() == {}
    assert invoices.list_invoices(desk.books.database, InvoiceSearch(status="UNPAID")) == []
    desk.check()
