"""kelly payment verify and unclaim: what the counter asks. Mounted by commands.payment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.options import (
    DryRunOpt,
    JsonOpt,
    ReasonOpt,
    amount,
    printable,
)
from kelly_cli.core import verdicts
from kelly_cli.core.money import kes
from kelly_cli.core.times import iso_nairobi
from kelly_cli.errors import UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.core.verdicts import Seen, Spent, Verdict
    from kelly_cli.office import Office
    from kelly_cli.services.payments import PaymentDetail

FIELDS = (
    Column("verdict", "Verdict", "status"),
    Column("detail", "Why"),
    Column("receipt", "Receipt", "receipt"),
    Column("claimed", "Claimed for"),
)
UNCLAIMED = (
    Column("receipt", "Receipt", "receipt"),
    Column("amount_cents", "Amount", "money"),
    Column("paid_at", "Paid at", "wall"),
    Column("payer", "Payer"),
)

MARKS = (Column("flag", "Mark"), Column("detail", "What"))

CodeArg = Annotated[
    str, typer.Argument(help="The receipt as it is shown; blanks are left out.", metavar="CODE")
]


def verify(
    ctx: typer.Context,
    code: CodeArg,
    amount_text: Annotated[str, typer.Option("--amount", help="What is to be paid, in KES.")],
    claim: Annotated[
        str | None,
        typer.Option(
            "--claim", help="When it is good, mark it spent: a sale, or words.", metavar="POS|TEXT"
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")] = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Say whether a receipt shown at the counter is good: one word, and why.

    OK, USED, WRONG_AMOUNT, NOT_SEEN, or LOOKS_WRONG (not seen, and its letters do not fit a date:
    a hint). Exit code: 0 for OK alone. A claim moves no money.

    kelly payment verify QGK12XYZ91 --amount 1500

    kelly payment verify QGK12XYZ91 --amount 1500 --claim POS-20260203-0001
    """
    office = office_of(ctx, json=json)
    cents = amount(amount_text, option="--amount")
    if claim is None:
        if reason is not None or dry_run:
            raise UsageError("--reason and --dry-run belong to --claim", hint="Give --claim too")
        verdict = _asked(office, code, cents)
    else:
        from kelly_cli.services import claiming

        what = printable(claim, option="--claim")
        why = None if reason is None else printable(reason, option="--reason")
        # What is tried dry must not make a database either.
        books = office.books_to_read() if dry_run else office.books_to_write()
        verdict = claiming.claim(books, office.hand(why), code, cents, what, dry_run=dry_run)
        if dry_run:
            office.show.note("Dry run: it would be like this; nothing was kept")
    office.show.record(_row(verdict), FIELDS, _json(verdict))
    if verdict.word != "OK":
        raise typer.Exit(1)


def unclaim(
    ctx: typer.Context,
    code: CodeArg,
    reason: ReasonOpt,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take a claim back: the receipt is good again.

    kelly payment unclaim QGK12XYZ91 --reason "the goods were returned"

    kelly payment unclaim QGK12XYZ91 --reason "wrong sale" --dry-run
    """
    from kelly_cli.services import claiming

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    books = office.books_to_read() if dry_run else office.books_to_write()
    free = claiming.unclaim(books, office.hand(why), code, dry_run=dry_run)
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")
    office.show.record(free._asdict(), UNCLAIMED, _seen_json(free))


def _asked(office: Office, code: str, cents: int) -> Verdict:
    from kelly_cli.services import verifying

    today = office.today()
    quick = verifying.quick(office.config.database.url, code, cents, today)
    return quick or verifying.verify(office.books_to_read(), code, cents, today)


def _row(verdict: Verdict) -> dict[str, object]:
    claim = verdict.seen.claim if verdict.seen else None
    return {
        "verdict": verdict.word.value,
        "detail": verdict.detail,
        "receipt": verdict.receipt,
        "claimed": None if claim is None else claim.pos_id or claim.note,
    }


def _json(verdict: Verdict) -> dict[str, object]:
    return {
        "verdict": verdict.word.value,
        "detail": verdict.detail,
        "mpesa_receipt_number": verdict.receipt,
        "did_you_mean": list(verdict.alike),
        "payment": None if verdict.seen is None else _seen_json(verdict.seen),
    }


def _seen_json(seen: Seen) -> dict[str, object]:
    return {
        "mpesa_receipt_number": seen.receipt,
        "amount": kes(seen.amount_cents),
        "transaction_date": iso_nairobi(seen.paid_at),
        "short_code": seen.short_code,
        "payer_name": seen.payer,
        "msisdn": seen.phone,
        "customer_id": seen.customer_id,
        "held": [
            {
                "invoice_id": each.invoice_id,
                "pos_id": each.pos_id,
                "amount": kes(each.amount_cents),
                "at": iso_nairobi(each.at),
            }
            for each in seen.holdings
        ],
        "claim": claim_json(seen.claim),
    }


def claim_json(claim: Spent | None) -> dict[str, object] | None:
    """Return a claim that stands: for a sale, or for what its note says."""
    if claim is None:
        return None
    return {
        "pos_id": claim.pos_id,
        "note": claim.note,
        "actor": claim.actor,
        "at": iso_nairobi(claim.at),
    }


def flags_of(found: PaymentDetail) -> list[dict[str, object]]:
    """Return the flags of a payment."""
    return [{"flag": flag, "detail": detail} for flag, detail in found.flags]


def tell_marks(office: Office, found: PaymentDetail) -> None:
    """Print the flags of a payment and its claim for people; nothing where there are none."""
    rows = flags_of(found)
    if found.claim is not None:
        rows.append({"flag": "claimed", "detail": verdicts.claimed(found.claim)})
    if rows:
        office.show.lines("")
        office.show.table(rows, MARKS)
