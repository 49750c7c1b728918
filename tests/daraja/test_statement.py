"""The portal's export: found by names, every date spelling, and nothing taken for another."""

import csv
import io
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.receipts import receipt_day
from kelly_cli.daraja.messages import PaymentMessage, Refusal, parse_delivery
from kelly_cli.daraja.personal import without_people
from kelly_cli.daraja.statement import read_statement
from kelly_cli.daraja.statement_body import body_of, payer
from kelly_cli.daraja.statement_kinds import kind_of, receives_payments
from kelly_cli.daraja.statement_times import Order, read
from kelly_cli.errors import DomainError

HEADER = (
    "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,"
    "Balance,Balance Confirmed,Reason Type,Other Party Info,Linked Transaction ID,A/C No."
)
PREAMBLE = """Account Holder:,Acme
Short Code:,174379
Account:,Utility Account
Time Period:,From,25-09-2026 00:00:00,To,25-09-2026 23:59:59
Operator:,jane,Organization:,Acme
Opening Balance:,0.0,"Closing Balance:","1,030.05"
"""
PAID = (
    "UIP6A00001,25-09-2026 06:04:11,,Pay Bill from 2547****678 - JANE Acc. INV-1,Completed,"
    '"1,053.00",,1053.0,true,Pay Bill Online,2547****678 - JANE,,'
)
CHARGE = (
    "UIP6A00001,25-09-2026 06:04:11,,Pay Bill Charge,Completed,,-22.95,1030.05,true,"
    "Pay Bill Charge,,,"
)


def table(text):
    return list(csv.reader(io.StringIO(text)))


def statement(*lines, header=HEADER, preamble=PREAMBLE):
    return read_statement([table("\n".join([preamble.strip("\n"), header, *lines]))], "x.csv")


def refused(text):
    with pytest.raises(DomainError) as error:
        read_statement([table(text)], "x.csv")
    return error.value


def test_trap_28_the_preamble_is_read_by_its_labels():
    found = statement(PAID, CHARGE)
    assert (found.short_code, found.account) == ("174379", "Utility Account")
    assert (found.start, found.end) == (datetime(2026, 9, 25), datetime(2026, 9, 25, 23, 59, 59))
    assert (found.opening_cents, found.closing_cents, found.adds_up) == (0, 103005, True)
    assert [(line.kind, line.amount_cents, line.balance_cents) for line in found.lines] == [
        ("payment", 105300, 105300),
        ("charge", -2295, 103005),
    ]


@pytest.mark.parametrize("lines", range(5))
def test_trap_28_the_header_is_searched_not_counted(lines):
    found = statement(PAID, preamble="Short Code: 174379\n" + ",,\n" * lines)
    assert (found.short_code, len(found.lines)) == ("174379", 1)


def test_trap_28_columns_go_by_name_in_any_order():
    found = read_statement(
        [
            table(
                "short code :,174379\nRECEIPT NO,Currency,withdrawn,Paid In ,Surprise,"
                "Transaction  Status,COMPLETION TIME\nUIP6A00001,KES,,5,x,completed,"
                "2026-09-25 06:04:11\n"
            )
        ],
        "x",
    )
    [line] = found.lines
    assert (line.receipt, line.amount_cents, line.kind) == ("UIP6A00001", 500, "other")


def test_the_account_is_taken_from_the_details_when_its_column_is_empty():
    [line] = statement(PAID).lines
    assert line.reference == "INV-1"


def test_trap_28_a_failed_line_moves_nothing():
    found = statement(*(PAID.replace("Completed", word) for word in ("Failed", "Expired", "")))
    assert found.lines == []
    assert [word for _, word in found.unfinished] == ["Failed", "Expired", "no status"]


def test_the_footer_and_blank_lines_are_nothing():
    found = statement(PAID, ",,,,Total,1053,,,,,,,", "", ",,,,,,,,,,,,", "Total,,,,,1,,,,,,,")
    assert (len(found.lines), found.problems) == (1, [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"1,053.00"', "1.005", "Paid In '1.005' is no amount"),
        ('"1,053.00",', '"1,053.00",5', "stand together"),
        ('"1,053.00"', "-5", "below zero"),
        ("25-09-2026 06:04:11", "15:50", "Completion Time '15:50' is no moment"),
        ("25-09-2026 06:04:11", "25-09-2026", "has no time of day"),
        ("25-09-2026 06:04:11", "31-02-2026 01:00:00", "is no moment"),
        ("UIP6A00001", "UIP 6", "Receipt No. 'UIP 6'"),
        ("UIP6A00001", "", "Receipt No. is missing"),
        ("1053.0,true", "x,true", "Balance 'x'"),
    ],
)
def test_a_line_that_breaks_a_rule_is_a_problem_with_its_row(old, new, said):
    found = statement(PAID.replace(old, new), CHARGE)
    [problem] = found.problems
    assert (problem.row, len(found.lines)) == (8, 1)
    assert said in problem.error


