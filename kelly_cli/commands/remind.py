"""kelly remind: messages to those who are late, and what became of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kelly_cli.commands.keys import REMINDED
from kelly_cli.commands.listing import Listing
from kelly_cli.commands.options import (
    DEFAULT_LIMIT,
    DryRunOpt,
    JsonOpt,
    LimitOpt,
    ReasonOpt,
    printable,
)
from kelly_cli.commands.paper_options import PayToOpt
from kelly_cli.commands.single import single, single_group
from kelly_cli.core.money import kes
from kelly_cli.errors import ConfigError, UsageError
from kelly_cli.office import office_of
from kelly_cli.render import Column, fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kelly_cli.office import Office
    from kelly_cli.services.reminding import Due, Made, Plan, Skipped
    from kelly_cli.store.reminder_rows import ReminderView

app = typer.Typer(
    cls=single_group(*REMINDED),
    rich_markup_mode=None,
    invoke_without_command=True,
)

MADE = (
    Column("customer_id", "Customer", "id"),
    Column("name", "Name", priority=3),
    Column("phone", "Phone", "phone"),
    Column("overdue_cents", "Overdue", "money"),
    Column("since", "Since", "date", priority=2),
    Column("state", "State", "status", priority=1),
    Column("message", "Message"),
)
BARE = (
    Column("customer_id", "No phone", "id"),
    Column("name", "Name"),
    Column("overdue_cents", "Overdue", "money"),
    Column("since", "Since", "date", priority=1),
)
LISTED = (
    Column("reminder", "Reminder", "count"),
    Column("customer_id", "Customer", "id"),
    Column("state", "State", "status"),
    Column("owed_cents", "Owed", "money"),
    Column("as_of", "On", "date", priority=1),
    Column("address", "To", "phone", priority=2),
    Column("channel", "By", "status", priority=4),
    Column("error", "Error", priority=2),
    Column("message", "Message", priority=3),
)
FIELDS = fields(
    "reminder",
    "customer_id",
    "name",
    "state",
    "owed:money",
    "as_of:date",
    "channel",
    "address",
    "message",
    "error",
    "actor",
    "created_at",
    "sent_at",
)


class State(StrEnum):
    """What became of a reminder."""

    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


@app.callback()
def remind(
    ctx: typer.Context,
    overdue_days: Annotated[
        int,
        typer.Option("--overdue-days", min=0, max=36500, help="Overdue for so many days."),
    ] = 7,
    again_after: Annotated[
        int,
        typer.Option(
            "--again-after",
            min=0,
            max=36500,
            help="Not to those reminded in so many days; 0 = to them too.",
        ),
    ] = 7,
    customer_id: Annotated[
        str | None, typer.Option("--customer", help="Only this customer.", metavar="ID")
    ] = None,
    send: Annotated[
        bool,
        typer.Option("--send", help="Send them by alerts.urls, where {phone} is his.", metavar=""),
    ] = False,
    short_code: PayToOpt = None,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Remind those whose invoices are overdue: messages ready to send, each recorded.

    Nobody is reminded who owes nothing, whose credit covers it, or whose invoice is on hold.
    A message that could not be sent is tried again by the next run.

    kelly remind --dry-run

    kelly remind --overdue-days 14 --again-after 30

    kelly remind --customer CUST-001 --send --json
    """
    from kelly_cli.services import reminding

    office = office_of(ctx, json=json)
    if ctx.invoked_subcommand is not None:
        return
    terms = reminding.Terms(overdue_days, again_after, customer_id)
    compose = _composer(office, short_code)
    if dry_run:
        plan = reminding.plan(office.books_to_read(), terms, office.today())
        made = [reminding.Made(due, compose(due), "dry run") for due in plan.due]
    elif send:
        made, plan = _send(office, terms, compose)
    else:
        made, plan = reminding.make_ready(office.books_to_write(), office.hand(), terms, compose)
    _tell(office, made, plan, dry_run=dry_run)
    if any(each.state == "failed" for each in made):
        raise typer.Exit(3)


def _composer(office: Office, short_code: str | None) -> Callable[[Due], str]:
    """Return what writes the message of a customer: the short statement, the overdue named."""
    from kelly_cli.commands.papers import pay_to
    from kelly_cli.core.short_statement import Owed, short_statement
    from kelly_cli.render import safe

    business, today = safe(office.config.business.name), office.today()
    pay_to(office.config, "", short_code)

    def compose(due: Due) -> str:
        to = pay_to(office.config, due.customer_id, short_code)
        late = [Owed(each.invoice_id, each.rest_cents, each.due_on) for each in due.invoices]
        return short_statement(business, safe(due.name), today, due.owed_cents, to, late)

    return compose


