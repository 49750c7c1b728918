"""kelly mpesa qr: a QR code to pay an invoice or a sale. Mounted by commands.mpesa."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from kelly_cli.commands.mpesa_urls import CodeOpt
from kelly_cli.commands.options import JsonOpt, YesOpt
from kelly_cli.core.paying import PayTo, qr_words
from kelly_cli.errors import StorageError, UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.services.payables import Payable

FIELDS = (
    Column("public_id", "For", "id"),
    Column("open_cents", "Amount", "money"),
    Column("code", "Paid to", "id"),
    Column("reference", "Reference", "id"),
    Column("file", "File"),
    Column("drawn_by", "Drawn by", "status"),
)
_SHILLING = 100
_SIZE_PX = 300
_PNG, _SVG = ".png", ".svg"


class Sign(NamedTuple):
    """What a code says. ``amount_cents`` None = the payer types it: no prompt takes cents."""

    code: str
    buy_goods: bool
    reference: str
    amount_cents: int | None

    @property
    def words(self) -> str:
        """The words that kelly's own codes hold."""
        return qr_words(PayTo(self.code, self.reference, self.buy_goods), self.amount_cents)


def qr(
    ctx: typer.Context,
    invoice: Annotated[
        str | None, typer.Option("--invoice", help="To pay what is open on it.", metavar="INV")
    ] = None,
    sale: Annotated[
        str | None, typer.Option("--sale", help="To pay what is open on it.", metavar="POS")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A .png or .svg file (default: the terminal)."),
    ] = None,
    short_code: CodeOpt = None,
    yes: YesOpt = False,
    json: JsonOpt = False,
) -> None:
    """Make a QR code to pay an invoice or a sale.

    A .png is Safaricom's own dynamic QR, drawn by Safaricom: the M-PESA app fills in the payment.
    An .svg and the one on the terminal are drawn here, offline: a camera shows paybill, account and
    amount as words, and the payer types them. Check once with a shilling that the account number
    of a scanned payment comes back as the reference.

    kelly mpesa qr --invoice INV-20260203-0001

    kelly mpesa qr --sale POS-20260203-0001 -o sale.png --json
    """
    from kelly_cli.services import payables

    if (invoice is None) == (sale is None):
        raise UsageError("give one of --invoice and --sale", hint="kelly mpesa qr --help")
    office = office_of(ctx, json=json)
    suffix = _suffix(output)
    found = payables.find_payable(office.books_to_read(), invoice_id=invoice, pos_id=sale)
    sign = _sign(office, found, short_code)
    if output is None:
        _show(office, found, sign, None)
        if not office.show.json:
            from kelly_cli.render.qr import terminal_qr

            encoding = (sys.stdout.encoding or "").lower().replace("-", "")
            office.show.verbatim(terminal_qr(sign.words, unicode=encoding == "utf8") + "\n")
        return
    if output.exists():
        office.show.confirm(
            f"Write over {output}?", yes=yes, repeat=f"kelly mpesa qr ... -o {output}"
        )
    picture = _from_safaricom(office, found, sign) if suffix == _PNG else _drawn(found, sign)
    _write(output, picture)
    _show(office, found, sign, output)


def _suffix(output: Path | None) -> str:
    suffix = "" if output is None else output.suffix.lower()
    if output is not None and suffix not in {_PNG, _SVG}:
        raise UsageError(f"-o: {output} ends neither in .png nor in .svg")
    return suffix


def _sign(office: Office, found: Payable, short_code: str | None) -> Sign:
    mpesa = office.config.mpesa
    code = short_code or mpesa.short_code
    mpesa.credentials(code)
    kinds = {each.code: each.kind for each in mpesa.short_codes}
    whole = found.open_cents % _SHILLING == 0
    if not whole:
        office.show.warning("what is open has cents, so the code says no amount")
    reference = found.short or found.public_id
    return Sign(code, kinds[code] != "paybill", reference, found.open_cents if whole else None)


def _drawn(found: Payable, sign: Sign) -> bytes:
    from kelly_cli.render.qr import svg_qr

    return svg_qr(sign.words, title=f"Pay {found.public_id}")


def _from_safaricom(office: Office, found: Payable, sign: Sign) -> bytes:
    with office.daraja(sign.code) as daraja:
        return daraja.qr(
            merchant_name=office.config.business.name or found.public_id,
            reference=sign.reference,
            amount_cents=sign.amount_cents,
            kind="BG" if sign.buy_goods else "PB",
            cpi=sign.code,
            size_px=_SIZE_PX,
        ).png


def _write(file: Path, picture: bytes) -> None:
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise StorageError(
            f"cannot write {file}: {error.strerror}",
            hint="Choose another place with -o",
            code="file_not_writable",
        ) from error


def _show(office: Office, found: Payable, sign: Sign, file: Path | None) -> None:
    from kelly_cli.core.money import kes

    drawn_by = "safaricom" if file is not None and file.suffix.lower() == _PNG else "kelly"
    shown = {
        "public_id": found.public_id,
        "open_cents": found.open_cents,
        "code": sign.code,
        "reference": None if sign.buy_goods else sign.reference,
        "file": None if file is None else str(file),
        "drawn_by": drawn_by,
    }
    document = {
        "for": found.public_id,
        "short_code": sign.code,
        "reference": shown["reference"],
        "amount": None if sign.amount_cents is None else kes(sign.amount_cents),
        "file": shown["file"],
        "drawn_by": drawn_by,
        "words": sign.words if drawn_by == "kelly" else None,
    }
    office.show.record(shown, FIELDS, document)
