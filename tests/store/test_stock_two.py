"""Two processes sell the same product at once: no piece is lost, and none counts twice."""

from datetime import date

from kelly_cli.services import checking, products
from kelly_cli.services.products import NewProduct

EACH = 15
SELL = """
    import sys
    from datetime import UTC, date, datetime
    from kelly_cli.core.goods import AskedItem
    from kelly_cli.services import sales
    from kelly_cli.services.inbox import Delivery, Inbox, OurCode
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database

    now = datetime(2026, 2, 3, 12, tzinfo=UTC)
    books, name = Database(sys.argv[1]), sys.argv[2]
    inbox = Inbox(books, [OurCode("174379", "paybill", None, "local")], lambda: now)
    for number in range(15):
        items = [AskedItem("tea", 2, None)]
        hand = Hand(name, now, None)
        made = sales.create_sale(books, hand, items=items, sold_on=date(2026, 2, 3)).pos_id
        receipt = f"QGK{name}{number:04d}"
        raw = (
            f'{{"TransID":"{receipt}","TransTime":"20260203120000","TransAmount":"100.00",'
            f'"BusinessShortCode":"174379","BillRefNumber":"{made}"}}'
        ).encode()
        inbox.take([Delivery(raw, None, "file", f"{receipt}-{each}") for each in (1, 2)])
        if number % 5 == 0:
            sales.void_sale(books, hand, made)
    books.close()
"""


def test_two_processes_that_sell_the_same_product_lose_no_piece(
    database, database_url, hand, python, done
):
    products.create_product(database, hand, NewProduct("TEA", "Tea", 5000, 3000, 10))
    for process in [python(SELL, database_url, name) for name in ("AAA", "BBB")]:
        done(process)
    found, moves = products.show_product(database, "tea", limit=1000)
    sold, void = 2 * EACH, 2 * 3
    assert found.stock == 10 - 2 * (sold - void)
    assert len(moves) == 1 + sold + void
    assert date(2026, 2, 3) == found.created_at.date()
    assert checking.check(database, now=hand.at).violations == []
