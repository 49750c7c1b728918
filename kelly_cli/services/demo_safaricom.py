"""The pretend Safaricom of ``kelly demo``: over real HTTP, beside the demo, until it ends.

What it dealt is the truth that the books are held to. Its day stands still, so that no midnight
comes between two of its payments. Must not know the story.
"""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kelly_cli.core.money import kes, kes_for_people, parse_kes
from kelly_cli.daraja.sandbox.scenario import load
from kelly_cli.daraja.sandbox.serving import beside
from kelly_cli.daraja.sandbox.state import Settings
from kelly_cli.services import payments
from kelly_cli.services.demo_stage import PATIENCE_S, failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kelly_cli.services.demo_stage import Stage

SEED = 1
MOST_PAYMENTS = 100


class Safaricom:
    """The pretend one, for one stage."""

    def __init__(self, stage: Stage, url: str) -> None:
        self.url = url
        self._stage = stage

    def promise_registered(self, url: str) -> None:
        """Promise where it tells of payments from now on."""
        found = [each["confirmation_url"] for each in self._ask("GET", "/registrations")["urls"]]
        self._stage.promise("payments are told to", url, ", ".join(found))

    def pay_unheard(self, title: str, shillings: int, reference: str) -> None:
        """Let somebody pay, and the callback get lost."""
        wanted = f"amount={shillings} reference={reference} fate=lost"
        step = self._stage.begin(title, f"POST {self.url}/sandbox/pay {wanted}")
        members = {"amount": shillings, "reference": reference, "fate": "lost"}
        dealt = self._ask("POST", "/pay", **members)
        step.output = f"KES {dealt['amount']} was paid, receipt {dealt['receipt']}\n"
        self._stage.teller.said(step)
        self._stage.promise("callbacks that came", "0", str(dealt["confirmations"]))

    def promise_all_told(self, count: int) -> None:
        """Promise how many payments it dealt; return once nothing is on its way any more."""
        self._stage.promise("payments dealt", str(count), str(len(self._dealt())))

    def promise_truth(self) -> None:
        """Promise that each payment it dealt is in the books, once and with its amount."""
        held = payments.list_payments(self._stage.books, limit=MOST_PAYMENTS)
        booked = {each.mpesa_receipt_number: kes(each.amount_cents) for each in held}
        dealt = self._dealt()
        kept = {receipt: booked.get(receipt, "0.00") for receipt in dealt}
        self._stage.promise("in the books", _told(dealt), _told(kept))

    def _dealt(self) -> dict[str, str]:
        told = self._ask("GET", "/truth")["payments"]
        return {each["receipt"]: each["amount"] for each in told}

    def _ask(self, method: str, path: str, **members: object) -> Any:
        host = urlsplit(self.url)
        with closing(HTTPConnection(str(host.hostname), host.port, timeout=PATIENCE_S)) as asking:
            try:
                asking.request(method, f"/sandbox{path}", json.dumps(members) if members else None)
                return json.loads(asking.getresponse().read())
            except (OSError, HTTPException, ValueError) as error:
                raise failed(f"{self.url}/sandbox{path} does not answer: {error}") from error


@contextmanager
def pretending(stage: Stage, listener_url: str, at: datetime) -> Iterator[Safaricom]:
    """Run a pretend Safaricom while the block runs, for all commands of the stage from now on.

    ``at``: the moment at which its day stands still, aware.
    """
    step = stage.begin("A pretend Safaricom starts", "kelly mpesa sandbox (inside this process)")
    with beside(Settings(lambda: at, SEED, load("good-day"))) as url:
        step.output = f"It answers at {url}; no money moves\n"
        stage.teller.said(step)
        stage.tell_commands(
            KELLY_MPESA_BASE_URL=url,
            KELLY_WEBHOOK_PUBLIC_URL=listener_url,
            # Access tokens lie there, and not among the user's own.
            XDG_STATE_HOME=str(stage.place.folder / "state"),
        )
        safaricom = Safaricom(stage, url)
        safaricom.promise_all_told(0)
        yield safaricom


def _told(amounts: dict[str, str]) -> str:
    total_cents = sum(parse_kes(each) for each in amounts.values())
    return f"{', '.join(amounts) or 'none'}; KES {kes_for_people(total_cents)}"
