"""Every mpesa command with real-looking secrets: they turn up in nothing printed, logged or kept.

All that goes over the wire passes a recorder, so that secrets made on the way (access tokens, the
prompt's Password, the SecurityCredential) are searched for as well.
"""

import base64
import contextlib
import html
import http.client
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

SECRETS = {
    "MPESA_CONSUMER_KEY": "CANARY/key+1",
    "MPESA_CONSUMER_SECRET": "CANARY&secret/2",
    "MPESA_PASSKEY": "CANARYpasskey3",
    "MPESA_INITIATOR_PASSWORD": "CANARY#pass%word4",
    "KELLY_WEBHOOK_TOKEN": "canarypathtoken5canarypathtoken5",
}
MADE_ON_THE_WAY = {"access_token", "Password", "SecurityCredential", "Authorization"}
QUIET = {"mpesa sandbox"}
"""It runs until it is stopped, and has tests of its own in test_sandbox_command."""


class Recorder:
    """Passes everything on to the sandbox, and remembers what must stay secret of it."""

    def __init__(self, target):
        self.secrets, self.kinds, self.host = set(), set(), target.removeprefix("http://")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.pass_on(self, b"")

            def do_POST(self):
                outer.pass_on(self, self.rfile.read(int(self.headers["content-length"])))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def pass_on(self, asked, body):
        headers = {
            name: asked.headers[name]
            for name in ("authorization", "content-type")
            if name in asked.headers
        }
        self.note("Authorization", headers.get("authorization", " ").partition(" ")[2])
        self.look_into(body)
        with contextlib.closing(http.client.HTTPConnection(self.host, timeout=30)) as onward:
            onward.request(asked.command, asked.path, body or None, headers)
            answer = onward.getresponse()
            raw = answer.read()
        self.look_into(raw)
        asked.send_response(answer.status)
        asked.send_header("content-type", answer.headers.get("content-type", "text/plain"))
        asked.send_header("content-length", str(len(raw)))
        asked.end_headers()
        asked.wfile.write(raw)

    def look_into(self, body):
        with contextlib.suppress(ValueError):
            for name, value in dict(json.loads(body)).items():
                self.note(name, value)

    def note(self, name, value):
        if name in MADE_ON_THE_WAY and value:
            self.kinds.add(name)
            self.secrets.add(value)


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def certificate(tmp_path):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + timedelta(days=999))
    path = tmp_path / "sandbox.cer"
    path.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def town(kelly, serve, start_sandbox, certificate, monkeypatch):
    """A listener and a recorded sandbox in the environment ``sandbox``, and commands with keys."""
    sandbox, settings = start_sandbox(), {"KELLY_MPESA_ENVIRONMENT": "sandbox", **SECRETS}
    recorder = Recorder(sandbox.url)
    settings["KELLY_MPESA_BASE_URL"] = recorder.url
    settings["KELLY_MPESA_CERTIFICATE"] = str(certificate)
    settings["MPESA_INITIATOR_NAME"] = "operator"
    listener = serve(env=settings)
    settings["KELLY_WEBHOOK_PUBLIC_URL"] = f"http://127.0.0.1:{listener.port}"
    settings["KELLY_WEBHOOK_PORT"] = str(listener.port)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    yield Town(kelly, sandbox, listener, recorder)
    recorder.server.shutdown()
    recorder.server.server_close()


