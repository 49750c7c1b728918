"""kelly db check: what must always be true of the books, asked of the database itself.

Each check is a function from a snapshot to what is wrong (``shape.Found``); adding one is adding a
function and a line in one of the two tuples. None of them imports what writes the books.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from kelly_cli.store.checks import (
    adjustments,
    allocation,
    asked,
    audit,
    closes,
    counter,
    fifo,
    journal,
    logs,
    money,
    people,
    references,
    schema,
    statements,
    stock,
    times,
    totals,
)
from kelly_cli.store.checks.shape import Check, CheckResult, Snapshot, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

OF_THE_FILE = (
    Check("I-29", schema.revision),
    Check("I-29", schema.as_the_tables_say),
    Check("I-29", schema.foreign_keys),
    Check("I-29", schema.integrity),
)
"""What holds at any moment: these need not see the same one as the others."""

OF_THE_BOOKS = (
    Check("I-01", money.whole_cents),
    Check("I-01", money.amount_for_people),
    Check("I-02", money.bounds),
    Check("I-02", money.signs_of_allocations),
    Check("I-03", money.totals_of_sales),
    Check("I-04", logs.canonical_receipts),
    Check("I-04", logs.receipts_once),
    Check("I-05", logs.origins_of_payments),
    Check("I-05", logs.payments_of_logs),
    Check("I-06", logs.one_outcome),
    Check("I-07", logs.repeats),
    Check("I-08", logs.failures),
    Check("I-10", logs.digests),
    Check("I-11", logs.counts),
    Check("I-12", allocation.sums_of_payments),
    Check("I-12", allocation.nothing_taken_back_twice),
    Check("I-13", allocation.sums_of_invoices),
    Check("I-13", adjustments.sums_of_adjustments),
    Check("I-13", adjustments.kinds_of_adjustments),
    Check("I-14", allocation.paid_within_amount),
    Check("I-14", adjustments.adjusted_within_amount),
    Check("I-15", allocation.statuses),
    Check("I-16", allocation.one_customer),
    Check("I-17", allocation.reversed_holds_nothing),
    Check("I-18", fifo.oldest_first),
    Check("I-19", allocation.credit_is_used),
    Check("I-20", people.balances),
    Check("I-21", people.unmatched_money),
    Check("I-21", people.matched_by_hand),
    Check("I-22", people.sales_follow_invoices),
    Check("I-23", people.sales_and_invoices),
    Check("I-24", people.money_is_conserved),
    Check("I-25", people.debts_are_conserved),
    Check("I-26", journal.accounts),
    Check("I-27", references.keys_stand_for_their_ids),
    Check("I-27", references.everything_has_its_key),
    Check("I-27", references.ids_are_taken_once),
    Check("I-27", references.dated_ids),
    Check("I-28", times.times),
    Check("I-28", times.times_of_payments),
    Check("I-30", audit.chain),
    Check("I-30", audit.marks),
    Check("I-30", audit.actions),
    Check("I-30", adjustments.adjusted_by_hand),
    Check("I-30", counter.claims_by_hand),
    Check("I-30", counter.claimed_once),
    Check("I-30", closes.closes),
    Check("I-30", closes.closed_by_hand),
    Check("I-30", closes.imported_by_hand),
    Check("I-30", audit.dismissals),
    Check("I-30", audit.purges),
    Check("I-31", statements.lines_and_payments),
    Check("I-31", statements.proofs),
    Check("I-31", statements.files_and_lines),
    Check("I-36", asked.paid_prompts),
    Check("I-36", asked.answered_prompts),
    Check("I-36", asked.requests),
    Check("I-36", asked.reversals),
    Check("I-37", stock.sums_of_moves),
    Check("I-37", stock.moves_of_sales),
    Check("I-30", stock.moved_by_hand),
    Check("I-38", totals.hours),
)
CHECKS = (*OF_THE_FILE, *OF_THE_BOOKS)


def run_checks(
    connection: Connection, now: datetime, checks: Sequence[Check] = CHECKS
) -> CheckResult:
    """Run every check on one snapshot (``database.reading()``). ``now``: aware UTC.

    A check that cannot be made is a violation of its invariant; the others are still made.
    """
    books = Snapshot(connection, now)
    result = CheckResult()
    for check in checks:
        result.looked_at(check.invariant)
        result.add(violations_of(books, check))
    return result


def violations_of(books: Snapshot, check: Check) -> Iterator[Violation]:
    """Run one check; whatever stands in the rows, it ends in violations, not in an error."""
    try:
        # On PostgreSQL a statement that fails would spoil the snapshot for those after it.
        with books.connection.begin_nested():
            for subject, detail in check.look(books):
                yield Violation(check.invariant, subject, detail)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise  # the snapshot is gone, and no other check can be made
        yield _unchecked(check, str(error.orig))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        yield _unchecked(check, f"{type(error).__name__}: {error}")


def _unchecked(check: Check, why: str) -> Violation:
    first_line = (why.strip().splitlines() or ["unknown"])[0]
    name = check.look.__name__
    return Violation(check.invariant, "database", f"could not be checked ({name}): {first_line}")
