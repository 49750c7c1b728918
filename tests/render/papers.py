"""Papers to draw in tests, with nothing of the books in them."""

from datetime import UTC, date, datetime

from kelly_cli.render import Column
from kelly_cli.render.paper import HowToPay, Letterhead, Paper, Table, Total

MADE_AT = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)
COLUMNS = (
    Column("day", "Date", "date"),
    Column("name", "Item"),
    Column("quantity", "Quantity", "count"),
    Column("price", "Price", "money"),
    Column("total", "Amount", "money"),
)


def paper(name="Wanjikũ wa Gĩthĩnji", *, lines=3, pay=True, **changes):
    """An invoice of some lines; ``name`` stands wherever text from outside can stand."""
    rows = [
        {
            "day": date(2026, 2, 3),
            "name": f"{name} {number}",
            "quantity": number,
            "price": 5000,
            "total": number * 5000,
        }
        for number in range(1, lines + 1)
    ]
    given = {
        "title": "Invoice",
        "number": "INV-20260203-0001",
        "letterhead": Letterhead(name, (name, "Nairobi"), "P051234567X"),
        "to": (name, "CUST-001"),
        "facts": (("Date", "2026-02-03"), ("Account", name)),
        "tables": (Table("", COLUMNS, rows), Table("Paid", COLUMNS, [], empty="Nothing yet.")),
        "totals": (Total("Total", 15000), Total("To pay", 15000, strong=True)),
        "how_to_pay": HowToPay(
            tuple(f"Step {n}" for n in range(1, 9)), "M-PESA Pay Bill 174379", (name,)
        )
        if pay
        else None,
        "notes": (name,),
        "made_at": MADE_AT,
        "stamp": "PAID",
    }
    return Paper(**(given | changes))
