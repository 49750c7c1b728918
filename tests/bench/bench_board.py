"""The live page over a long book: python tests/bench/bench_board.py [PAYMENTS] [ROUNDS].

*first*: the figures of a page that was opened just now. *refresh*: those of a look after each
callback. *morning*: those of ``kelly status``. Each on books with so many payments in thirty days,
one in twenty of them unplaced, and on books with none; they take turns, and the figures are
medians. *drawn*: how long a refresh takes with its HTML. *scan*: a sum over one day's payments.
Prints one JSON line.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from bench_report import LAST, fill, reading  # noqa: E402
from seed_books import seed  # noqa: E402

from kelly_cli.commands.board_words import words_of  # noqa: E402
from kelly_cli.render.board import draw_live  # noqa: E402
from kelly_cli.services.board import Boards  # noqa: E402
from kelly_cli.services.morning import morning  # noqa: E402
from kelly_cli.store.database import Database  # noqa: E402

SHOP = {
    "business": "Duka", "environment": "local", "code": "", "places": [], "mixed": False,
    "notice": "", "notice_more": "",
}  # fmt: skip
NOW = datetime(LAST.year, LAST.month, LAST.day, 20, tzinfo=UTC)


def taken(ask):
    start = time.perf_counter()
    answer = ask()
    return (time.perf_counter() - start) * 1000, answer


def drawn(page):
    return draw_live(**words_of(page.look(NOW), 0), **SHOP)


def sides(databases, rounds):
    """Return the median ms of each question, by question and side."""
    times, seen = {}, {}
    boards = {side: Boards(database) for side, database in databases.items()}
    for _ in range(rounds):
        for side, database in databases.items():
            page = boards[side]
            page.forget()
            for name, ask in (
                ("first", partial(page.look, NOW)),
                ("refresh", partial(page.look, NOW)),
                ("drawn", partial(drawn, page)),
                ("morning", partial(morning, database, NOW)),
            ):
                ms, seen[name, side] = taken(ask)
                times.setdefault((name, side), []).append(ms)
    return {key: statistics.median(each) for key, each in times.items()}, seen


def main(payments, rounds):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        databases = {}
        for side in ("empty", "full"):
            path = Path(name) / f"{side}.db"
            seed(f"sqlite:///{path}")
            if side == "full":
                fill(path, payments)
            databases[side] = Database(f"sqlite:///{path}")
        sides(databases, 1)
        ms, seen = sides(databases, rounds)
        board = seen["refresh", "full"]
        assert board.unplaced.payments == len(range(0, payments, 20))
        assert board.money[0] > 0
        scan = reading(
            Path(name) / "full.db",
            "SELECT count(*), sum(amount_cents), min(customer_id) FROM payments "
            f"WHERE transaction_date >= '{LAST}'",
        )
        told = {"payments": payments, "of_today": board.money[0]}
        for question in ("first", "refresh", "drawn", "morning"):
            told[f"{question}_ms"] = round(ms[question, "full"], 1)
            told[f"{question}_over_empty_ms"] = round(
                ms[question, "full"] - ms[question, "empty"], 1
            )
        print(json.dumps({**told, "scan_of_today_ms": round(scan, 1)}))
        for database in databases.values():
            database.close()


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 9,
    )
