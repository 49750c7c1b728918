"""What hints at trouble beside the books: the spool, statements, the chain of balances."""

from datetime import UTC, datetime, timedelta

import pytest

from kelly_cli.core.spooled import Record
from kelly_cli.services import hinting
from kelly_cli.store.spool import Spool


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path / "spool")
    made.prepare()
    yield made
    made.close()


def record():
    return Record("d1", "confirmation", datetime(2026, 2, 3, tzinfo=UTC), b"{}")


def later(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_an_empty_spool_is_well(spool):
    assert hinting.spool(spool, now=later(0)).counts == {"I-33": 0}


def test_what_waits_for_a_moment_is_well(spool):
    spool.append([record()])
    assert hinting.spool(spool, now=later(10)).ok


def test_what_waits_for_long_is_a_violation(spool):
    spool.append([record()])
    (violation,) = hinting.spool(spool, now=later(100)).violations
    assert (violation.invariant, violation.subject) == ("I-33", "spool")
    assert "1 callbacks wait" in violation.detail


def test_a_damaged_piece_is_a_violation(spool):
    spool.aside.mkdir()
    (spool.aside / "piece").write_bytes(b"x")
    assert not hinting.spool(spool, now=later(0)).ok


def test_books_without_balances_and_statements_hint_at_nothing(books):
    books.take(books.body("QGK12XYZ91", 5, "NOBODY"))
    assert hinting.hints(books.database).warnings == []


def test_a_break_in_the_chain_is_a_warning(books):
    for number, balance in enumerate([100, 200, 350]):
        body = books.body(
            f"QGK12XYZ9{number}",
            100,
            "NOBODY",
            OrgAccountBalance=f"{balance}.00",
            TransTime=f"2026020314300{number}",
        )
        books.take(body)
    result = hinting.hints(books.database)
    assert result.ok
    assert [(each.invariant, each.subject) for each in result.warnings] == [("I-32", "QGK12XYZ92")]
    assert "50.00" in result.warnings[0].detail


def test_a_statement_and_the_books_are_held_against_each_other_both_ways(books):
    books.take(books.body("QGK12XYZ91", 5, "NOBODY"))
    with books.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO statements (id, short_code, file_name, sha256, from_at, to_at, lines, "
            "actor, created_at) VALUES (1, '174379', 'a.csv', 'x', '2026-02-03 00:00:00.000000', "
            "'2026-02-03 23:59:59.000000', 1, 'ann', '2026-02-04 06:00:00.000000')"
        )
        connection.exec_driver_sql(
            "INSERT INTO statement_movements (id, statement_id, short_code, receipt, kind, "
            "amount_cents, occurrence, completed_at) VALUES (1, 1, '174379', 'QGKMISSING', "
            "'payment', 500, 1, '2026-02-03 10:00:00.000000')"
        )
    warned = {each.subject: each.detail for each in hinting.hints(books.database).warnings}
    assert warned.keys() == {"QGK12XYZ91", "QGKMISSING"}
    assert "forgery" in warned["QGK12XYZ91"]
