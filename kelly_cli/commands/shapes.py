"""The JSON objects of the contract (section 4): keys that scripts rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.render import fields

if TYPE_CHECKING:
    from datetime import date

    from kelly_cli.services.invoices import Freed
    from kelly_cli.store.account_rows import PaidRow
    from kelly_cli.store.adjustment_rows import AdjustmentView
    from kelly_cli.store.customer_rows import CustomerView
    from kelly_cli.store.invoice_rows import AllocationView, InvoiceView
    from kelly_cli.store.log_rows import LogView
    from kelly_cli.store.payment_rows import PaymentView
    from kelly_cli.store.sale_rows import SaleItem, SaleView

CUSTOMER = fields(
    "customer_id", "name", "phone", "email",
    "balance:money", "outstanding:money", "credit:money", "created_at",
)  # fmt: skip
PAYMENT = fields(
    "mpesa_receipt_number", "status", "amount:money", "transaction_date:instant",
    "bill_ref_number", "msisdn", "payer_name", "customer_id", "allocations", "unallocated:money",
    "verified_by", "method", "short_code", "environment", "matched_by", "unmatched_reason",
    "pinned", "reversed_at", "created_at",
)  # fmt: skip
LOG = fields(
    "id", "trans_id", "kind", "source", "outcome", "processed", "is_duplicate", "error", "note",
    "attempts", "payment", "created_at", "purged_at", "short_code", "environment",
)  # fmt: skip
INVOICE = fields(
    "invoice_id", "customer_id", "customer_name", "pos_id", "status", "amount:money",
    "amount_paid:money", "adjusted:money", "balance:money", "description", "issued_on", "due_on",
    "overdue", "on_hold", "voided_at", "created_at",
)  # fmt: skip
SALE = fields(
    "pos_id", "customer_id", "customer_name", "status", "total:money", "amount_paid:money",
    "adjusted:money", "balance:money", "items", "invoice_id", "sold_on", "voided_at", "created_at",
)  # fmt: skip


def customer_json(customer: CustomerView) -> dict[str, object]:
    """Return a customer."""
    return {
        "customer_id": customer.customer_id,
        "name": customer.name,
        "phone": customer.phone,
        "email": customer.email,
        "balance": kes(customer.balance_cents),
        "outstanding": kes(customer.owed_cents),
        "credit": kes(customer.credit_cents),
        "created_at": customer.created_at.isoformat(),
    }


def payment_json(payment: PaymentView) -> dict[str, object]:
    """Return a payment. ``allocations``: what it holds on each invoice, zero left out."""
    return {
        "mpesa_receipt_number": payment.mpesa_receipt_number,
        "status": payment.status,
        "amount": kes(payment.amount_cents),
        "transaction_date": iso_nairobi(payment.transaction_date),
        "bill_ref_number": payment.bill_ref_number,
        "msisdn": payment.msisdn,
        "payer_name": payment.payer_name,
        "customer_id": payment.customer_id,
        "allocations": [
            {"invoice_id": each.invoice_id, "amount": kes(each.amount_cents)}
            for each in payment.allocations
        ],
        "unallocated": kes(payment.unallocated_cents),
        "verified_by": payment.verified_by,
        "method": payment.method,
        "short_code": payment.short_code,
        "matched_by": payment.matched_by,
        "unmatched_reason": payment.unmatched_reason,
        "pinned": payment.pinned,
        "reversed_at": payment.reversed_at.isoformat() if payment.reversed_at else None,
        "created_at": payment.created_at.isoformat(),
    }


def log_json(log: LogView) -> dict[str, object]:
    """Return a webhook log without its bytes. ``payment``: the receipt that it led to."""
    return {
        "id": log.id,
        "trans_id": log.trans_id,
        "kind": log.kind,
        "source": log.source,
        "outcome": log.outcome,
        "processed": log.processed,
        "is_duplicate": log.is_duplicate,
        "error": log.error,
        "note": log.note,
        "attempts": log.attempts,
        "payment": log.payment,
        "created_at": log.created_at.isoformat(),
        "purged_at": log.purged_at.isoformat() if log.purged_at else None,
    }


def invoice_json(invoice: InvoiceView, today: date) -> dict[str, object]:
    """Return an invoice. ``today``: in Nairobi, says whether it is overdue."""
    return {
        "invoice_id": invoice.invoice_id,
        "customer_id": invoice.customer_id,
        "customer_name": invoice.customer_name,
        "pos_id": invoice.pos_id,
        "status": invoice.status,
        "amount": kes(invoice.amount_cents),
        "amount_paid": kes(invoice.paid_cents),
        "adjusted": kes(invoice.adjusted_cents),
        "balance": kes(invoice.balance_cents),
        "description": invoice.description,
        "issued_on": invoice.issued_on.isoformat(),
        "due_on": invoice.due_on.isoformat() if invoice.due_on else None,
        "overdue": invoice.is_overdue(today),
        "on_hold": invoice.on_hold,
        "voided_at": invoice.voided_at.isoformat() if invoice.voided_at else None,
        "created_at": invoice.created_at.isoformat(),
    }


def allocation_json(allocation: AllocationView) -> dict[str, object]:
    """Return one move of money to an invoice, or back from it (below zero)."""
    return {
        "mpesa_receipt_number": allocation.receipt,
        "amount": kes(allocation.amount_cents),
        "reason": allocation.reason,
        "created_at": allocation.created_at.isoformat(),
    }


def adjustment_json(adjustment: AdjustmentView) -> dict[str, object]:
    """Return one write-off or credit note, or what was taken back of one (below zero)."""
    return {
        "kind": adjustment.kind,
        "amount": kes(adjustment.amount_cents),
        "reason": adjustment.reason,
        "actor": adjustment.actor,
        "created_at": adjustment.created_at.isoformat(),
    }


def paid_json(paid: PaidRow) -> dict[str, object]:
    """Return what one payment holds on an invoice or a sale, for a paper."""
    return {
        "mpesa_receipt_number": paid.receipt,
        "method": paid.method,
        "transaction_date": iso_nairobi(paid.paid_at),
        "amount": kes(paid.amount_cents),
    }


def freed_json(freed: Freed) -> dict[str, object]:
    """Return what a void took back from one payment."""
    return {"mpesa_receipt_number": freed.receipt, "amount": kes(freed.amount_cents)}


def sale_json(sale: SaleView) -> dict[str, object]:
    """Return a sale at the counter."""
    return {
        "pos_id": sale.pos_id,
        "customer_id": sale.customer_id,
        "customer_name": sale.customer_name,
        "status": sale.status,
        "total": kes(sale.total_cents),
        "amount_paid": kes(sale.paid_cents),
        "adjusted": kes(sale.adjusted_cents),
        "balance": kes(sale.balance_cents),
        "items": [item_json(item) for item in sale.items],
        "invoice_id": sale.invoice_id,
        "sold_on": sale.sold_on.isoformat(),
        "voided_at": sale.voided_at.isoformat() if sale.voided_at else None,
        "created_at": sale.created_at.isoformat(),
    }


def item_json(item: SaleItem) -> dict[str, object]:
    """Return one line of a sale."""
    return {
        "product_id": item.product_id,
        "product_name": item.product_name,
        "quantity": item.quantity,
        "unit_price": kes(item.unit_price_cents),
    }
