"""The office: merges taken back, till money paired, statements applied, imports and their undo."""

from datetime import datetime, timedelta

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.services import (
    applying,
    importing,
    merging,
    reconciling,
    sales,
    till,
    undoing_imports,
)
from kelly_cli.services.import_verdicts import BESIDE
from kelly_cli.services.importing_customers import LAST_MOMENT
from kelly_cli.store.sale_rows import SaleItem

HEADER = (
    "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,"
    "Balance,Balance Confirmed,Reason Type,Other Party Info,Linked Transaction ID,A/C No."
)
WITHIN = timedelta(minutes=15)


class OfficeActs:
    """Acts that touch many things at once; what they draw from is the machine's."""

    def unmerge(self, chance):
        gone = [gone for gone, *_ in self.model.merges]
        if name := chance.choice([*gone, *gone, self.person(chance)]):
            self.both(
                lambda: merging.unmerge_customer(self.books, self.hand, name),
                lambda: self.model.unmerge(name),
            )

    def match(self, chance):
        """A sale and its money a moment later; whatever else fits is paired with it."""
        cents, owner = 50_000 + self.count, chance.choice([None, self.person(chance)])
        items = [SaleItem("P-1", "Soda", 1, cents)]
        day = nairobi_wall_clock(self.now).date()
        sale = sales.create_sale(
            self.books, self.hand, items=items, sold_on=day, customer_id=owner
        ).pos_id
        self.model.sell(sale, owner, cents, day)
        self.confirm(
            f"TIL{self.count:07d}", "600000", cents, nairobi_wall_clock(self.now), "", None
        )
        found = till.apply(self.books, self.hand, WITHIN)
        pairs = [(each.payment.receipt, each.sale.pos_id) for each in found.pairs]
        assert (f"TIL{self.count:07d}", sale) in pairs
        for receipt, pos_id in pairs:
            self.model.assign(receipt, pos_id)

    def statement(self, chance):
        """One payment that no callback told of, and sometimes a reversal made in the portal."""
        at, receipt = nairobi_wall_clock(self.now).replace(microsecond=0), f"STA{self.count:07d}"
        typed, folded = self.reference(chance)
        cents = 7_000 + self.count
        when = f"{at:%d-%m-%Y %H:%M:%S}"
        paid = f"Completed,{cents / 100:.2f},,,true,Pay Bill,2547****149 - ANN,,{typed}"
        lines = [f"{receipt},{when},{when},Pay Bill,{paid}"]
        known = [m for m in self.model.money.values() if m.code == "174379" and not m.reversed]
        back = chance.choice([None, *known])
        if back:
            gone = f"Completed,,{back.amount / 100:.2f},,true,Reversal,,{back.receipt},"
            lines.append(f"REV{self.count:07d},{when},{when},Reversal,{gone}")
        end = at + timedelta(minutes=1)
        head = f"Short Code:,174379\nTime Period:,From,{when},To,{end:%d-%m-%Y %H:%M:%S}\n"
        raw = "\n".join([head + HEADER, *lines, ""]).encode()
        file = reconciling.read_file(raw, f"{self.count}.csv", {"174379"})
        now = nairobi_wall_clock(self.now) + timedelta(hours=1)
        found = reconciling.compare(self.books, [file], now=now)
        done = applying.apply(self.books, self.inbox, self.hand, found, now=now)
        assert (done.written, done.refused) == (1, 0)
        self.model.pay(receipt, cents, at, folded, "174379", "statement")
        if back:
            assert done.reversed == [back.receipt]
            self.model.reverse(back.receipt, by_hand=False)

    def import_file(self, chance):
        """A new customer with an opening balance: owed, in credit, or none."""
        shillings = chance.choice([150, -70, 0])
        raw = f"Name,Balance\nImported {self.count},{shillings}\n".encode()
        day = self.days[0]
        wanted = importing.WantedImport("customers", "kept.csv", raw, {}, day)
        done = importing.import_file(self.books, self.inbox, self.hand, wanted)
        name, _, opening = done.verdicts[0].subject.partition(BESIDE)
        self.names.append(name)
        self.model.add_customer(name, None)
        if shillings > 0:
            assert opening == self.model.invoice(name, shillings * 100, day)
        elif shillings < 0:
            at, key = datetime.combine(day, LAST_MOMENT), name.replace("-", "")
            self.model.pay(opening, -shillings * 100, at, key, None, "hand")
        self.imports[done.number] = (name, opening)

    def import_undo(self, chance):
        if self.imports:
            number = chance.choice(list(self.imports))
            undone = self.both(
                lambda: undoing_imports.undo_import(self.books, self.hand, number),
                lambda: self.model.undo_import(*self.imports[number]),
            )
            if undone:
                self.names.remove(self.imports.pop(number)[0])
