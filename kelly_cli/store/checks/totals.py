"""I-38: what is kept beside the payments to be read quickly says what the payments say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.money import kes

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_HOUR = {
    True: (
        "substr(transaction_date, 1, 10) AS day, "
        "CAST(substr(transaction_date, 12, 2) AS INTEGER) AS hour"
    ),
    False: (
        "to_char(transaction_date, 'YYYY-MM-DD') AS day, "
        "CAST(extract(hour FROM transaction_date) AS INTEGER) AS hour"
    ),
}
_DAY = {True: "day", False: "to_char(day, 'YYYY-MM-DD')"}


def hours(books: Snapshot) -> Found:
    """Every hour's payments of a short code and status are as many and as much as are kept."""
    rows = books.rows(
        "SELECT day, hour, code, status, sum(payments), sum(cents), sum(kept), sum(kept_cents) "
        f"FROM (SELECT {_HOUR[books.is_sqlite]}, coalesce(short_code, '') AS code, status, "
        "count(*) AS payments, sum(amount_cents) AS cents, 0 AS kept, 0 AS kept_cents "
        "FROM payments GROUP BY 1, 2, 3, 4 UNION ALL "
        f"SELECT {_DAY[books.is_sqlite]}, hour, short_code, status, 0, 0, payments, amount_cents "
        "FROM hour_totals) x GROUP BY day, hour, code, status "
        "HAVING sum(payments) <> sum(kept) OR sum(cents) <> sum(kept_cents) "
        "ORDER BY day, hour, code, status"
    )
    for day, hour, code, status, count, cents, kept, kept_cents in rows:
        yield (
            f"{day} {hour:02d}:00 {code or 'no short code'} {status}",
            (
                f"kept as {kept} payments of KES {kes(int(kept_cents))}, "
                f"the payments are {count} of KES {kes(int(cents))}"
            ),
        )
