"""What all tests share: real books, fresh for each test, on SQLite and on PostgreSQL.

PostgreSQL runs where KELLY_TEST_POSTGRES_URL names a server; each test gets a schema or a database
of its own. Fresh books are copied: making the tables takes much longer.
"""

import contextlib
import functools
import http.client
import importlib.util
import json
import os
import shutil
import signal
import sys
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest

MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 2 * 1024**3:
    # Most of a test's time goes into flushes; the proofs, and nothing here, need a real disk.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# A run that a shell began in the background ignores Ctrl-C, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

POSTGRES_URL = os.environ.get("KELLY_TEST_POSTGRES_URL", "")
DIALECTS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgres),
]
ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)


# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("kelly", deadline=None)
hypothesis.settings.load_profile("kelly")


def pytest_collection_modifyitems(config, items):
    """With KELLY_TEST_SEEDS, try each test of chance with its first seeds only, so many of them."""
    most = int(os.environ.get("KELLY_TEST_SEEDS", "0"))
    seeds, left_out = defaultdict(set), []
    for item in items if most else ():
        params = dict(item.callspec.params) if hasattr(item, "callspec") else {}
        if "seed" in params:
            seed = params.pop("seed")
            known = seeds[item.function, repr(sorted(params.items()))]
            if len(known) < most:
                known.add(seed)
            if seed not in known:
                left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each worker a run of files, and those who are done first what is left of the others'.

    So what is made for a file or a session is made once or twice, and the end is not one worker's.
    """
    if config.getoption("dist") != "load":  # somebody asked for another way
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture(params=DIALECTS)
def database_url(request, tmp_path):
    """The URL of an empty place for books; where ``database`` is asked for, of fresh books."""
    is_made = "database" in request.fixturenames
    if request.param == "sqlite":
        if is_made:
            copy = tmp_path / "books.db"
            copy.touch(0o600)
            shutil.copyfile(request.getfixturevalue("sqlite_books"), copy)
        yield f"sqlite:///{tmp_path}/books.db"
        return
    if not POSTGRES_URL:
        pytest.skip("no PostgreSQL: set KELLY_TEST_POSTGRES_URL")
    if is_made:
        with _postgres_copy(request.getfixturevalue("postgres_books")) as url:
            yield url
        return
    schema = f"t{uuid.uuid4().hex[:16]}"
    _on_postgres(f"CREATE SCHEMA {schema}")
    yield _in_schema(POSTGRES_URL, schema)
    _on_postgres(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(scope="session")
def sqlite_books(tmp_path_factory):
    """A SQLite file of fresh books, made once, for copies."""
    path = tmp_path_factory.mktemp("books") / "books.db"
    _make_books(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_books():
    """A PostgreSQL database with fresh books in a schema, made once, for copies."""
    with _postgres_copy("template0") as url:
        _on_postgres("CREATE SCHEMA books", at=url)
        _make_books(url)
        yield url.partition("?")[0].rpartition("/")[2]


def _make_books(url):
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    made = Database(url)
    open_for_writing(made)
    made.close()


@contextlib.contextmanager
def _postgres_copy(template):
    name = f"t{uuid.uuid4().hex[:16]}"
    _on_postgres(f"CREATE DATABASE {name} TEMPLATE {template}{_as_files()}")
    server, mark, options = POSTGRES_URL.partition("?")
    yield _in_schema(f"{server.rpartition('/')[0]}/{name}{mark}{options}", "books")
    _on_postgres(f"DROP DATABASE {name} WITH (FORCE)")


@functools.cache
def _as_files():
    """Return how to copy a database with a quarter of the work, on a server that can (15)."""
    (version,) = _on_postgres("SELECT current_setting('server_version_num')::int")
    return " STRATEGY FILE_COPY" if version >= 150_000 else ""


def _in_schema(url, schema):
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"


def _on_postgres(statement, at=POSTGRES_URL):
    import psycopg

    plain = at.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        said = connection.execute(statement)
        return said.fetchone() if said.description else None


@pytest.fixture
def database(database_url):
    """Fresh books, open to write."""
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    opened = Database(database_url)
    open_for_writing(opened)
    yield opened
    opened.close()


@pytest.fixture
def inbox(database):
    """The one road's door into the fresh books; our short code is 174379."""
    from kelly_cli.services.inbox import Inbox, OurCode

    return Inbox(database, [OurCode("174379", "paybill", None, "local")], lambda: NOW)


@pytest.fixture
def hand():
    """Who acts in the tests."""
    from kelly_cli.store.audit_rows import Hand

    return Hand("tester", NOW, "a test")


@dataclass
class Ran:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        return json.loads(self.err.strip().splitlines()[-1])["error"]


@pytest.fixture
def clean_environment(monkeypatch, tmp_path):
    """No configuration of the machine reaches the test."""
    for name in list(os.environ):
        if name.startswith(("KELLY_", "MPESA_")) and not name.startswith("KELLY_TEST_"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / ".local/share"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / ".local/state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def program():
    """Start ``kelly WORDS...`` in a process of its own, as tests/warmed.py says."""
    spec = importlib.util.spec_from_file_location("warmed", ROOT / "tests" / "warmed.py")
    warmed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(warmed)
    with contextlib.closing(warmed.Program()) as started:
        yield started


@pytest.fixture(scope="session")
def front_door():
    """The command line in this process; what reads the words of a command is made once.

    It holds nothing of a run, and making it takes longer than most commands do. A process of its
    own makes it anew.
    """
    from kelly_cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "_loaded", functools.cache(main._loaded))
        yield main.main


