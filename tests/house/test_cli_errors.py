"""The gallery of errors: every code, and a command line that causes it.

A story is told in steps, a command line each; ``@name`` arranges something (``ARRANGED``), and
``@pay RECEIPT AMOUNT REFERENCE`` lets a callback come. The last step is refused, all before it
succeed.
"""

import ast
import importlib.util
import io
import json
import shlex
import socket
import sqlite3
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from kelly_cli import errors

INVOICE, SALE = "INV-20240203-0001", "POS-20240203-0001"
VOID_INVOICE = f"invoice void {INVOICE} --reason typo --yes"
LONG = "x" * 201
ASSIGN = "suspense assign QGK12XYZ91 --to"
REVERSED = "payment reverse QGK12XYZ91 --done-in-portal --reason twice --yes"
VOID_SALE = f"pos void {SALE} --reason typo --yes"

STATEMENT = "Receipt No.,Completion Time,Transaction Status,Paid In,Withdrawn\n"


def load(name):
    """Import a file beside this one."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GALLERY = [
    ("usage", "custmer list"),
    ("usage", "customer list --limt 3"),
    ("usage", "customer list --limit 0"),
    ("usage", "customer create"),
    ("usage", "invoice create --customer CUST-001 --amount 0"),
    ("usage", "invoice create --customer CUST-001 --amount=-5"),
    ("usage", "invoice create --customer CUST-001 --amount 5.001"),
    ("usage", "invoice create --customer CUST-001 --amount NaN"),
    ("usage", "invoice create --customer CUST-001 --amount 5 --date 3/2/2026"),
    ("usage", "pos create --item Coke,2"),
    ("usage", "payment list --from 2026-02-03 --to 2026-02-02"),
    ("usage", "webhook ingest --kind sms paid.json"),
    ("usage", "webhook show five"),
    ("usage", "report daily --days 9999999"),
    ("usage", "db backup -"),
    ("config_not_found", "--config missing.toml config list"),
    ("bad_config", "@port; customer list"),
    ("broken_toml", "@broken_toml; customer list"),
    ("broken_dotenv", "@broken_dotenv; customer list"),
    ("secret_in_config", "@secret_toml; customer list"),
    ("bad_logo", f"@billed; @no_logo; invoice document {INVOICE}"),
    ("bad_logo", f"@billed; @broken_logo; invoice document {INVOICE} --pdf i.pdf"),
    ("file_not_writable", f"@billed; invoice document {INVOICE} --html missing/i.html"),
    ("secret_in_config", "config set mpesa.passkey hush"),
    ("unknown_setting", "config set webhook.prot 9000"),
    ("database_not_found", "customer list"),
    ("database_not_found", "db backup copy.db"),
    ("storage", "--db . customer create Ann"),
    ("storage", "customer create Ann; db restore missing.db --yes"),
    ("database_damaged", "@damaged; customer list"),
    ("not_a_kelly_database", "@foreign; customer list"),
    ("not_a_kelly_database", "@foreign; customer create Ann"),
    ("schema_too_old", "customer create Ann; @old; customer list"),
    ("schema_too_new", "customer create Ann; @new; customer create Bob"),
    ("schema_too_new", "customer create Ann; @new; db upgrade"),
    ("customer_exists", "customer create Ann --id A-1; customer create Bob --id a1"),
    ("bad_customer_id", "customer create Ann --id 'A%'"),
    ("bad_customer_id", "customer create Ann --id INV-20260203-0001"),
    ("bad_name", "customer create ' '"),
    ("bad_phone", "customer create Ann --phone 12"),
    ("bad_email", "customer create Ann --email ann"),
    ("refused", "customer create Ann; customer edit CUST-001"),
    ("customer_not_found", "customer create Ann; customer show CUST-002"),
    ("customer_not_found", "customer create Ann; invoice create --customer X --amount 5"),
    ("invoice_not_found", "customer create Ann; invoice show INV-20260203-0001"),
    ("sale_not_found", "customer create Ann; pos show POS-20260203-0001"),
    ("payment_not_found", "customer create Ann; payment show QGK12XYZ91"),
    ("log_not_found", "customer create Ann; webhook show 5"),
    ("log_not_found", "customer create Ann; reprocess 5"),
    ("bad_day", "@ann; invoice create --customer ANN --amount 5 --date 1999-12-31"),
    ("bad_description", f"@ann; invoice create --customer ANN --amount 5 --description {LONG}"),
    ("bad_day", "pos create --item P,Coke,1,5 --date 1999-12-31"),
    ("due_before_issue", "@ann; invoice create --customer ANN --amount 5 --due 2020-01-01"),
    ("confirmation_needed", f"@billed; invoice void {INVOICE} --reason typo"),
    ("confirmation_needed", "customer create Ann; db backup b.db; db restore b.db"),
    ("not_confirmed", f"@billed; @says_no; invoice void {INVOICE} --reason typo"),
    ("already_void", f"@billed; {VOID_INVOICE}; {VOID_INVOICE}"),
    ("already_void", f"@sold; {VOID_SALE}; {VOID_SALE}"),
    ("invoice_of_sale", f"@sold; @pay QGK12XYZ91 5 {SALE}; {VOID_INVOICE}"),
    ("invoice_not_found", f"@lost; {ASSIGN} {INVOICE}"),
    ("sale_not_found", f"@lost; {ASSIGN} {SALE}"),
    ("customer_not_found", f"@lost; {ASSIGN} X"),
    ("not_in_suspense", f"@ann; @pay QGK12XYZ91 5 ANN; {ASSIGN} ANN"),
    ("late_or_double", f"@lost; @sold; @pay QGK12XYZ92 5 {SALE}; {ASSIGN} {SALE}"),
    ("not_failed", "@ann; @pay QGK12XYZ91 5 ANN; webhook dismiss 1 --reason typo --yes"),
    ("file_not_found", "webhook ingest missing.json"),
    ("file_not_found", "webhook ingest ."),
    ("cannot_listen", "webhook serve --host 192.0.2.1"),
    ("open_to_all", "@any_address; webhook serve --host 0.0.0.0"),
    ("test_short_code", "@production; webhook serve"),
    ("quarantined_not_found", "customer create Ann; webhook quarantine show 5"),
    ("quarantined_not_found", "customer create Ann; webhook quarantine release 5 --yes"),
    ("address_in_use", "@busy_port; webhook serve"),
    ("usage", "webhook serve --fd 3 --port 0"),
    ("usage", "webhook service --name '../x'"),
    ("bad_descriptor", "webhook serve --fd 9999"),
    ("cannot_listen", "customer create Ann; webhook serve --uds books.db"),
    ("spool_unusable", "@spool_in_the_way; webhook serve --port 0"),
    ("bad_alert_url", "@bad_alerts; webhook serve --port 0"),
    ("scenario_not_found", "mpesa sandbox --scenario sunny"),
    ("bad_scenario", "@bad_scenario; mpesa sandbox --scenario mine.toml"),
    ("not_loopback", "mpesa sandbox --host 192.0.2.1"),
    ("callback_not_taken", "webhook trigger --ref A --amount 5 --to http://127.0.0.1:1/"),
    ("log_purged", "@lost; @purged; webhook replay 1 --to http://127.0.0.1:1/"),
    ("folder_not_empty", "demo --keep ."),
    ("folder_not_usable", "customer create Ann; demo --keep books.db/demo"),
    ("already_reversed", f"@lost; {REVERSED}; {REVERSED}"),
    ("amount_not_whole", "@ann; @pay QGK12XYZ91 5.50 ANN; mpesa reverse QGK12XYZ91 --reason x"),
    ("bad_receipt", "mpesa status 'QGK 12'"),
    ("bad_phone", "mpesa pull register --nominated-number 12"),
    ("empty_span", "mpesa pull --from 2020-01-02 --to 2020-01-01"),
    ("out_of_reach", "mpesa pull --from 2020-01-01 --to 2020-01-02"),
    ("file_not_writable", "customer create Ann; init books.db/shop"),
    ("unknown_short_code", "mpesa register --short-code 999999"),
    ("not_in_production", "@production; mpesa simulate --amount 5 --bill-ref A"),
    ("bad_reference", "mpesa simulate --amount 5"),
    ("missing_setting", "@production; mpesa token"),
    ("token_folder_unusable", "@tokens_in_the_way; mpesa token"),
    ("code_not_found", "mpesa codes 31415"),
    ("prompt_not_found", "customer create Ann; mpesa prompt query 5"),
    ("nothing_open", f"@billed; {VOID_INVOICE}; mpesa prompt --invoice {INVOICE}"),
    ("more_than_open", f"@billed; mpesa prompt --invoice {INVOICE} --amount 6"),
    ("no_phone", f"@billed; mpesa prompt --invoice {INVOICE}"),
    ("bug", "@nobody_logged_in; customer create Ann"),
]

OFFICE = load("gallery_office")
GALLERY += OFFICE.STORIES

ELSEWHERE = {
    "prompt_not_noted": "needs books that fail between two writes; tests/services/prompts",
    "prompt_open": "needs a Safaricom that answers; tests/services/prompts",
    "clock_disagrees": "needs a Safaricom that lists payments; tests/services/test_pulling.py",
    "clock_unknown": "needs a Safaricom that lists payments; tests/services/test_pulling.py",
    "reversed_elsewhere": "needs a word of Safaricom's; tests/services/test_reviving.py",
    "reversal_pending": "needs a Safaricom that answers; tests/services/test_requesting.py",
    "broken_invariant": "a bug in the rules or in a table of columns; their own tests",
    "database_busy": "needs another program and half a minute; tests/store/test_turnstile.py",
    "database_replaced": "needs a listener at work and somebody who moves its file away",
    "demo_failed": "the demo itself would have to be broken; tests/e2e/test_demo.py",
    "examples_not_found": "a broken installation",
    "file_not_readable": "a superuser may read everything",
    "missing_extra": "needs kelly without its extra; tests/listener/test_channels.py",
    "missing_package": "a broken installation",
    "too_many_rows": "needs a file of 100,000 rows",
    "other_books": "needs a listener at work; tests/e2e/test_standing.py",
    "no_pg_tools": "needs PostgreSQL without its tools; tests/store/test_backups.py",
    "not_supported": "needs Windows",
    "url_refused": "its rules are printed as well; tests/commands/test_mpesa_register.py",
} | OFFICE.ELSEWHERE
"""Codes that no command line can cause here, and why."""

WITHOUT_HINT = {
    "already_void",
    "bad_description",
    "bad_email",
    "bad_name",
    "bad_phone",
    "not_confirmed",
    "usage",
}
"""Codes that have no next step, or whose message may say it already."""


def port(world):
    world.environ("KELLY_WEBHOOK_PORT", "99999")


def spool_in_the_way(world):
    (world.folder / "books.db.spool").touch()


def tokens_in_the_way(world):
    (world.folder / "state").touch()
    world.environ("XDG_STATE_HOME", str(world.folder / "state"))


def bad_alerts(world):
    world.environ("KELLY_ALERTS_URLS", "nowhere://somebody:hush@example.com")


def any_address(world):
    world.environ("KELLY_WEBHOOK_ALLOWED_IPS", "")


def production(world):
    world.environ("KELLY_MPESA_ENVIRONMENT", "production")


def says_no(world):
    world.stdin = Person("no\n")


def busy_port(world):
    taken = world.keep(socket.create_server(("127.0.0.1", 0)))
    world.environ("KELLY_WEBHOOK_PORT", str(taken.getsockname()[1]))


def nobody_logged_in(world):
    def refuse():
        raise RuntimeError("the machine is broken")

    world.patch("getpass.getuser", refuse)


def file(name, text):
    def write(world):
        (world.folder / name).write_text(text, encoding="utf-8")

    return write


def sql(*statements):
    def run(world):
        with closing(sqlite3.connect(world.folder / "books.db")) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return run


ARRANGED = {
    **OFFICE.ARRANGED,
    "ann": "customer create Ann --id ANN",
    "billed": "@ann; invoice create --customer ANN --amount 5 --date 2024-02-03",
    "sold": "pos create --item P,Coke,1,5 --date 2024-02-03",
    "alias": "customer alias add ANN --phone 0722000111",
    "lost": "@ann; @pay QGK12XYZ91 5 nobody",
    "port": port,
    "any_address": any_address,
    "production": production,
    "bad_alerts": bad_alerts,
    "spool_in_the_way": spool_in_the_way,
    "tokens_in_the_way": tokens_in_the_way,
    "says_no": says_no,
    "busy_port": busy_port,
    "nobody_logged_in": nobody_logged_in,
    "broken_toml": file("kelly.toml", "[webhook\n"),
    "no_logo": file("kelly.toml", '[business]\nlogo = "missing.png"\n'),
    "broken_logo": file("kelly.toml", '[business]\nlogo = "kelly.toml"\n'),
    "secret_toml": file("kelly.toml", '[mpesa]\npasskey = "hush"\n'),
    "broken_dotenv": file(".env", 'KELLY_WEBHOOK_PORT="8000\n'),
    "bad_scenario": file("mine.toml", "[payers]\ncount = -1\n"),
    "purged": sql("UPDATE webhook_logs SET purged_at = created_at, original_sha256 = 'x'"),
    "page": file("s.csv", "<html>"),
    "pdf": file("s.csv", "%PDF-1.7"),
    "stranger": file("s.csv", "Date,Amount\n1,2\n"),
    "stores": file("s.csv", "STORE_NAME,RECEIPT_NUMBER,CREDIT_AMOUNT\n"),
    "nameless": file("s.csv", STATEMENT),
    "foreign_code": file("s.csv", f"Short Code:,999999\n{STATEMENT}"),
    "names": file("c.csv", "Name\nBob\n"),
    "imported": "@names; import customers c.csv",
    "damaged": file("books.db", "these are no books" * 100),
    "foreign": sql("CREATE TABLE recipes (cake TEXT)"),
    "old": sql("UPDATE alembic_version SET version_num = '0000'"),
    "new": sql("UPDATE alembic_version SET version_num = '9999'"),
}


class Person(io.StringIO):
    """Somebody at the keyboard who gives the same answer every time."""

    def isatty(self):
        return True

    def readline(self, *_):
        return self.getvalue()


class World:
    """A machine of one person: a folder, an environment, a keyboard."""

    def __init__(self, kelly, folder, monkeypatch, exit_stack):
        self._kelly, self.folder = kelly, folder
        self.environ, self.patch = monkeypatch.setenv, monkeypatch.setattr
        self.keep, self.stdin = exit_stack.enter_context, None

    def tell(self, story, *options):
        """Tell all steps; return how the last one ended."""
        *before, last = (step.strip() for step in story.split(";"))
        for step in before:
            ran = self.step(step)
            assert ran is None or ran.code in {0, 3}, (step, ran)
        return self.step(last, *options)

    def step(self, step, *options):
        words = shlex.split(step)
        if words[0] == "@pay":
            return self._pay(*words[1:])
        if words[0][0] != "@":
            if self.stdin is not None:
                self.patch(sys, "stdin", self.stdin)
            return self._kelly(*words, *options)
        arranged = ARRANGED[words[0][1:]]
        return self.tell(arranged) if isinstance(arranged, str) else arranged(self)

    def _pay(self, receipt, amount, reference):
        body = {
            "TransID": receipt,
            "TransTime": "20240203143022",
            "TransAmount": amount,
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
        }
        (self.folder / "paid.json").write_text(json.dumps(body), encoding="utf-8")
        return self._kelly("webhook", "ingest", "paid.json")


@pytest.fixture
def database_url(tmp_path):
    """Words are refused alike on both databases: one is enough here."""
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def world(kelly, tmp_path, monkeypatch):
    with ExitStack() as stack:
        yield World(kelly, tmp_path, monkeypatch, stack)


@pytest.mark.parametrize(("code", "story"), GALLERY)
def test_every_error_says_what_happened_and_what_to_try(world, code, story):
    refused = world.tell(story, "--json")
    assert (refused.code, refused.out) == (2 if code == "usage" else 1, "")
    line = refused.err[refused.err.index("{") :]
    told = json.loads(line)
    assert {name: list(value) for name, value in told.items()} == {
        "error": ["code", "message", "hint"]
    }
    assert (told["error"]["code"], line.count("\n")) == (code, 1)
    assert told["error"]["message"]
    assert told["error"]["hint"] or code in WITHOUT_HINT

    again = world.step(story.rpartition(";")[2])
    assert (again.code, again.out) == (refused.code, "")
    assert f"Error: {told['error']['message']}\n" in again.err
    assert f"Try: {told['error']['hint']}\n" in again.err or not told["error"]["hint"]
    assert "Traceback" not in refused.err + again.err


def test_a_bug_shows_where_it_is_to_those_who_ask(world):
    world.environ("KELLY_DEBUG", "1")
    ran = world.tell("@nobody_logged_in; customer create Ann")
    assert ran.code == 1
    assert "Traceback" in ran.err
    assert "RuntimeError: the machine is broken" in ran.err


def test_every_code_that_kelly_raises_is_in_the_gallery(modules):
    shown = {code for code, _ in GALLERY}
    raised = set().union(*(codes_of(tree) for tree in modules.values()))
    assert raised - shown - ELSEWHERE.keys() == set(), "tell a story that causes it"
    assert shown & ELSEWHERE.keys() == set(), "it can be caused after all"
    assert ELSEWHERE.keys() - raised == set(), "nothing raises it any more"


def codes_of(tree):
    """The codes of all errors that a module makes, as far as they stand there as constants."""
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        made = getattr(errors, getattr(getattr(node, "func", None), "id", ""), None)
        if made is None:
            continue
        given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        if not given:
            yield made.code
        elif isinstance(given[0], ast.Constant):
            yield given[0].value
        elif isinstance(given[0], ast.Name) and given[0].id in constants:
            yield constants[given[0].id]
