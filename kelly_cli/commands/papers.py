"""Papers put into words: invoice, sale, receipt and statement, from facts and the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.paying import MOST_CENTS, PayTo, qr_words, steps
from kelly_cli.core.times import NAIROBI
from kelly_cli.render import Column
from kelly_cli.render.paper import HowToPay, Letterhead, Paper, Table, Total

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from kelly_cli.config import Config
    from kelly_cli.office import Office
    from kelly_cli.services.papers import InvoiceFacts, ReceiptFacts, SaleFacts
    from kelly_cli.services.statements import Statement
    from kelly_cli.store.account_rows import PaidRow
    from kelly_cli.store.sale_rows import SaleItem

ITEMS = (
    Column("product_name", "Item"),
    Column("quantity", "Quantity", "count"),
    Column("unit_price_cents", "Price", "money"),
    Column("total_cents", "Amount", "money"),
)
ONE_AMOUNT = (Column("description", "For"), Column("amount_cents", "Amount", "money"))
PAID = (
    Column("paid_on", "Paid on", "date"),
    Column("receipt", "Receipt", "receipt"),
    Column("method", "By"),
    Column("amount_cents", "Amount", "money"),
)
HELD = (
    Column("invoice_id", "Invoice", "id"),
    Column("description", "For"),
    Column("amount_cents", "Paid", "money"),
    Column("owed_cents", "Still owed", "money"),
)
LINES = (
    Column("day", "Date", "date"),
    Column("reference", "Reference", "id"),
    Column("text", "What"),
    Column("charge_cents", "Charged", "money"),
    Column("paid_cents", "Paid", "money"),
    Column("balance_cents", "Balance", "money"),
)
OPEN = (
    Column("invoice_id", "Invoice", "id"),
    Column("description", "For"),
    Column("issued_on", "Issued", "date"),
    Column("due_on", "Due", "date"),
    Column("owed_cents", "Owed", "money"),
)
_ADJUSTED = {"writeoff": "Written off", "credit_note": "Credit note"}


def letterhead(office: Office) -> Letterhead:
    """Return who writes, with the logo read.

    Raises:
        ConfigError: ``bad_logo``.
    """
    from kelly_cli.render.logo import read_logo

    business = office.config.business
    lines = (*business.address, *filter(None, (business.phone, business.email)))
    logo = read_logo(business.logo) if business.logo else None
    return Letterhead(business.name, lines, business.tax_number, logo)


def pay_to(config: Config, account: str, short_code: str | None = None) -> PayTo:
    """Return where money for an account goes: to the main short code, or to one of ours.

    A store's number takes no payments: what stands on the counter is the till number.

    Raises:
        ConfigError: ``unknown_short_code``.
    """
    codes = config.mpesa.short_codes
    config.mpesa.credentials(short_code or "")
    ours = next((each for each in codes if each.code == short_code), codes[0])
    if ours.kind == "paybill":
        return PayTo(ours.code, account)
    if ours.kind == "store":
        under = ours.under or next((each.code for each in codes if each.kind == "till"), "")
        return PayTo(under or ours.code, account, buy_goods=True)
    return PayTo(ours.code, account, buy_goods=True)


def how_to_pay(config: Config, to: PayTo, owed_cents: int) -> HowToPay:
    """Return the steps and the code for what is owed."""
    notes = (config.business.pay_note,) if config.business.pay_note else ()
    amount = owed_cents if owed_cents <= MOST_CENTS else None
    return HowToPay(steps(to, owed_cents), qr_words(to, amount), notes)


def invoice_paper(office: Office, facts: InvoiceFacts, to: PayTo) -> Paper:
    """Return an invoice: what it is for, what is paid, what is owed and how to pay that."""
    found = facts.invoice
    owed = found.balance_cents
    phone = f"+{facts.phone}" if facts.phone else None
    totals = _charged(found.amount_cents, facts.adjusted, found.paid_cents)
    dates = [("Date", str(found.issued_on))]
    dates += [("Due", str(found.due_on))] if found.due_on else []
    dates += [("Sale", found.pos_id)] if found.pos_id else []
    stamp = {"PAID": "PAID", "VOID": "VOID"}.get(found.status, "")
    return Paper(
        title="Invoice",
        number=found.invoice_id,
        stamp=stamp,
        alarm=stamp == "VOID",
        letterhead=letterhead(office),
        to=tuple(filter(None, (found.customer_name, found.customer_id, phone))),
        facts=tuple(dates),
        tables=tuple(_invoice_tables(facts)),
        totals=(*totals, Total("To pay", owed, strong=True)),
        how_to_pay=how_to_pay(office.config, to, owed) if owed > 0 else None,
        notes=("This invoice is void: nothing is owed on it.",) if stamp == "VOID" else (),
        made_at=found.created_at,
    )


def sale_paper(office: Office, facts: SaleFacts, to: PayTo) -> Paper:
    """Return the slip of a sale: its lines, what is paid, what is due and how to pay that."""
    found = facts.sale
    owed = found.balance_cents
    phone = f"+{facts.phone}" if facts.phone else None
    stamp = {"PAID": "PAID", "VOID": "VOID"}.get(found.status, "")
    dates = [("Date", str(found.sold_on))]
    dates += [("Invoice", found.invoice_id)] if found.invoice_id else []
    return Paper(
        title="Sale",
        number=found.pos_id,
        stamp=stamp,
        alarm=stamp == "VOID",
        letterhead=letterhead(office),
        to=tuple(filter(None, (found.customer_name, found.customer_id, phone))),
        facts=tuple(dates),
        tables=(_items("", found.items), *_paid(facts.paid)),
        totals=(
            *_charged(found.total_cents, facts.adjusted, found.paid_cents),
            Total("To pay", owed, strong=True),
        ),
        how_to_pay=how_to_pay(office.config, to, owed) if owed > 0 else None,
        notes=("This sale is void: nothing is owed on it.",)
        if stamp == "VOID"
        else ("Thank you.",)
        if owed <= 0
        else (),
        made_at=found.created_at,
    )


def _charged(total_cents: int, adjusted: Mapping[str, int], paid_cents: int) -> list[Total]:
    """Return what was charged, less what was taken off it and paid."""
    totals = [Total("Total", total_cents)]
    totals += [Total(_ADJUSTED[kind], -cents) for kind, cents in adjusted.items()]
    return [*totals, Total("Paid", -paid_cents)] if paid_cents else totals


def _items(title: str, items: Sequence[SaleItem]) -> Table:
    rows = [{**item._asdict(), "total_cents": item.total_cents} for item in items]
    return Table(title, ITEMS, rows)


def _paid(paid: Sequence[PaidRow]) -> list[Table]:
    rows = [
        {**each._asdict(), "paid_on": each.paid_at.date(), "method": _method(each.method)}
        for each in paid
    ]
    return [Table("Paid", PAID, rows)] if rows else []


def _invoice_tables(facts: InvoiceFacts) -> list[Table]:
    found = facts.invoice
    if facts.items:
        lines = _items("", facts.items)
    else:
        words = found.description or "Goods and services"
        lines = Table("", ONE_AMOUNT, [{"description": words, "amount_cents": found.amount_cents}])
    return [lines, *_paid(facts.paid)]


def receipt_paper(office: Office, facts: ReceiptFacts) -> Paper:
    """Return a receipt: who paid, what it paid, with the items of sales, and what is left."""
    paid = facts.payment
    names = tuple(filter(None, (facts.name or paid.payer_name, paid.customer_id)))
    reversed_ = paid.reversed_at is not None
    told = [
        ("Date", f"{paid.transaction_date:%Y-%m-%d %H:%M}"),
        ("Paid by", _method(paid.method)),
    ]
    if paid.bill_ref_number:
        told.append(("Account", paid.bill_ref_number))
    totals = [Total("Received", paid.amount_cents, strong=True)]
    if paid.unallocated_cents:
        name = "Your credit" if paid.customer_id else "Not placed yet"
        totals.append(Total(name, paid.unallocated_cents))
    owed = sum(each.owed_cents for each in facts.held)
    if owed:
        totals.append(Total("Still to pay", owed))
    return Paper(
        title="Receipt",
        number=paid.mpesa_receipt_number,
        stamp="REVERSED" if reversed_ else "",
        alarm=reversed_,
        letterhead=letterhead(office),
        to=names,
        facts=tuple(told),
        tables=tuple(_receipt_tables(facts)),
        totals=tuple(totals),
        how_to_pay=None,
        notes=("This money went back: the receipt is no longer good.",)
        if reversed_
        else ("Thank you.",),
        made_at=paid.transaction_date.replace(tzinfo=NAIROBI),
    )


def _receipt_tables(facts: ReceiptFacts) -> list[Table]:
    tables = [_items(f"Sale {sale.pos_id}", sale.items) for sale in facts.sales]
    if facts.sales and len(facts.sales) == len(facts.held):
        return tables
    held = [
        {**each._asdict(), "description": each.description or (each.pos_id and "Sale") or "Invoice"}
        for each in facts.held
    ]
    return [*tables, Table("What it paid", HELD, held, empty="Nothing yet.")]


def statement_rows(told: Statement) -> list[dict[str, object]]:
    """Return the lines of a statement, the opening balance first."""
    rows: list[dict[str, object]] = []
    if told.first is not None:
        opening = told.account.opening_cents
        rows.append(_line(told.first, "Opening balance", None, None, opening))
    for entry, balance in told.account.lines:
        cents = entry.change_cents
        charged, paid = (cents, None) if cents >= 0 else (None, -cents)
        rows.append({**_line(entry.day, entry.text, charged, paid, balance)})
        rows[-1]["reference"] = entry.reference
    return rows


def _line(
    day: date, text: str, charged: int | None, paid: int | None, balance: int
) -> dict[str, object]:
    return {
        "day": day,
        "reference": None,
        "text": text,
        "charge_cents": charged,
        "paid_cents": paid,
        "balance_cents": balance,
    }


def statement_paper(office: Office, told: Statement, to: PayTo) -> Paper:
    """Return a statement: the account of a period, what was open, and how to pay what is owed."""
    customer, owed = told.customer, told.to_pay_cents
    day = told.as_at or office.today()
    phone = f"+{customer.phone}" if customer.phone else None
    dates = [("As at", str(day))]
    if told.first or (told.last and not told.as_at):
        dates.append(("Period", period(told)))
    tables = [Table("", LINES, statement_rows(told), empty="Nothing happened in this time.")]
    if told.open_invoices:
        rows = [each._asdict() for each in told.open_invoices]
        tables.append(Table("Open invoices", OPEN, rows))
    totals = [Total("Closing balance", told.account.closing_cents)]
    totals.append(
        Total("To pay", owed, strong=True)
        if owed >= 0
        else Total("Your credit", -owed, strong=True)
    )
    return Paper(
        title="Statement",
        number=customer.customer_id,
        letterhead=letterhead(office),
        to=tuple(filter(None, (customer.name, customer.customer_id, phone, customer.email))),
        facts=tuple(dates),
        tables=tuple(tables),
        totals=tuple(totals),
        how_to_pay=how_to_pay(office.config, to, owed) if owed > 0 else None,
        notes=(),
        made_at=_midnight(day),
    )


def period(told: Statement) -> str:
    """Say which days a statement is of."""
    start = f"from {told.first}" if told.first else "from the beginning"
    return f"{start} to {told.last}" if told.last else start


def _midnight(day: date) -> datetime:
    from datetime import datetime, time

    return datetime.combine(day, time.min, NAIROBI)


def _method(name: str) -> str:
    from kelly_cli.services.statements import METHODS

    return METHODS[name]
