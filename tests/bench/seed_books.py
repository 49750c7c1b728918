"""Make books to measure in: 1,000 customers with five invoices each that never drain."""

from datetime import UTC, date, datetime

from make_callbacks import CUSTOMERS, INVOICES_EACH
from sqlalchemy import insert

from kelly_cli.core.refs import dated_id, fold
from kelly_cli.store.database import Database
from kelly_cli.store.schema import open_for_writing
from kelly_cli.store.tables import Customer, Invoice, ReferenceKey

DAY = date(2026, 1, 1)
AMOUNT_CENTS = 10**12


def seed(url):
    database = Database(url)
    open_for_writing(database)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with database.writing() as connection:
        names = [(n, f"CUST-{n:03d}") for n in range(1, CUSTOMERS + 1)]
        connection.execute(
            insert(Customer),
            [{"id": n, "customer_id": name, "name": name, "created_at": at} for n, name in names],
        )
        numbers = range(1, CUSTOMERS * INVOICES_EACH + 1)
        connection.execute(
            insert(Invoice),
            [
                {
                    "id": n,
                    "invoice_id": dated_id("INV", DAY, n),
                    "customer_id": (n - 1) % CUSTOMERS + 1,
                    "amount_cents": AMOUNT_CENTS,
                    "issued_on": DAY,
                    "number": n,
                    "created_at": at,
                }
                for n in numbers
            ],
        )
        keys = [{"key": fold(name), "customer_id": n} for n, name in names]
        connection.execute(insert(ReferenceKey), keys)
        keys = [{"key": fold(dated_id("INV", DAY, n)), "invoice_id": n} for n in numbers]
        connection.execute(insert(ReferenceKey), keys)
    database.close()