class Town:
    def __init__(self, kelly, sandbox, listener, recorder):
        self.kelly, self.sandbox, self.listener, self.recorder = kelly, sandbox, listener, recorder
        self.printed, self.codes = [], {}

    def run(self, *words):
        for more in ((), ("--json",)):
            ran = self.kelly(*words, *more)
            self.printed += [ran.out, ran.err]
            self.codes.setdefault(" ".join(words[:3]), []).append(ran.code)

    def run_all(self, receipt):
        """Run every mpesa command, and those beside it that know the keys."""
        wait = ("--wait", "--timeout", "10")
        twice = ("--reason", "paid twice", "--yes")
        prompt = ("--amount", "50", "--phone", "0708374149", "--ref", "CUST-001", "--again")
        for words in (
            ("mpesa", "token"),
            ("mpesa", "register", "--dry-run"),
            ("mpesa", "register", "--yes"),
            ("mpesa", "urls"),
            ("mpesa", "urls", "list"),
            ("mpesa", "urls", "check", self.confirmation_url),
            ("mpesa", "simulate", "--amount", "10", "--bill-ref", "CUST-001"),
            ("mpesa", "prompt", *prompt, *wait),
            ("mpesa", "prompt", "query", "1"),
            ("mpesa", "prompt", "list"),
            ("mpesa", "status", receipt, *wait),
            ("mpesa", "balance", *wait),
            ("mpesa", "reverse", receipt, *twice, *wait),
            ("mpesa", "requests"),
            ("mpesa", "pull", "register", "--nominated-number", "0712345678", "--yes"),
            ("mpesa", "pull"),
            ("mpesa", "qr", "--invoice", self.invoice, "-o", "pay.png", "--yes"),
            ("mpesa", "codes", "1032"),
            ("doctor", "--online"),
            ("config", "list"),
            ("webhook", "list"),
            ("webhook", "trigger", "--ref", "CUST-001", "--amount", "5"),
        ):
            self.run(*words)

    @property
    def confirmation_url(self):
        token = SECRETS["KELLY_WEBHOOK_TOKEN"]
        return f"http://127.0.0.1:{self.listener.port}/hooks/{token}/c2b/confirmation"


def spellings(secret):
    """Each way in which a secret may turn up."""
    escaped = json.dumps(secret)[1:-1]
    return {
        secret,
        escaped,
        quote(secret),
        quote(secret, safe=""),
        html.escape(secret),
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }


def kept_files(folder):
    """All that stands on disk after it, but for the one place where tokens may lie."""
    for path in Path(folder).rglob("*"):
        if path.is_file() and path.parent.name != "tokens":
            yield path.name, path.read_bytes()


def test_trap_34_no_secret_is_printed_logged_or_stored(town, commands_of_mpesa, tmp_path):
    town.kelly("customer", "create", "Jane", "--id", "CUST-001", "--phone", "0708374149")
    bill = town.kelly("invoice", "create", "--customer", "CUST-001", "--amount", "500", "--json")
    town.invoice = bill.json["invoice_id"]
    town.run("mpesa", "register", "--yes")
    receipt = town.sandbox.pay(50, "CUST-001")["receipt"]

    town.run_all(receipt)
    good = {words for words, codes in town.codes.items() if 0 in codes}
    for says in ("waf", "token"):
        answer = {"path": "/mpesa", "times": 500, "says": says}
        town.sandbox.play("good-day", payers={"count": 0}, answers=[answer])
        town.run("mpesa", "register", "--yes")
        town.run("mpesa", "balance")
        town.run("mpesa", "pull")
        town.run("mpesa", "prompt", "--amount", "7", "--phone", "0708374149", "--ref", "X")
    town.listener.stop()

    worked = {each for each in commands_of_mpesa if any(w.startswith(each) for w in good)}
    assert worked == commands_of_mpesa - QUIET, town.printed
    assert town.recorder.kinds == MADE_ON_THE_WAY
    searched = [("printed", "\n".join(town.printed)), ("logged", town.listener.out)]
    searched += [("logged", town.listener.err)]
    searched += [(name, raw.decode("latin-1")) for name, raw in kept_files(tmp_path)]
    assert {"books.db", "pay.png"} <= {name for name, _ in searched}
    for secret in {*SECRETS.values(), *town.recorder.secrets}:
        for spelling in spellings(secret):
            assert [where for where, text in searched if spelling in text] == [], secret


@pytest.fixture
def commands_of_mpesa():
    """The words of every mpesa command, hidden names left out."""
    from kelly_cli.main import _loaded

    found = set()

    def walk(words, command):
        inner = getattr(command, "commands", None)
        if inner is None or command.invoke_without_command:
            found.add(words)
        for name, each in (inner or {}).items():
            if not each.hidden:
                walk(f"{words} {name}", each)

    walk("mpesa", _loaded("mpesa"))
    return found
