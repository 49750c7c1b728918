"""kelly customer: who owes and who pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.customer_alias import app as alias
from kelly_cli.commands.customer_merge import merge, unmerge
from kelly_cli.commands.customer_statement import statement
from kelly_cli.commands.keys import CUSTOMER, MERGED
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import DEFAULT_LIMIT, JsonOpt, LimitOpt
from kelly_cli.commands.single import Single, single
from kelly_cli.office import office_of
from kelly_cli.render import Column

if TYPE_CHECKING:
    from kelly_cli.office import Office
    from kelly_cli.store.customer_rows import CustomerView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(alias, name="alias")

COLUMNS = (
    Column("customer_id", "Customer", "id"),
    Column("name", "Name"),
    Column("phone", "Phone", "phone", priority=1),
    Column("email", "Email", priority=3),
    Column("balance_cents", "Balance", "money"),
)
FIELDS = (
    Column("customer_id", "Customer", "id"),
    Column("name", "Name"),
    Column("phone", "Phone", "phone"),
    Column("email", "Email"),
    Column("owed_cents", "Outstanding", "money"),
    Column("credit_cents", "Credit", "money"),
    Column("balance_cents", "Balance", "money"),
)

IdArg = Annotated[str, typer.Argument(help="The customer's id, in any case.", metavar="ID")]


@app.callback()
def customer(ctx: typer.Context, json: JsonOpt = False) -> None:
    """Customers: who owes and who pays."""
    office_of(ctx, json=json)


@app.command(cls=single(CUSTOMER))
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The customer's name.")],
    customer_id: Annotated[
        str | None, typer.Option("--id", help="An id of your own (default: the next CUST number).")
    ] = None,
    phone: Annotated[str | None, typer.Option(help="0712345678 or +254712345678.")] = None,
    email: Annotated[str | None, typer.Option(help="An e-mail address.")] = None,
    json: JsonOpt = False,
) -> None:
    """Write a new customer.

    kelly customer create "Jane Wanjiku" --phone 0712345678

    kelly customer create "Acme Ltd" --id ACME-1 --email accounts@acme.co.ke
    """
    from kelly_cli.services import customers

    office = office_of(ctx, json=json)
    made = customers.create_customer(
        office.books_to_write(),
        office.hand(),
        name=name,
        customer_id=customer_id,
        phone=phone,
        email=email,
    )
    _show(office, made)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    search: Annotated[
        str | None, typer.Option("--search", help="Part of the id, name, phone or email.")
    ] = None,
    owing: Annotated[
        bool, typer.Option("--owing", help="Only those who owe something.", metavar="")
    ] = False,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List customers with their balances.

    kelly customer list --owing

    kelly customer list --search wanjiku --json
    """
    from kelly_cli.commands.shapes import customer_json
    from kelly_cli.services import customers

    office = office_of(ctx, json=json)
    found = customers.list_customers(
        office.books_to_read(), search=search, owing=owing, limit=limit
    )
    office.show.rows(
        [_row(each) for each in found],
        COLUMNS,
        as_json=lambda: [customer_json(each) for each in found],
        empty="No customers. Make one: kelly customer create NAME",
        fields=CUSTOMER,
    )


@app.command(cls=Single)
def show(ctx: typer.Context, customer_id: IdArg, json: JsonOpt = False) -> None:
    """Show one customer.

    kelly customer show CUST-001

    kelly customer show cust001 --json
    """
    from kelly_cli.services import customers

    office = office_of(ctx, json=json)
    found = customers.show_customer(office.books_to_read(), customer_id)
    _show(office, found, asked_for=customer_id)


@app.command(cls=single(CUSTOMER))
def edit(
    ctx: typer.Context,
    customer_id: IdArg,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    phone: Annotated[str | None, typer.Option(help='The new phone; "" takes it away.')] = None,
    email: Annotated[str | None, typer.Option(help='The new address; "" takes it away.')] = None,
    json: JsonOpt = False,
) -> None:
    """Change a customer's name, phone or email.

    kelly customer edit CUST-001 --phone 0722000000

    kelly customer edit CUST-001 --email ""
    """
    from kelly_cli.services import customers

    office = office_of(ctx, json=json)
    changed = customers.edit_customer(
        office.books_to_write(), office.hand(), customer_id, name=name, phone=phone, email=email
    )
    _show(office, changed)


app.command("statement", cls=Single)(statement)
app.command("merge", cls=single(*MERGED))(merge)
app.command("unmerge", cls=single(*MERGED))(unmerge)


def _row(view: CustomerView) -> dict[str, object]:
    return {**view._asdict(), "balance_cents": view.balance_cents}


def _show(office: Office, view: CustomerView, asked_for: str | None = None) -> None:
    """``asked_for``: the id as typed; another customer's, when that one was merged into this."""
    from kelly_cli.commands.shapes import customer_json
    from kelly_cli.core.refs import fold

    told: dict[str, object] = {}
    if asked_for is not None and fold(asked_for) != fold(view.customer_id):
        told = {"asked_for": asked_for, "merged_into": view.customer_id}
        if not office.show.json:
            office.show.note(f"{asked_for} was merged into {view.customer_id}")
    office.show.record(_row(view), FIELDS, {**customer_json(view), **told})
