"""A listener in the plainest words, and fourteen bugs to plant in it.

Without a bug it keeps every promise that the proofs hold kelly to; with one, the proof that is
there for it must fail (``p0_bite.py``). It shares no code with kelly: a thread for each connection,
a commit for each request, and the oracle of contract section 7 to read with.

    broken_listener.py serve --db FILE [--bug NAME] [--port 0]
    broken_listener.py reprocess|check --db FILE [--bug NAME]
    broken_listener.py invoices --db FILE NUMBER CENTS
"""

import argparse
import contextlib
import json
import os
import signal
import sqlite3
import struct
import sys
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path

import broken_pair
from broken_ledger import Ledger

BUGS = (
    "ack_before_log",
    "ledger_before_log",
    "check_then_insert",
    "case_sensitive_receipt",
    "float_cents",
    "synchronous_normal",
    "spool_not_flushed",
    "sweep_twice",
    "failed_consumes_receipt",
    "validation_credits",
    "leftmost_forwarded_for",
    "truncated_chunked_body",
    "balance_without_lock",
    "reprocess_again",
)
MOST_BYTES = 65536
ACCEPTED = b'{"ResultCode": 0, "ResultDesc": "Accepted"}'


class Spool:
    """What the database could not take: one file for each body, drained once each."""

    def __init__(self, ledger):
        self.ledger, self.folder = ledger, Path(f"{ledger.path}.spool")
        self.folder.mkdir(exist_ok=True)
        self.turn = threading.Lock()

    def keep(self, raw, number=None):
        with self.turn:
            number = number or time.time_ns()
            temporary = self.folder / f"{number}.part"
            with temporary.open("wb") as file:
                file.write(struct.pack(">II", len(raw), zlib.crc32(raw)) + raw)
                file.flush()
                if self.ledger.bug != "spool_not_flushed":
                    os.fsync(file.fileno())
            temporary.rename(self.folder / f"{number}.body")
            folder = os.open(self.folder, os.O_RDONLY)
            if self.ledger.bug != "spool_not_flushed":
                os.fsync(folder)
            os.close(folder)

    def drain(self):
        for file in sorted(self.folder.glob("*.body")):
            raw, number = file.read_bytes(), int(file.stem)
            length, digest = struct.unpack(">II", raw[:8])
            if self.ledger.bug == "pair_drain_forgets":
                file.unlink()
            if len(raw) == length + 8 and zlib.crc32(raw[8:]) == digest:
                with self.ledger.writing(0.2) as db:
                    try:
                        db.execute("INSERT INTO spooled VALUES (?)", (number,))
                        self.ledger.log_in(db, raw[8:])
                    except sqlite3.IntegrityError:
                        pass
            file.unlink(missing_ok=True)


def networks(name, default):
    text = os.environ.get(name)
    return [
        ip_network(each.strip())
        for each in (default if text is None else text).split(",")
        if each.strip()
    ]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", *, close=False):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        self.answer(200 if self.path == "/healthz" else 404)

    def do_POST(self):
        raw = self.read_body()
        if raw is None:
            self.answer(413, close=True)
        elif not self.is_allowed():
            self.answer(403)
        elif self.path == "/c2b/validation":
            if self.server.bug == "validation_credits":
                self.server.ledger.process(self.server.ledger.log(raw))
            self.answer(200, b'{"ResultCode": "0", "ResultDesc": "Accepted"}')
        elif self.path in {"/c2b/confirmation", "/api/webhooks/mpesa"}:
            self.take(raw)
        else:
            self.answer(404)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length", 0))
            return self.rfile.read(length) if length <= MOST_BYTES else None
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        if len(body) <= MOST_BYTES:
            return body
        return body[:MOST_BYTES] if self.server.bug == "truncated_chunked_body" else None

    def is_allowed(self):
        allowed = networks("KELLY_WEBHOOK_ALLOWED_IPS", "127.0.0.0/8, ::1")
        trusted = networks("KELLY_WEBHOOK_TRUSTED_PROXIES", "")
        told = ",".join(self.headers.get_all("X-Forwarded-For", []))
        hops = [hop.strip() for hop in told.split(",")] if told else []
        sender = self.client_address[0]
        if trusted and hops and self.server.bug == "leftmost_forwarded_for":
            sender = hops[0]
        elif trusted:
            while hops and any(ip_address(sender) in each for each in trusted):
                sender = hops.pop()
                try:
                    ip_address(sender)
                except ValueError:
                    return False
        return not allowed or any(ip_address(sender) in each for each in allowed)

    def take(self, raw):
        # What is logged first is booked first.
        with self.server.turn:
            self.take_in_turn(raw)

    def take_in_turn(self, raw):
        ledger, bug = self.server.ledger, self.server.bug
        if bug == "ack_before_log":
            self.answer(200, ACCEPTED)
        try:
            if bug == "ledger_before_log":
                self.book_first(raw)
            else:
                log = ledger.log(raw, busy_s=1.0)
        except sqlite3.OperationalError:
            self.server.spool.keep(raw)
            self.answer(200, ACCEPTED)
            return
        if bug != "ack_before_log":
            self.answer(200, ACCEPTED)
        if bug != "ledger_before_log":
            ledger.process(log)

    def book_first(self, raw):
        ledger = self.server.ledger
        with ledger.writing() as db:
            log = db.execute("SELECT coalesce(max(id), 0) + 1 FROM webhook_logs").fetchone()[0]
            ledger._book(db, log, raw)
        ledger.process(ledger.log(raw))


class Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


def serve(ledger, port):
    # While one connection stays, closing another does not copy the log back (which would flush).
    stays = contextlib.ExitStack()
    stays.enter_context(ledger.open()).execute("SELECT count(*) FROM payments").fetchall()
    server = Server(("127.0.0.1", port), Handler)
    server.ledger, server.bug, server.spool = ledger, ledger.bug, Spool(ledger)
    server.turn = threading.Lock()

    def finish_the_unfinished():
        while True:
            with contextlib.suppress(sqlite3.OperationalError):
                server.spool.drain()
                ledger.sweep()
            time.sleep(0.3)

    threading.Thread(target=finish_the_unfinished, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(
        json.dumps({"event": "ready", "url": f"http://127.0.0.1:{server.server_port}"}), flush=True
    )
    server.serve_forever()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("command", choices=["serve", "child", "reprocess", "check", "invoices"])
    options.add_argument("numbers", type=int, nargs="*")
    options.add_argument("--db", required=True)
    options.add_argument("--bug", choices=(*BUGS, *broken_pair.BUGS))
    options.add_argument("--pair", action="store_true", help="as two processes")
    options.add_argument("--fd", type=int)
    options.add_argument("--port", type=int, default=0)
    given = options.parse_args()
    ledger = Ledger(given.db, given.bug)
    if given.command == "serve":
        (broken_pair.serve if given.pair else serve)(ledger, given.port)
    elif given.command == "child":
        broken_pair.be_child(ledger, given.fd)
    elif given.command == "reprocess":
        ledger.reprocess()
    elif given.command == "invoices":
        number, cents = given.numbers
        with ledger.writing() as db:
            first = db.execute("SELECT count(*) FROM invoices").fetchone()[0]
            rows = [(f"INV-{first + n:06}", cents) for n in range(number)]
            db.executemany("INSERT INTO invoices (invoice_id, amount_cents) VALUES (?, ?)", rows)
        print(json.dumps([name for name, _ in rows]))
    else:
        found = list(ledger.violations())
        print(json.dumps({"ok": not found, "violations": found[:20]}))
        sys.exit(bool(found))


if __name__ == "__main__":
    main()