def _send(office: Office, terms: object, compose: Callable[[Due], str]) -> tuple[list[Made], Plan]:
    from kelly_cli.listener.letters import Post
    from kelly_cli.services import reminding

    assert isinstance(terms, reminding.Terms)  # noqa: S101 - for the type checker
    urls = office.config.alerts.urls
    if urls is None:
        raise ConfigError(
            "--send needs somewhere to send to, and alerts.urls is not set",
            hint="Put KELLY_ALERTS_URLS into .env, or send the messages of kelly remind by hand",
            code="no_alert_urls",
        )
    post = Post(urls.reveal())
    books = office.books_to_write()
    plan = reminding.plan(books, terms, office.today())
    if plan.due and not post.is_direct:
        office.show.warning(
            "no address in alerts.urls holds {phone}: the messages go where alerts go"
        )

    def deliver(due: Due, message: str) -> str | None:
        return post.send(due.phone or "", title=f"Reminder for {due.customer_id}", text=message)

    sent = reminding.send(
        books, office.hand(), terms, plan, compose=compose, deliver=deliver, clock=office.now
    )
    with office.show.progress(len(plan.due), "Sending") as progress:
        made = []
        for each in sent:
            made.append(each)
            progress.advance(1)
    return made, plan


def _tell(office: Office, made: Sequence[Made], plan: Plan, *, dry_run: bool) -> None:
    show = office.show
    if show.json:
        show.document(
            {
                "dry_run": dry_run,
                "reminders": [_made_json(each) for each in made],
                "without_phone": [_due_json(each) for each in plan.without_phone],
                "skipped": [_skipped_json(each) for each in plan.skipped],
            }
        )
        return
    show.table([_row(each) for each in made], MADE, empty="Nobody is to be reminded")
    if plan.without_phone:
        show.lines("")
        show.table([_bare(each) for each in plan.without_phone], BARE)
    for each in plan.skipped:
        show.note(f"Not reminded: {each.customer_id} {each.reason}")
    for one in made:
        if one.error:
            show.warning(f"{one.due.customer_id} was not reminded: {one.error}")
    if dry_run:
        show.note("Dry run: nothing was recorded")


def _row(made: Made) -> dict[str, object]:
    return {
        **_bare(made.due),
        "phone": made.due.phone,
        "state": made.state,
        "message": made.message,
    }


def _bare(due: Due) -> dict[str, object]:
    return {
        "customer_id": due.customer_id,
        "name": due.name,
        "overdue_cents": due.late_cents,
        "since": due.since,
    }


def _due_json(due: Due) -> dict[str, object]:
    return {
        "customer_id": due.customer_id,
        "name": due.name,
        "phone": due.phone,
        "owed": kes(due.owed_cents),
        "overdue": kes(due.late_cents),
        "since": due.since.isoformat(),
        "invoices": [each.invoice_id for each in due.invoices],
    }


def _made_json(made: Made) -> dict[str, object]:
    return {
        "reminder": made.row,
        **_due_json(made.due),
        "state": made.state,
        "message": made.message,
        "error": made.error,
    }


def _skipped_json(skipped: Skipped) -> dict[str, object]:
    return {
        "customer_id": skipped.customer_id,
        "name": skipped.name,
        "reason": skipped.reason,
    }


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    customer_id: Annotated[
        str | None, typer.Option("--customer", help="Only this customer.", metavar="ID")
    ] = None,
    state: Annotated[
        State | None, typer.Option("--state", help="Only in this state.", case_sensitive=False)
    ] = None,
    limit: LimitOpt = DEFAULT_LIMIT,
    json: JsonOpt = False,
) -> None:
    """List reminders, newest first. One that is "sending" may have gone out.

    kelly remind list

    kelly remind list --customer CUST-001 --state failed --json
    """
    from kelly_cli.services import reminding

    office = office_of(ctx, json=json)
    found = reminding.list_reminders(
        office.books_to_read(),
        customer_id=customer_id,
        state=None if state is None else state.value,
        limit=limit,
    )
    office.show.rows(
        [_listed(each) for each in found],
        LISTED,
        as_json=lambda: [_listed_json(each) for each in found],
        empty="No reminders yet: kelly remind --dry-run shows whom they would go to",
        fields=FIELDS,
    )


@app.command(cls=single(FIELDS))
def cancel(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(help="The reminder's number.", metavar="REMINDER")],
    reason: ReasonOpt,
    dry_run: DryRunOpt = False,
    json: JsonOpt = False,
) -> None:
    """Take back a reminder that did not go out: the next run may remind again.

    kelly remind cancel 3 --reason "nobody sent it"

    kelly remind cancel 3 --reason "nobody sent it" --dry-run
    """
    from kelly_cli.services import reminding

    office = office_of(ctx, json=json)
    why = printable(reason, option="--reason")
    if number < 1:
        raise UsageError(f"{number} is not a reminder's number", hint="kelly remind list")
    books = office.books_to_read() if dry_run else office.books_to_write()
    gone = reminding.cancel(books, office.hand(why), number, dry_run=dry_run)
    if dry_run:
        office.show.note("Dry run: it would be like this; nothing was kept")
    office.show.record(_listed(gone), LISTED, _listed_json(gone))


def _listed(view: ReminderView) -> dict[str, object]:
    return {**view._asdict(), "reminder": view.row}


def _listed_json(view: ReminderView) -> dict[str, object]:
    return {
        "reminder": view.row,
        "customer_id": view.customer_id,
        "name": view.name,
        "state": view.state,
        "owed": kes(view.owed_cents),
        "as_of": view.as_of.isoformat(),
        "channel": view.channel,
        "address": view.address,
        "message": view.message,
        "error": view.error,
        "actor": view.actor,
        "created_at": view.created_at.isoformat(),
        "sent_at": view.sent_at.isoformat() if view.sent_at else None,
    }
