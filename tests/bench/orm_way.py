"""One callback as a web application would do it: an ORM session, objects, a commit."""

import json
from datetime import datetime

from sqlmodel import select

from kelly_cli.core.refs import fold
from kelly_cli.store.tables import Allocation, Invoice, Payment, ReferenceKey, WebhookLog


def book(session, raw, delivery_id, now):
    """Log, post and allocate one callback and commit it: the rows that kelly writes."""
    body = json.loads(raw)
    log = WebhookLog(
        delivery_id=delivery_id,
        kind="confirmation",
        source="file",
        attempts=1,
        raw_payload=raw.decode(),
        raw_encoding="utf-8",
        raw_sha256=bytes(32),
        trans_id=body["TransID"],
        processed=False,
        is_duplicate=False,
        created_at=now,
    )
    session.add(log)
    session.flush()
    old = session.exec(
        select(Payment).where(Payment.mpesa_receipt_number == body["TransID"])
    ).first()
    if old is not None:
        log.is_duplicate = True
        session.commit()
        return
    cents = int(body["TransAmount"].replace(".", ""))
    key = session.get(ReferenceKey, fold(body["BillRefNumber"]))
    payment = Payment(
        mpesa_receipt_number=body["TransID"],
        channel="c2b",
        amount_cents=cents,
        transaction_date=datetime.strptime(body["TransTime"], "%Y%m%d%H%M%S"),
        bill_ref_number=body["BillRefNumber"],
        log_id=log.id,
        created_at=now,
    )
    session.add(payment)
    session.flush()
    if key is None:
        log.error = "unknown"
    else:
        _allocate(session, payment, key, now)
        log.processed = True
    session.commit()


def _allocate(session, payment, key, now):
    invoice = session.get(Invoice, key.invoice_id) if key.invoice_id else None
    customer = invoice.customer_id if invoice else key.customer_id
    payment.customer_id = customer
    waiting = [invoice] if invoice else []
    waiting += session.exec(
        select(Invoice)
        .where(Invoice.customer_id == customer, Invoice.amount_paid_cents < Invoice.amount_cents)
        .order_by(Invoice.issued_on, Invoice.number)
    ).all()
    for each in waiting:
        still_open = each.amount_cents - each.amount_paid_cents
        part = min(payment.amount_cents - payment.allocated_cents, still_open)
        if part > 0:
            each.amount_paid_cents += part
            payment.allocated_cents += part
            session.add(
                Allocation(
                    payment_id=payment.id,
                    invoice_id=each.id,
                    amount_cents=part,
                    reason="fifo",
                    created_at=now,
                )
            )
