"""kelly demo: the main job, done for real and checked, on books of its own.

The story, from the first customer over Safaricom to ``db check``: every command is a process of its
own, and every callback comes over HTTP. Must not know the screen; a ``Teller`` hears what happens.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import kelly_cli
from kelly_cli.core.money import kes_for_people
from kelly_cli.core.times import nairobi_day
from kelly_cli.errors import KellyError
from kelly_cli.services import reports
from kelly_cli.services.demo_safaricom import pretending
from kelly_cli.services.demo_stage import PATH, Check, Place, Stage, Step, Teller, listening

if TYPE_CHECKING:
    from datetime import date, datetime

    from kelly_cli.services.demo_safaricom import Safaricom

__all__ = ["SETTINGS", "Check", "Place", "Step", "Teller", "examples_folder", "play"]

SETTINGS = """\
# The settings of `kelly demo`.
[database]
url = "kelly.db"

[mpesa]
environment = "local"
short_code = "174379"

[webhook]
host = "127.0.0.1"
"""
"""The kelly.toml of the demo."""


def examples_folder() -> Path:
    """Return the folder of the examples: of the installed package, else of the source tree.

    Raises:
        KellyError: there is none.
    """
    package = Path(kelly_cli.__file__).resolve().parent
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / "callbacks" / "guide.json").is_file():
            return folder
    raise KellyError(
        f"the example callbacks are not beside {package}",
        hint="Install kelly again, whole",
        code="examples_not_found",
    )


def play(place: Place, teller: Teller, at: datetime, *, port: int) -> None:
    """Run the demo from its first customer to ``db check``. ``at``: now, aware.

    Raises:
        KellyError: ``demo_failed``, something is not as promised; nothing is left running.
    """
    today = nairobi_day(at)
    stage = Stage(place, teller, f"{today:%Y%m%d}")
    try:
        _write_books(stage, today)
        with listening(stage, port) as url:
            _take_payments(stage, url)
            _put_right(stage)
            with pretending(stage, url, at) as safaricom:
                _work_with_safaricom(stage, safaricom, url, today)
        _close_day(stage, today)
    finally:
        stage.books.close()


def _write_books(stage: Stage, today: date) -> None:
    issued = ("--date", today.isoformat())
    stage.kelly("A first customer", "customer", "create", "Jane Wanjiku", "--phone", "0712345678")
    stage.promise_customer("CUST-001", "0.00")
    stage.kelly("A second one", "customer", "create", "Acme Ltd", "--email", "pay@acme.example")
    stage.kelly("A third one", "customer", "create", "Mary Achieng")
    for title, number, amount in (
        ("Jane owes 5,000", "001", "5000"),
        ("Acme owes 10,000", "002", "10000"),
        ("Mary owes 5,000", "003", "5000"),
        ("Acme owes 1,000 more", "002", "1000"),
    ):
        bill = ("--customer", f"CUST-{number}", "--amount", amount)
        stage.kelly(title, "invoice", "create", *bill, *issued)
    stage.promise_customer("CUST-002", "11,000.00")
    item = ("--item", "PROD-001,Coca Cola,2,50")
    stage.kelly("A sale at the counter", "pos", "create", *item, *issued)
    stage.promise_sale("0001", "PENDING, no invoice")


def _take_payments(stage: Stage, url: str) -> None:
    stage.post("Jane pays her invoice in full", url, "guide.json", "processed")
    stage.promise_invoice("0001", "PAID, paid 5,000.00, balance 0.00")
    stage.promise_customer("CUST-001", "0.00")

    stage.post("M-Pesa sends the same callback again", url, "guide.json", "duplicate")
    stage.promise_invoice("0001", "PAID, paid 5,000.00, balance 0.00")
    stage.promise_customer("CUST-001", "0.00")

    stage.post("Acme pays a part", url, "paybill.json", "processed")
    stage.promise_invoice("0002", "PARTIALLY_PAID, paid 3,000.00, balance 7,000.00")

    stage.post("Mary pays too much: the rest is credit", url, "phone-hashed.json", "processed")
    stage.promise_invoice("0003", "PAID, paid 5,000.00, balance 0.00")
    stage.promise_customer("CUST-003", "-2,000.00")

    stage.post("Acme pays on account: oldest first", url, "phone-masked.json", "processed")
    stage.promise_invoice("0002", "PAID, paid 10,000.00, balance 0.00")
    stage.promise_invoice("0004", "PARTIALLY_PAID, paid 500.00, balance 500.00")

    stage.post("The sale is paid", url, "phone-masked-hash.json", "processed")
    stage.promise_sale("0001", "PAID, with an invoice")

    stage.post("A mistyped account: O for 0", url, "mistyped.json", "failed")
    stage.post("A customer not in the books yet", url, "unknown-customer.json", "failed")


def _put_right(stage: Stage) -> None:
    stage.kelly("No shilling is lost: what found no owner waits", "suspense", "list")
    assign = ("suspense", "assign", "SB36000005", "--to", "CUST-002", "--reason", "O for 0")
    stage.kelly("The mistyped one belongs to Acme", *assign)
    stage.promise_callback("SB36000005", "processed")
    stage.promise_invoice("0004", "PAID, paid 1,000.00, balance 0.00")
    stage.promise_customer("CUST-002", "-2,000.00")

    create = ("customer", "create", "Grace Njeri", "--id", "CUST-004")
    stage.kelly("The missing customer is written down", *create)
    stage.kelly("What failed is tried again", "reprocess")
    stage.promise_callback("SB36000006", "processed")
    stage.promise_customer("CUST-004", "-1,500.00")


def _work_with_safaricom(stage: Stage, safaricom: Safaricom, url: str, today: date) -> None:
    stage.kelly("Safaricom is told where to tell of payments", "mpesa", "register")
    safaricom.promise_registered(f"{url}{PATH}")

    bill = ("--customer", "CUST-001", "--amount", "2200", "--date", today.isoformat())
    stage.kelly("Jane owes 2,200 more", "invoice", "create", *bill)
    invoice = f"INV-{today:%Y%m%d}-0006"
    simulate = ("mpesa", "simulate", "--amount", "700", "--bill-ref", invoice)
    stage.kelly("She pays a part from her phone", *simulate)
    safaricom.promise_all_told(1)
    stage.promise_invoice("0006", "PARTIALLY_PAID, paid 700.00, balance 1,500.00")

    prompt = ("mpesa", "prompt", "--invoice", invoice, "--wait")
    stage.kelly("Her phone rings for the rest, and she pays", *prompt)
    safaricom.promise_all_told(2)
    stage.promise_invoice("0006", "PAID, paid 2,200.00, balance 0.00")

    safaricom.pay_unheard("She pays 800 more, and its callback gets lost", 800, "CUST-001")
    stage.promise_customer("CUST-001", "0.00")
    number = ("--nominated-number", "0712345678")
    stage.kelly("Once, Safaricom is asked to list payments", "mpesa", "pull", "register", *number)
    stage.kelly("The list brings what was lost, and nothing twice", "mpesa", "pull")
    stage.promise_customer("CUST-001", "-800.00")
    safaricom.promise_truth()


def _close_day(stage: Stage, today: date) -> None:
    day = today.isoformat()
    stage.kelly("The day in figures", "report", "daily", "--date", day)
    found = reports.daily(stage.books, today)
    stage.promise(
        f"money of {day}",
        "10 payments, 29,600.00; 0 without a place",
        f"{found.payments.count} payments, {kes_for_people(found.payments.cents)}; "
        f"{found.unmatched.count} without a place",
    )
    stage.kelly("The books hold together", "db", "check")
