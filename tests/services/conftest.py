"""Domain notation for the tests of the verbs: a till that takes callbacks, and what it did."""

import json
from datetime import date, timedelta
from itertools import count

import pytest

NOW_WALL = "20260203143022"


@pytest.fixture
def books(database, inbox, hand):
    """Real books with a short way to speak of them."""
    return Books(database, inbox, hand)


@pytest.fixture(scope="session")
def notation():
    """The class of ``books``, for tests that make many."""
    return Books


class Books:
    def __init__(self, database, inbox, hand):
        self.database, self.inbox, self.hand = database, inbox, hand
        self._ids = count(1)

    def customer(self, customer_id="CUST-001", phone=None):
        from kelly_cli.services import customers

        name = f"Name of {customer_id}"
        return customers.create_customer(
            self.database, self.hand, name=name, customer_id=customer_id, phone=phone
        )

    def invoice(self, shillings, customer_id="CUST-001", day=date(2026, 2, 3)):
        """Write an invoice and let the customer's credit pay it; return its public id."""
        from kelly_cli.core import posting
        from kelly_cli.core.books import Books as CoreBooks
        from kelly_cli.store import book_rows

        row = self.balance_row(customer_id)
        with self.database.writing() as connection:
            made = book_rows.add_invoice(
                connection,
                customer=row,
                amount_cents=round(shillings * 100),
                issued_on=day,
                created_at=self.hand.at,
            )
            books = CoreBooks()
            book_rows.load_customers(connection, books, [row])
            posting.use_credit(books, row)
            book_rows.save(connection, books, self.hand.at)
        return made.public_id

    def sale(self, shillings, customer_id=None, day=date(2026, 2, 3)):
        from kelly_cli.core.refs import dated_id, fold
        from kelly_cli.store.numbers import next_number

        row = self.balance_row(customer_id) if customer_id else None
        with self.database.writing() as connection:
            number = next_number(connection, f"POS-{day:%Y%m%d}")
            public_id = dated_id("POS", day, number)
            from sqlalchemy import insert

            from kelly_cli.store.tables import PosItem, PosSale, ReferenceKey

            sale = connection.execute(
                insert(PosSale)
                .values(
                    pos_id=public_id,
                    customer_id=row,
                    total_cents=round(shillings * 100),
                    sold_on=day,
                    number=number,
                    created_at=self.hand.at,
                )
                .returning(PosSale.id)
            ).scalar_one()
            connection.execute(
                insert(PosItem).values(
                    sale_id=sale,
                    line=1,
                    product_id="P",
                    product_name="P",
                    quantity=1,
                    unit_price_cents=round(shillings * 100),
                )
            )
            connection.execute(insert(ReferenceKey).values(key=fold(public_id), sale_id=sale))
        return public_id

    def balance_row(self, customer_id):
        from kelly_cli.services import customers

        return customers.show_customer(self.database, customer_id).row

    def balance(self, customer_id="CUST-001"):
        """What the customer owes, in shillings."""
        from kelly_cli.services import customers

        return customers.show_customer(self.database, customer_id).balance_cents / 100

    def body(self, receipt, amount, reference, **changes):
        fields = {
            "TransactionType": "Pay Bill",
            "TransID": receipt,
            "TransTime": NOW_WALL,
            "TransAmount": amount if isinstance(amount, str) else f"{amount:.2f}",
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
            "MSISDN": "2547 ***** 149",
            "FirstName": "JANE",
        }
        fields.update(changes)
        return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()

    def stk(self, receipt, amount, *, code=0, checkout="ws_CO_1"):
        items = [
            {"Name": "Amount", "Value": amount},
            {"Name": "MpesaReceiptNumber", "Value": receipt},
            {"Name": "Balance"},
            {"Name": "TransactionDate", "Value": int(NOW_WALL)},
            {"Name": "PhoneNumber", "Value": 254708374149},
        ]
        callback = {
            "MerchantRequestID": "1",
            "CheckoutRequestID": checkout,
            "ResultCode": code,
            "ResultDesc": "done" if code == 0 else "Request cancelled by user",
        }
        if code == 0:
            callback["CallbackMetadata"] = {"Item": items}
        return json.dumps({"Body": {"stkCallback": callback}}).encode()

    def take(self, *bodies, kind=None):
        """Take all bodies as one batch; return a word for each."""
        from kelly_cli.services.inbox import Delivery

        deliveries = [Delivery(raw, kind, "file", f"d{next(self._ids)}") for raw in bodies]
        return [word(entry) for entry in self.inbox.take(deliveries)]

    def pay(self, receipt, amount, reference, **changes):
        return self.take(self.body(receipt, amount, reference, **changes))[0]

    def retry(self, *rows):
        return [word(entry) for _, entries in self.inbox.retry(rows) for entry in entries]

    def rows(self, sql):
        with self.database.reading() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def one(self, sql):
        return self.rows(sql)[0]

    def invoice_state(self, public_id):
        return self.one(
            f"SELECT status, amount_paid_cents / 100 FROM invoices WHERE invoice_id = '{public_id}'"
        )

    def log_words(self):
        rows = self.rows("SELECT processed, is_duplicate, error FROM webhook_logs ORDER BY id")
        return [
            "processed"
            if processed
            else ("conflict" if error else "duplicate")
            if duplicate
            else ("failed" if error else "pending")
            for processed, duplicate, error in rows
        ]

    def money(self):
        """(payments, allocated, free) in cents."""
        return tuple(
            int(x or 0)
            for x in self.one(
                "SELECT sum(amount_cents), sum(allocated_cents), "
                "sum(amount_cents - allocated_cents) FROM payments"
            )
        )


def word(entry):
    if entry.processed:
        return "processed"
    if entry.is_duplicate:
        return "conflict" if (entry.error or "").startswith("conflict") else "duplicate"
    return "failed" if entry.error else "pending"


def days(n):
    return date(2026, 2, 3) + timedelta(days=n)


@pytest.fixture
def safaricom():
    """A web server that says what it is told to, and remembers what it was asked."""
    server = Safaricom()
    yield server
    server.close()


class Safaricom:
    """``answers``: path → body, (status, body), a callable of the request, or a list of these."""

    def __init__(self):
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        from threading import Thread

        outer = self
        self.answers, self.asked = {}, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._answer({"access_token": "T" * 28, "expires_in": "3599"})

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                request = json.loads(raw)
                outer.asked.append((self.path, request))
                answer = outer.answers.get(self.path, (404, {"errorMessage": "not told"}))
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                self._answer(answer(request) if callable(answer) else answer)

            def _answer(self, answer):
                status, body = answer if isinstance(answer, tuple) else (200, answer)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def client(self, folder, clock):
        """The client of kelly that talks to this server."""
        from kelly_cli.daraja.client.daraja import Daraja
        from kelly_cli.daraja.client.shapes import Keys, Place

        return Daraja(Place("local", self.url, folder), Keys(), clock)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