@pytest.fixture
def kelly(clean_environment, front_door, database_url, monkeypatch, capsys):
    """Run ``kelly ARGUMENTS...`` in this process on books of its own (made at first use)."""

    monkeypatch.setenv("KELLY_DATABASE_URL", database_url)

    def run(*arguments, stdin=None):
        if stdin is not None:
            import io

            raw = stdin if isinstance(stdin, bytes) else stdin.encode()
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        capsys.readouterr()
        code = front_door([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        ran = Ran(code, captured.out, captured.err)
        holds_to_its_keys([str(argument) for argument in arguments], ran)
        return ran

    return run


def holds_to_its_keys(argv, ran):
    """What a command prints under ``--json`` has no key that the command did not name."""
    if not ran.out.startswith("{") or "--json" not in argv:
        return
    known = getattr(named_by(argv), "known", ())
    if known:
        try:
            printed = ran.json
        except ValueError:  # JSON Lines, or one document beside another: other tests look
            return
        assert set(printed) <= set(known), (argv, set(printed) - set(known))


def named_by(argv):
    """Return the command that a command line names, None = none."""
    from kelly_cli.main import COMMANDS, _loaded

    words = [word for word in argv if not word.startswith("-")]
    place = next((at for at, word in enumerate(words) if word in COMMANDS), None)
    if place is None:
        return None
    found = _loaded(words[place])
    for word in words[place + 1 :]:
        inner = getattr(found, "commands", {})
        if word not in inner:
            break
        found = inner[word]
    return found


def confirmation(receipt, amount, reference, **changes):
    """The bytes of a C2B confirmation as a production paybill sends it."""
    body = {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": amount,
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
        "InvoiceNumber": "",
        "OrgAccountBalance": "",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 149",
        "FirstName": "JANE",
    }
    body.update(changes)
    return json.dumps({k: v for k, v in body.items() if v is not ...}).encode()


class Sandbox:
    """The pretend Safaricom at an address, and what tests ask of it."""

    def __init__(self, url):
        self.url = url
        self.token = json.loads(self.ask("GET", OAUTH, headers=BASIC).body)["access_token"]

    def ask(self, method, path, body=None, headers=None):
        with contextlib.closing(http.client.HTTPConnection(self.url[7:], timeout=120)) as asking:
            asking.request(method, path, body, headers or {})
            answer = asking.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return SimpleNamespace(status=answer.status, headers=found, body=answer.read())

    def call(self, path, **members):
        """Ask as a client does; a token is there already."""
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        return self.ask("POST", path, json.dumps(members), headers)

    def _control(self, method, path, **members):
        answer = self.ask(method, f"/sandbox{path}", json.dumps(members) if members else None)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def truth(self):
        """All that was dealt, once nothing is on its way any more."""
        return self._control("GET", "/truth")

    def about(self):
        return self._control("GET", "")

    def registrations(self):
        return self._control("GET", "/registrations")

    def play(self, name, **changes):
        """Play a scenario; ``changes``: table=dict(key=value). Returns when all is delivered."""
        return self._control("POST", "/play", scenario=name, set=changes)

    def pay(self, amount, reference, **more):
        return self._control("POST", "/pay", amount=amount, reference=reference, **more)

    def reverse_in_portal(self, receipt):
        return self._control("POST", "/reverse", receipt=receipt)

    def register(self, listener, *, code="174379", api="v2", response_type="Completed"):
        """Register the URLs of a listener, as ``kelly mpesa register`` would."""
        base = f"http://127.0.0.1:{listener.port}"
        answer = self.call(
            f"/mpesa/c2b/{api}/registerurl",
            ShortCode=code,
            ResponseType=response_type,
            ConfirmationURL=f"{base}/c2b/confirmation",
            ValidationURL=f"{base}/c2b/validation",
        )
        assert answer.status == 200, answer.body
        return answer


OAUTH = "/oauth/v1/generate?grant_type=client_credentials"
BASIC = {"authorization": "Basic a2V5OnNlY3JldA=="}


@pytest.fixture
def start_sandbox():
    """Start a pretend Safaricom in a thread: ``start_sandbox(scenario, one_shot=False)``."""
    from kelly_cli.daraja.sandbox.scenario import load
    from kelly_cli.daraja.sandbox.serving import beside
    from kelly_cli.daraja.sandbox.state import Settings

    with contextlib.ExitStack() as stack:

        def run(scenario="good-day", *, seed=1, **more):
            settings = Settings(lambda: datetime.now(UTC), seed, load(scenario), **more)
            return Sandbox(stack.enter_context(beside(settings)))

        yield run


@pytest.fixture
def sandbox(start_sandbox):
    """A pretend Safaricom on a good day."""
    return start_sandbox()