def test_another_currency_is_no_shilling():
    found = statement(PAID + ",USD", header=HEADER + ",Currency")
    assert "USD" in found.problems[0].error


@pytest.mark.parametrize("withdrawn", ["22.95", "-22.95", "(22.95)", '"-22.95"', "-KES 22.95"])
def test_trap_28_withdrawn_goes_out_whatever_its_sign(withdrawn):
    [line] = statement(CHARGE.replace("-22.95", withdrawn)).lines
    assert line.amount_cents == -2295


def test_an_unknown_header_is_shown():
    error = refused("Short Code:,174379\nDate,Money In,Money Out\n1,2,3\n")
    assert error.code == "unknown_header"
    assert "Date, Money In, Money Out" in error.message
    error = refused("Receipt No.,Date,Paid In\n")
    assert error.code == "unknown_header"
    assert "no column Completion Time" in error.message
    assert "Receipt No., Date, Paid In" in error.message
    assert refused("Receipt No.,Paid In,Paid In\n").code == "unknown_header"
    assert refused("").code == "unknown_header"


def test_other_papers_are_named():
    stores = "STORE_NAME,RECEIPT_NUMBER,ACCOUNT_TYPE_NAME,CREDIT_AMOUNT,DEBIT_AMOUNT\n"
    assert refused(stores).code == "another_report"
    assert refused("M-PESA STATEMENT\nCustomer Name:,JANE\n").code == "personal_statement"


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("25-09-2026 06:04:11", datetime(2026, 9, 25, 6, 4, 11)),
        ("25/09/2026 06:04", datetime(2026, 9, 25, 6, 4)),
        ("2026-09-25T06:04:11", datetime(2026, 9, 25, 6, 4, 11)),
        ("2026/09/25 6:04:11 PM", datetime(2026, 9, 25, 18, 4, 11)),
        ("25.9.26 06:04:11", datetime(2026, 9, 25, 6, 4, 11)),
        ("25-Sep-2026 06:04:11.000", datetime(2026, 9, 25, 6, 4, 11)),
        ("25 September 2026 12:04 am", datetime(2026, 9, 25, 0, 4)),
        ("05-09-2026 06:04:11", datetime(2026, 9, 5, 6, 4, 11)),
    ],
)
def test_every_spelling_of_a_moment(text, usual):
    assert Order().choose(read(text)) == usual


NO_MOMENTS = [
    "",
    "46290.25",
    "25-09/2026",
    "99-99-2026",
    "1-2-3",
    "25-Foo-2026",
    "25-09-2026 25:00",
    "25-09-2026 13:00 PM",
    "2026-09-123",
]


@pytest.mark.parametrize("text", NO_MOMENTS)
def test_what_is_no_moment(text):
    assert read(text) is None


def test_trap_28_the_receipt_says_which_way_round_a_day_is():
    fifth_of_september = "UI56A00001"
    assert receipt_day(fifth_of_september).month == 9
    for text in ("05-09-2026 06:00:00", "09-05-2026 06:00:00", "2026-05-09 06:00:00"):
        [line] = statement(
            PAID.replace("UIP6A00001", fifth_of_september).replace("25-09-2026 06:04:11", text)
        ).lines
        assert (line.completed_at.month, line.completed_at.day) == (9, 5), text


def test_a_line_whose_receipt_says_nothing_goes_with_the_others():
    silent = PAID.replace("UIP6A00001", "QGK12XYZ9")
    american = [
        PAID.replace("25-09-2026", "09-25-2026"),
        silent.replace("25-09-2026", "09-05-2026"),
    ]
    found = statement(*american)
    assert [line.completed_at.day for line in found.lines] == [25, 5]
    assert found.start is None


