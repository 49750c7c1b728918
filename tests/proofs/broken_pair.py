"""The broken listener as two processes: a front that speaks HTTP, and a child that keeps the books.

The child is a fresh interpreter at the other end of a socket pair. It hears neither SIGINT nor
SIGTERM and ends when the socket closes. When it dies, the front puts what was in flight into the
spool, answers 200 by that, and starts another one. With a bug, the proof that is there for it must
fail; so what a proof does with several processes is tried out on this one.

    broken_listener.py serve --pair --db FILE [--bug NAME]
"""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

BUGS = (
    "pair_ack_before_child",
    "pair_loses_in_flight",
    "pair_keeps_in_flight_twice",
    "pair_no_second_child",
    "pair_child_outlives_front",
    "pair_front_does_not_wait",
    "pair_drain_forgets",
)
AGAIN_S = 0.2
OUTLIVES_S = 30
KEPT, BUSY = b"1", b"0"
HEAD = struct.Struct(">IQ")
"""A body's length and its number, by which the spool and the child keep it once."""


class Child:
    """The child as the front sees it; one body at a time."""

    def __init__(self, ledger):
        self.ledger, self.socket, self.process = ledger, None, None
        self.start()
        threading.Thread(target=self.watch, daemon=True).start()

    def start(self):
        ours, theirs = socket.socketpair()
        bug = ["--bug", self.ledger.bug] if self.ledger.bug else []
        python = os.environ.get("PROOF_CHILD_PYTHON", sys.executable)
        program = [python, str(Path(__file__).with_name("broken_listener.py")), "child"]
        self.process = subprocess.Popen(
            [*program, "--db", str(self.ledger.path), "--fd", str(theirs.fileno()), *bug],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.socket = ours

    def watch(self):
        while True:
            self.process.wait()
            if self.ledger.bug == "pair_no_second_child":
                return
            time.sleep(AGAIN_S)
            self.start()

    def keep(self, raw, number):
        """Hand a body over; tell whether the child kept it."""
        with contextlib.suppress(OSError):
            child = self.socket
            child.sendall(HEAD.pack(len(raw), number) + raw)
            return child.recv(1) == KEPT
        return False

    def end(self):
        self.socket.close()
        self.process.wait()


def serve(ledger, port):
    """Be the front."""
    from broken_listener import ACCEPTED, Handler, Server, Spool

    class PairHandler(Handler):
        def take_in_turn(self, raw):
            if ledger.bug == "pair_ack_before_child":
                self.answer(200, ACCEPTED)
            number = time.time_ns()
            kept = self.server.child.keep(raw, number)
            if not kept and ledger.bug != "pair_loses_in_flight":
                self.server.spool.keep(raw, number)
            if ledger.bug != "pair_ack_before_child":
                self.answer(200, ACCEPTED)

    server = Server(("127.0.0.1", port), PairHandler)
    server.ledger, server.bug, server.spool = ledger, ledger.bug, Spool(ledger)
    server.turn, server.child = threading.Lock(), Child(ledger)

    def end():
        server.shutdown()
        if ledger.bug != "pair_front_does_not_wait":
            # Whoever has his turn is answered, and nobody gets one any more.
            server.turn.acquire()
            server.child.end()
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=end).start())
    print(
        json.dumps({"event": "ready", "url": f"http://127.0.0.1:{server.server_port}"}), flush=True
    )
    server.serve_forever()
    threading.Event().wait()


def be_child(ledger, descriptor):
    """Keep the books until the front is gone."""
    from broken_listener import Spool

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    spool = Spool(ledger)
    # While one connection stays, closing another does not copy the log back (which would flush).
    stays = contextlib.ExitStack()
    stays.enter_context(ledger.open()).execute("SELECT count(*) FROM payments").fetchall()

    def finish_the_unfinished():
        while True:
            with contextlib.suppress(sqlite3.OperationalError):
                spool.drain()
                ledger.sweep()
            time.sleep(0.3)

    with contextlib.suppress(sqlite3.OperationalError):
        spool.drain()
    threading.Thread(target=finish_the_unfinished, daemon=True).start()
    # A front that died reads no answer.
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as front:
        while head := front.recv(HEAD.size, socket.MSG_WAITALL):
            size, number = HEAD.unpack(head)
            raw = front.recv(size, socket.MSG_WAITALL)
            try:
                with ledger.writing(1.0) as db:
                    if ledger.bug != "pair_keeps_in_flight_twice":
                        db.execute("INSERT INTO spooled VALUES (?)", (number,))
                    log = ledger.log_in(db, raw)
            except sqlite3.OperationalError:
                front.sendall(BUSY)
                continue
            front.sendall(KEPT)
            ledger.process(log)
    if ledger.bug == "pair_child_outlives_front":
        time.sleep(OUTLIVES_S)
