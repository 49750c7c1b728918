"""The JSON objects of the contract (section 4): keys that scripts rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.money import kes

if TYPE_CHECKING:
    from kelly_cli.store.customer_rows import CustomerView


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
