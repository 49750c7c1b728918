"""What waits in the spool is told with the books, without them, and by whoever may not read it."""

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kelly_cli.core.spooled import Record
from kelly_cli.store.spool import Spool

AT = datetime(2026, 2, 3, 11, 30, tzinfo=UTC)
GONE_SERVER = "postgresql://nobody@127.0.0.1:1/kelly"


def body(receipt):
    told = {"TransID": receipt, "TransTime": "20260203143022", "TransAmount": "10"}
    return json.dumps({**told, "BusinessShortCode": "174379", "BillRefNumber": "x"}).encode()


@pytest.fixture
def spooled(monkeypatch, tmp_path, kelly):
    """Books and a spool in which three callbacks wait; give the spool."""
    assert kelly("customer", "create", "Ann").code == 0
    monkeypatch.setenv("KELLY_WEBHOOK_SPOOL_FOLDER", str(tmp_path / "spools"))
    folder = Path(kelly("report", "daily", "--json").json["spool"]["folder"])
    return fill(folder)


def fill(folder):
    spool = Spool(folder)
    spool.prepare()
    receipts = ("RAA0000001", "RAA0000002", "not one")
    spool.append(
        [Record(f"d{n}", "confirmation", AT, body(each)) for n, each in enumerate(receipts)]
    )
    spool.close()
    return spool


COMMANDS = [("webhook", "list"), ("report", "daily"), ("report", "daily", "--days", "3")]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fate", ["gone", "damaged", "unreachable", "not a database"])
def test_without_the_books_the_error_says_what_waits_and_where(
    kelly, monkeypatch, tmp_path, fate, command
):
    url = GONE_SERVER if fate == "unreachable" else f"sqlite:///{tmp_path}/other.db"
    monkeypatch.setenv("KELLY_DATABASE_URL", url)
    kept = tmp_path / "other.db"
    if fate != "unreachable":
        assert kelly("customer", "create", "Ann").code == 0
    if fate in {"gone", "not a database"}:
        kept.rename(tmp_path / "kept.db")
    if fate == "damaged":
        data = kept.read_bytes()
        kept.write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    if fate == "not a database":
        kept.write_bytes(b"x" * 8192)
    folder = tmp_path / "other.db.spool"
    if fate == "unreachable":
        folder = default_folder()
    fill(folder)
    ran = kelly(*command, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert "3 callbacks wait safely in the spool" in ran.error["hint"]
    assert str(folder) in ran.error["hint"]
    told = kelly(*command)
    assert told.code == 1
    assert "3 callbacks wait safely in the spool" in told.err
    assert "kelly webhook list --spool" in told.err
    listed = kelly("webhook", "list", "--spool", "--json")
    assert listed.code == 0
    assert [each["trans_id"] for each in listed.json] == [None, "RAA0000002", "RAA0000001"]


def default_folder():
    """The spool's folder of the books that are configured."""
    from kelly_cli.office import Flags, Office

    with contextlib.closing(Office(Flags())) as office:
        return office.spool.folder


def test_an_entry_has_the_keys_of_a_log(kelly, spooled):
    listed = kelly("webhook", "list", "--spool", "--limit", "2", "--json").json
    assert listed[1] == {
        "id": None,
        "trans_id": "RAA0000002",
        "kind": "confirmation",
        "source": "http",
        "outcome": "spooled",
        "processed": False,
        "is_duplicate": False,
        "error": None,
        "attempts": 0,
        "created_at": AT.isoformat(),
        "delivery_id": "d1",
        "bytes": len(body("RAA0000002")),
    }
    assert "RAA0000001" in kelly("webhook", "list", "--spool").out
    assert kelly("webhook", "list", "--spool", "--failed", "--json").code == 2


def test_with_the_books_it_is_told_too(kelly, spooled):
    assert kelly("report", "daily", "--json").json["spool"]["waiting"] == 3
    assert "3 callbacks wait in the spool" in kelly("webhook", "list").err
    assert kelly("webhook", "list", "--json").json == []
    ran = kelly("reprocess", "--json")
    assert (ran.json["drained"], ran.json["readable"]) == (3, True)
    assert kelly("webhook", "list", "--spool", "--json").json == []
    assert "The spool is empty" in kelly("webhook", "list", "--spool").err


@contextlib.contextmanager
def as_nobody():
    """Be another user for a while."""
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.postgres
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_another_user_is_told_that_he_cannot_read_the_spool(kelly, spooled, tmp_path):
    # Modules that are loaded need not be read by the other user.
    for command in (("reprocess", "--dry-run"), ("report", "daily"), ("webhook", "list")):
        assert kelly(*command).code == 0
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    (tmp_path / "spools").chmod(0o755)
    with as_nobody():
        ran = kelly("reprocess", "--json")
        report = kelly("report", "daily", "--json")
        listed = kelly("webhook", "list")
    assert ran.code == 3, ran.err
    assert ran.json["readable"] is False
    assert str(spooled.folder) in ran.err
    assert "may not read the spool" in ran.err
    assert report.json["spool"]["readable"] is False
    assert "may not read the spool" in listed.err
    assert kelly("reprocess", "--json").json["drained"] == 3
