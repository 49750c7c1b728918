"""P2: killed again and again under load with repeats; nothing that was acknowledged is missing.

A listener of one process is killed and started again. One with children is killed in turns: its
front alone (no child stays, also while the next listener runs), a child alone (every request is
answered 200 all the same, and another child comes by itself), and all of it at once. With
``--postgres URL`` on PostgreSQL as well.
"""

import threading
import time
from collections import deque

from crash_stage import Child, read_in
from harness import SETTLED_S, Books, Client, Counter, Proof, confirmation, options

CLIENTS = 4
REPEATS = 0.3
COMPARED_EVERY, COMPARED_LATER = 20, 100
"""Rounds: to hold the views against each other costs more with each log."""
TURNS = ("front", "child", "all")
AFTER_CHILD_S = 0.3
"""How long the load goes on after a child died, before somebody asks for another one."""
LATE_S = 60


class Senders:
    """Clients that go on from one life of the listener to the next, and remember."""

    def __init__(self, chance, references, file):
        self.chance, self.references, self.file = chance, references, file
        self.sent, self.acked, self.amounts = Counter(), Counter(), {}
        self.statuses, self.last = Counter(), deque(maxlen=200)
        self.number, self.lock = 0, threading.Lock()
        self.first_answer, self.over = threading.Event(), threading.Event()

    def run(self, port):
        """Send until the listener is gone, or it is over."""
        client = Client(port, timeout_s=10)
        while not self.over.is_set():
            body = self._next()
            status = client.post(body)
            with self.lock:
                self.statuses[status] += 1
                if status == 200:
                    self.acked[body] += 1
                    self.file.write(body + b"\n")
            if status is None:
                break
            self.first_answer.set()
        client.close()

    def _next(self):
        with self.lock:
            if self.last and self.chance.random() < REPEATS:
                body = self.chance.choice(self.last)
            else:
                self.number += 1
                receipt, cents = f"P2{self.number:08}", self.chance.randrange(1, 500_000)
                amount = f"{cents // 100}.{cents % 100:02}"
                body = confirmation(receipt, amount, self.chance.choice(self.references))
                self.amounts[receipt] = cents
                self.last.append(body)
            self.sent[body] += 1
            return body


class Lives:
    """One listener after the other, and the ends they come to."""

    def __init__(self, proof, books, senders):
        self.proof, self.books, self.senders = proof, books, senders
        self.listener, self.dead = None, None
        self.slowest_s, self.kills = 0.0, Counter()

    def end_one(self, number):
        """Let one live under load for a moment, and kill it or a part of it."""
        start = time.monotonic()
        senders = self.senders
        listener = self.running()
        senders.first_answer.clear()
        senders.over.clear()
        threads = [
            threading.Thread(target=senders.run, args=(listener.port,)) for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        senders.first_answer.wait(10)
        self.slowest_s = max(self.slowest_s, time.monotonic() - start)
        time.sleep(self.proof.chance.uniform(0.03, 0.35))
        self.kill_in_turn(listener, number)
        for thread in threads:
            thread.join()

    def running(self):
        """Return the one that lives, or another one, started beside what a dead front left."""
        if self.listener is None:
            self.listener = self.books.start().wait()
            left = self.dead.outlived(SETTLED_S) if self.dead else []
            self.proof.require(not left, f"{len(left)} children outlived their front")
        return self.listener

    def kill_in_turn(self, listener, number):
        """Kill the front, a child, or all; a listener of one process is all front."""
        children = listener.children()
        victim = TURNS[number % len(TURNS)] if children else "front"
        self.kills[victim] += 1
        if victim == "child":
            self.kill_child(listener, self.proof.chance.choice(children), number)
            return
        self.listener, self.dead = None, listener
        if victim == "all":
            listener.kill()
        else:
            listener.process.kill()
            listener.process.wait()

    def kill_child(self, listener, child, number):
        """Kill a child: whoever posts does not notice, and another one comes."""
        with self.senders.lock:
            before = self.senders.statuses.copy()
        child.kill()
        time.sleep(AFTER_CHILD_S)
        end = time.monotonic() + SETTLED_S
        while not set(listener.children()) - {child} and time.monotonic() < end:
            time.sleep(0.02)
        born = set(listener.children()) - {child}
        self.senders.over.set()
        told = f"round {number}: no other child {SETTLED_S:.0f} s after one was killed"
        self.proof.require(born, told)
        with self.senders.lock:
            odd = {s: n for s, n in (self.senders.statuses - before).items() if s != 200}
        self.proof.require(not odd, f"round {number}: a child was killed, and answers were {odd}")

    def compare(self):
        """Let what was left be finished, end in order, and hold the views together."""
        listener = self.running()
        self.listener = self.dead = None
        return compare(self.proof, self.books, self.senders, listener)


def compare(proof, books, senders, listener):
    """Wait until a listener has finished what was left, and hold the views together."""
    if books.settle(senders.acked) is None:
        # Late is not lost: what waits in the spool, and in a minute, tells them apart.
        waits = {
            file.name: file.stat().st_size
            for file in books.folder.rglob("*.spool")
            if file.is_file()
        }
        time.sleep(LATE_S)
        lost = sum((senders.acked - books.stored()).values())
        proof.violations.append(
            f"not settled {SETTLED_S:.0f} s after the start; the spool held {waits}; "
            f"{LATE_S} s later {lost} acknowledged bodies were not in the logs"
        )
    counts = proof.compare(books, senders.sent, senders.acked, senders.amounts)
    code = listener.stop()
    proof.require(code == 0, f"it ended with {code}")
    logged = {
        receipt.upper()
        for (receipt,) in books.rows("SELECT trans_id FROM webhook_logs WHERE trans_id IS NOT NULL")
    }
    proof.require(logged == set(counts), "receipts in the logs and payments differ")
    return counts


def hold(proof, given, postgres):
    """Kill so many times on one kind of database; return the figures."""
    with Books(given.bug, postgres, Child) as books:
        invoices = books.make_invoices(5, 2_000_000) + books.make_invoices(5, 10**11)
        with (books.folder / "acknowledged.jsonl").open("ab", buffering=0) as file:
            senders = Senders(proof.chance, [*invoices, "nobody"], file)
            lives = Lives(proof, books, senders)
            for round_ in range(1, given.count + 1):
                lives.end_one(round_)
                last = round_ == given.count or proof.violations
                every = COMPARED_EVERY if round_ <= COMPARED_LATER else COMPARED_LATER
                if round_ % every == 0 or last:
                    counts = lives.compare()
                if proof.violations:
                    break
        money = books.money()
        books.reprocess()
        proof.require(books.money() == money, "reprocess moved money")
        broken = books.check()
        proof.require(not broken, f"check after reprocess: {broken[:3]}")
        odd = {status for status in senders.statuses if status not in {200, 503, None}}
        proof.require(not odd, f"answers {odd}")
        return {
            "kills": round_,
            "killed": lives.kills,
            "answers": {str(status): n for status, n in senders.statuses.items()},
            "acknowledged": sum(senders.acked.values()),
            "payments": len(counts),
            "slowest_start_s": round(lives.slowest_s, 2),
        }


def main():
    given = options(__doc__, short=60, long=1_000)
    proof = Proof("P2", given)
    if not given.bug:
        read_in()
    proof.figures["sqlite"] = hold(proof, given, "")
    if given.postgres and not given.bug and not proof.violations:
        proof.figures["postgresql"] = hold(proof, given, given.postgres)
    proof.done()


if __name__ == "__main__":
    main()