@given(
    st.datetimes(datetime(2010, 1, 1), datetime(2031, 12, 31)).map(
        lambda d: d.replace(microsecond=0)
    )
)
def test_what_the_portal_writes_is_read_back(moment):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    days = "123456789ABCDEFGHIJKLMNOPQRSTUV"
    receipt = (
        letters[moment.year - 2006] + letters[moment.month - 1] + days[moment.day - 1] + "1234567"
    )
    for spelled in ("%d-%m-%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S"):
        reading = read(moment.strftime(spelled))
        assert Order().choose(reading, receipt) == moment


@pytest.mark.parametrize(
    ("cents", "reason", "details", "party", "linked", "kind"),
    [
        (5, "Pay Bill Online", "Pay Bill from 2547 - REVERSAL Acc. fee", "", None, "payment"),
        (5, "Pay Utility with OD Online", "x", "", None, "payment"),
        (5, "Customer Merchant Payment", "", "", None, "payment"),
        (5, "New Words", "", "070****366 - SAMUEL", None, "payment"),
        (5, "New Words", "", "Acme", None, "other"),
        (5, "New Words", "", "070****366 - SAMUEL", "UIP6A00001", "reversal"),
        (5, "Pay Bill Reversal", "", "070****366 - SAMUEL", "UIP6A00001", "reversal"),
        (5, "Pay Bill Charge", "", "", None, "other"),
        (5, "", "Merchant Account to Organization Settlement Account", "", None, "settlement"),
        (-5, "", "Merchant Account to Organization Settlement Account", "", None, "settlement"),
        (-5, "", "Organization Settle to Bank", "", None, "settlement"),
        (-5, "", "Pay merchant Charge", "", "UIP6A00001", "charge"),
        (-5, "Pay Bill Reversal", "", "", "UIP6A00001", "reversal"),
        (-5, "New Words", "", "", "UIP6A00001", "reversal"),
        (-5, "Business Payment", "", "", None, "withdrawal"),
    ],
)  # fmt: skip
def test_trap_28_what_a_line_is(cents, reason, details, party, linked, kind):
    assert (
        kind_of(
            amount_cents=cents, reason=reason, details=details, other_party=party, linked=linked
        )
        == kind
    )


def test_which_accounts_payers_pay_into():
    assert all(map(receives_payments, ["Utility Account", "Merchant Account", None, ""]))
    others = ["Organization Settlement Account", "Working Account", "Merchant Settlement Account"]
    assert not any(map(receives_payments, others))


@pytest.mark.parametrize(
    ("party", "parts"),
    [
        ("2547****678 - JANE  DOE", ("2547****678", "JANE DOE")),
        ("254712345678", ("254712345678", None)),
        ("ACME LTD", (None, "ACME LTD")),
        ("", (None, None)),
    ],
)
def test_the_other_party_is_a_phone_and_a_name(party, parts):
    assert payer(party) == parts


NOW = datetime(2026, 9, 25, 12)


def body(**changes):
    raw = body_of(statement(PAID).lines[0], "174379", "Utility Account").decode()
    for old, new in changes.values():
        assert old in raw
        raw = raw.replace(old, new)
    return raw.encode()


def parsed(raw):
    return parse_delivery(raw, "statement", ours=frozenset({"174379"}), now=NOW)[1]


def test_a_line_comes_back_out_of_its_body():
    message = parsed(body())
    assert isinstance(message, PaymentMessage)
    assert message[:10] == (
        "statement", "UIP6A00001", 105300, datetime(2026, 9, 25, 6, 4, 11), "174379", "INV-1",
        "2547****678", "JANE", "Pay Bill Online", 105300,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (('1053.00", "balance', '0", "balance'), "paid_in"),
        (("174379", "999999"), "BusinessShortCode"),
        (("2026-09-25 06", "2026-09-29 06"), "completed_at"),
        (("2026-09-25 06", "2006-09-25 06"), "completed_at"),
        (("2026-09-25 06", "soon"), "completed_at"),
        (("UIP6A00001", "?"), "receipt"),
        (('"line"', '"lines"'), "line"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_by_its_field(change, field):
    found = parsed(body(change=change))
    assert isinstance(found, Refusal)
    assert found.field == field


def test_a_purged_body_says_the_same_of_the_money_and_names_nobody():
    kept = without_people(body(), "statement")
    assert b"JANE" not in kept
    assert b"678" not in kept
    assert without_people(kept, "statement") == kept
    before, after = parsed(body()), parsed(kept)
    assert before[:6] == after[:6]
