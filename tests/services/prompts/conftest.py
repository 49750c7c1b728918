"""A Safaricom over real HTTP that answers as it is told, and a till that prompts through it."""

import json
import threading
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

NOW = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)


class Safaricom:
    """``push`` and ``query`` make a reply (status, members) of a body; None = hang up."""

    def __init__(self):
        self.asked, self.checkout = [], 0
        self.push, self.query = self.accept, lambda _body: self.PENDING
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self._reply((200, {"access_token": "t" * 28, "expires_in": "3599"}))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append((self.path, body))
                self._reply(outer.push(body) if "stkpush/" in self.path else outer.query(body))

            def _reply(self, reply):
                if reply is None:
                    self.close_connection = True
                    return
                raw = json.dumps(reply[1]).encode()
                self.send_response(reply[0])
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    PENDING = (
        500,
        {
            "requestId": "1",
            "errorCode": "500.001.1001",
            "errorMessage": "The transaction is being processed",
        },
    )
    BAD = (400, {"requestId": "1", "errorCode": "400.002.02", "errorMessage": "Bad Request"})

    def accept(self, _body):
        self.checkout += 1
        return 200, {
            "MerchantRequestID": f"m{self.checkout}",
            "CheckoutRequestID": f"ws_CO_{self.checkout}",
            "ResponseCode": "0",
            "ResponseDescription": "Success. Request accepted for processing",
            "CustomerMessage": "Success. Request accepted for processing",
        }

    def state(self, code, words="done"):
        self.query = lambda body: (
            200,
            {
                "ResponseCode": "0",
                "CheckoutRequestID": body["CheckoutRequestID"],
                "ResultCode": code,
                "ResultDesc": words,
            },
        )

    def pushes(self):
        return [body for path, body in self.asked if "stkpush/" in path]


@pytest.fixture
def safaricom():
    server = Safaricom()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def clock():
    class Clock:
        now = NOW

        def __call__(self):
            return self.now

        def sleep(self, seconds):
            self.now += timedelta(seconds=seconds)

    return Clock()


@pytest.fixture
def desk(books, safaricom, clock, tmp_path):
    from kelly_cli.daraja.client.daraja import Daraja
    from kelly_cli.daraja.client.shapes import Keys, Place
    from kelly_cli.services.prompting import Desk

    place = Place("local", safaricom.url, tmp_path / "tokens")
    with Daraja(place, Keys(), clock) as daraja:
        yield Desk(books.database, books.inbox, daraja, clock, "tester")


@pytest.fixture
def till(books):
    """A customer with a phone and an invoice of 100."""
    from kelly_cli.services import invoices

    books.customer(phone="254708374149")
    wanted = invoices.NewInvoice("CUST-001", 10_000, date(2026, 2, 3))
    made = invoices.create_invoice(books.database, books.hand, wanted)
    books.number = made.invoice.invoice_id
    return books


@pytest.fixture
def ask(desk):
    """Send a prompt for an invoice, a sale or an amount."""
    from kelly_cli.services.prompting import Ask, Route, send

    route = Route("174379", "174379", False, "local", "http://127.0.0.1:8000/stk/callback")

    def sent(**values):
        return send(desk, Ask(**values), route)

    return sent


@pytest.fixture
def query(desk):
    """Ask what became of a prompt."""
    from kelly_cli.services import prompt_watching

    return lambda prompt: prompt_watching.query(desk, prompt, business_code="174379")


@pytest.fixture
def again(books):
    """A prompt as the books have it now."""
    from kelly_cli.services import prompt_lookup

    return lambda prompt: prompt_lookup.find_prompt(books.database, str(prompt.id))


@pytest.fixture
def sound(books):
    """The books pass every check."""
    from kelly_cli.services import checking

    def check():
        assert checking.check(books.database, now=NOW + timedelta(minutes=5)).violations == []

    return check
