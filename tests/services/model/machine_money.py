"""What Safaricom tells and what people do with money: the part of the machine that moves it."""

import json
from datetime import timedelta

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.errors import DomainError
from kelly_cli.services import (
    allocating,
    invoices,
    logs,
    recording,
    reprocessing,
    reversing,
    suspense,
)
from kelly_cli.services.inbox import Delivery, OurCode

CODES = [
    OurCode("174379", "paybill", None, "local"),
    OurCode("600000", "till", None, "local"),
    OurCode("600001", "store", None, "local"),
]
AMOUNTS = [100, 5_000, 5_000, 10_000, 15_000, 20_050]


class MoneyActs:
    """Acts on payments; what they draw from is the machine's."""

    # Callbacks

    def callback(self, chance):
        typed, folded = self.reference(chance)
        self._confirm(f"QGK{self.count:07d}", chance, typed, folded)

    def _confirm(self, receipt, chance, typed, folded):
        cents, code = chance.choice(AMOUNTS), chance.choice(CODES).code
        at = nairobi_wall_clock(self.now) - timedelta(seconds=chance.randrange(100_000))
        self.confirm(receipt, code, cents, at, typed, folded)

    def confirm(self, receipt, code, cents, at, typed, folded):
        """Take a confirmation: ``typed`` is what the payer wrote, ``folded`` its form."""
        at = at.replace(microsecond=0)
        body = {
            "TransID": receipt,
            "TransTime": f"{at:%Y%m%d%H%M%S}",
            "TransAmount": f"{cents / 100:.2f}",
            "BusinessShortCode": code,
            "BillRefNumber": typed,
        }
        told = (receipt, cents, at, folded, code, "c2b")
        self._take(json.dumps(body).encode(), "confirmation", told)

    def _take(self, raw, kind, told):
        self.bodies.setdefault(told[0], (raw, kind, told))
        (entry,) = self.inbox.take([Delivery(raw, kind, "file", f"d{self.count}")])
        became = "conflict" if entry.is_conflict else "duplicate" if entry.is_duplicate else None
        became = became or ("processed" if entry.processed else "failed")
        wanted = self.model.pay(*told)
        assert became == wanted, f"{told}: kelly says {became} ({entry.error}), the model {wanted}"

    def repeat(self, chance):
        if self.bodies:
            self._take(*chance.choice(list(self.bodies.values())))

    def conflict(self, chance):
        if self.bodies:
            self._confirm(chance.choice(list(self.bodies)), chance, "NOBODY", "NOBODY")

    def twin(self, chance):
        """The answer to a prompt: no reference and no short code; of new money, or of known."""
        known = [m for m in self.model.money.values() if m.channel == "c2b"]
        at, cents = nairobi_wall_clock(self.now).replace(microsecond=0), chance.choice(AMOUNTS)
        receipt = f"STK{self.count:07d}"
        if known and chance.random() < 0.5:
            first = chance.choice(known)
            receipt, cents, at = first.receipt, first.amount, first.at
        items = {
            "Amount": cents / 100,
            "MpesaReceiptNumber": receipt,
            "TransactionDate": int(f"{at:%Y%m%d%H%M%S}"),
            "PhoneNumber": 254708374149,
        }
        said = {
            "CheckoutRequestID": f"ws_CO_{self.count}",
            "ResultCode": 0,
            "ResultDesc": "x",
            "CallbackMetadata": {"Item": [{"Name": k, "Value": v} for k, v in items.items()]},
        }
        raw = json.dumps({"Body": {"stkCallback": said}}).encode()
        self._take(raw, "stk", (receipt, cents, at, None, None, "stk"))

    def second_source(self, chance):
        """A statement's line: of known money, or of money that no callback told of."""
        typed, folded = self.reference(chance)
        cents, code = chance.choice(AMOUNTS), "174379"
        at, receipt = nairobi_wall_clock(self.now).replace(microsecond=0), f"STM{self.count:07d}"
        known = [m for m in self.model.money.values() if m.channel in {"c2b", "stk"}]
        if known and chance.random() < 0.6:
            first = chance.choice(known)
            receipt, cents, at = first.receipt, first.amount, first.at
            code = first.code or code
        line = {
            "receipt": receipt,
            "completed_at": at.isoformat(" "),
            "paid_in": f"{cents / 100:.2f}",
            "balance": None,
            "reason_type": "Pay Bill",
            "details": "x",
            "other_party": "2547****149 - ANN",
            "reference": typed,
        }
        raw = json.dumps({"short_code": code, "account": None, "line": line}).encode()
        self._take(raw, "statement", (receipt, cents, at, folded, code, "statement"))

    def garbage(self, chance):
        raw = chance.choice([b"{not json", b"\xff", b'{"TransID": "QGK1"}', b"[]"])
        self.inbox.take([Delivery(raw, "confirmation", "file", f"d{self.count}")])

    def reprocess(self, chance):
        reprocessing.reprocess(self.inbox)
        self.model.reprocess()

    def dismiss(self, chance):
        waiting = [m.receipt for m in self.model.money.values() if m.waits]
        if waiting:
            receipt = chance.choice(waiting)
            row = self._first(
                "SELECT l.id FROM webhook_logs l JOIN payments p ON p.log_id = l.id "
                f"WHERE p.mpesa_receipt_number = '{receipt}'"
            )
            logs.dismiss_log(self.books, self.hand, row, "known")
            self.model.dismiss(receipt)

    def _first(self, sql):
        with self.books.reading() as connection:
            return connection.exec_driver_sql(sql).scalar_one()

    # Money by hand

    def record(self, chance):
        what, name = chance.choice(
            [("customer_id", self.person(chance)), ("invoice_id", self.bill(chance))]
            + [("pos_id", self.sold(chance)), (None, None)]
        )
        if what and not name:
            return
        cents, keep = chance.choice(AMOUNTS), chance.random() < 0.3
        at = nairobi_wall_clock(self.now).replace(microsecond=0)
        wanted = recording.NewMoney(
            chance.choice(["cash", "bank", "cheque"]),
            cents,
            at,
            keep=keep,
            **({what: name} if what else {}),
        )
        booked = recording.record(self.books, self.inbox, self.hand, wanted)
        receipt = booked.mpesa_receipt_number
        if what == "customer_id":
            name = self.model.who(name)
        folded = name.replace("-", "") if name else None
        self.model.pay(receipt, cents, at, folded, None, "hand", keep)

    def assign(self, chance):
        waiting = [m.receipt for m in self.model.money.values() if not m.customer and m.free]
        receipt = chance.choice([*waiting, *waiting, self.receipt(chance)])
        target = chance.choice([self.person(chance), self.thing(chance)])
        if receipt and target:
            keep = chance.random() < 0.2
            self.both(
                lambda: suspense.assign(self.books, self.hand, receipt, target, keep_credit=keep),
                lambda: self.model.assign(receipt, target, keep),
            )

    def allocate(self, chance):
        free = [m.receipt for m in self.model.money.values() if m.free]
        if receipt := chance.choice([*free, *free, self.receipt(chance)]):
            shares, keep = self.shares(chance), chance.random() < 0.3
            told = [allocating.Share(*each) for each in shares]
            self.both(
                lambda: allocating.allocate(self.books, self.hand, receipt, told, keep=keep),
                lambda: self.model.allocate(receipt, shares, keep),
            )

    def unallocate(self, chance):
        used = [m for m in self.model.money.values() if m.on]
        if not used:
            return
        money = chance.choice(used)
        whole, disown = chance.random() < 0.5, chance.random() < 0.3
        name = chance.choice(list(money.on))
        shares = [] if whole or disown else [(name, chance.choice([None, *AMOUNTS]))]
        told = [allocating.Share(*each) for each in shares]
        self.both(
            lambda: allocating.unallocate(
                self.books, self.hand, money.receipt, told, to_suspense=disown
            ),
            lambda: self.model.unallocate(money.receipt, shares, disown),
        )

    def reverse(self, chance):
        if receipt := self.receipt(chance):
            self.both(
                lambda: reversing.reverse_by_hand(self.books, self.hand, receipt),
                lambda: self.model.reverse(receipt),
            )

    def restore(self, chance):
        gone = [money.receipt for money in self.model.money.values() if money.reversed]
        if receipt := chance.choice([*gone, self.receipt(chance)]):
            self.both(
                lambda: reversing.restore_by_hand(self.books, self.hand, receipt),
                lambda: self.model.restore(receipt),
            )

    def dry_run(self, chance):
        """What is tried dry changes nothing: the model is not told."""
        name, receipt = self.bill(chance), self.receipt(chance)
        reprocessing.rehearse(self.books, self.inbox)
        for act in (
            lambda: name and invoices.void_invoice(self.books, self.hand, name, dry_run=True),
            lambda: (
                receipt and reversing.reverse_by_hand(self.books, self.hand, receipt, dry_run=True)
            ),
            lambda: receipt and allocating.unallocate(self.books, self.hand, receipt, dry_run=True),
        ):
            try:
                act()
            except DomainError:
                continue
