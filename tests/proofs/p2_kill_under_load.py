"""P2: killed again and again under load with repeats; nothing that was acknowledged is missing."""

import threading
import time
from collections import deque

from crash_stage import Child, read_in
from harness import Books, Client, Counter, Proof, confirmation, options

CLIENTS = 4
REPEATS = 0.3
COMPARED_EVERY = 20


class Senders:
    """Clients that go on from one life of the listener to the next, and remember."""

    def __init__(self, chance, references, file):
        self.chance, self.references, self.file = chance, references, file
        self.sent, self.acked, self.amounts = Counter(), Counter(), {}
        self.statuses, self.last = Counter(), deque(maxlen=200)
        self.number, self.lock = 0, threading.Lock()
        self.first_answer = threading.Event()

    def run(self, port):
        """Send until the listener is gone."""
        client = Client(port, timeout_s=10)
        while True:
            body = self._next()
            status = client.post(body)
            with self.lock:
                self.statuses[status] += 1
                if status == 200:
                    self.acked[body] += 1
                    self.file.write(body + b"\n")
            if status is None:
                return
            self.first_answer.set()

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


def life(books, senders, chance):
    """One life of a listener; return the seconds until it took the first callback."""
    start = time.monotonic()
    listener = books.start().wait()
    senders.first_answer.clear()
    threads = [threading.Thread(target=senders.run, args=(listener.port,)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    senders.first_answer.wait(10)
    ready_s = time.monotonic() - start
    time.sleep(chance.uniform(0.03, 0.35))
    listener.kill()
    for thread in threads:
        thread.join()
    return ready_s


def compare(proof, books, senders):
    """Start once more, let it finish what was left, and hold the views together."""
    listener = books.start().wait()
    proof.require(
        books.settle(senders.acked) is not None, "logs are still pending 10 s after the start"
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


def main():
    given = options(__doc__, short=60, long=1_000)
    proof = Proof("P2", given)
    postgres = given.postgres if not given.bug else ""
    if not given.bug:
        read_in()
    with Books(given.bug, postgres, Child) as books:
        invoices = books.make_invoices(5, 2_000_000) + books.make_invoices(5, 10**11)
        with (books.folder / "acknowledged.jsonl").open("ab", buffering=0) as file:
            senders = Senders(proof.chance, [*invoices, "nobody"], file)
            slowest_s = 0.0
            for round_ in range(1, given.count + 1):
                slowest_s = max(slowest_s, life(books, senders, proof.chance))
                if round_ % COMPARED_EVERY == 0 or round_ == given.count:
                    counts = compare(proof, books, senders)
                if proof.violations:
                    break
        money = books.money()
        books.reprocess()
        proof.require(books.money() == money, "reprocess moved money")
        broken = books.check()
        proof.require(not broken, f"check after reprocess: {broken[:3]}")
        odd = {status for status in senders.statuses if status not in {200, 503, None}}
        proof.require(not odd, f"answers {odd}")
        proof.figures |= {
            "kills": round_,
            "answers": {str(status): n for status, n in senders.statuses.items()},
            "acknowledged": sum(senders.acked.values()),
            "payments": len(counts),
            "slowest_start_s": round(slowest_s, 2),
            "database": "postgresql" if postgres else "sqlite",
        }
    proof.done()


if __name__ == "__main__":
    main()
