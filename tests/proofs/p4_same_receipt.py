"""P4: eight processes get the same receipt at the same instant; it is one payment, all say 200."""

import os
import threading

from harness import Books, Client, Counter, Proof, confirmation, options

PROCESSES = 8
SPELLINGS = (str.upper, str.lower, lambda receipt: f" {receipt} ", str.capitalize)


def race(proof, name, books, count):
    """Post each receipt through all listeners at once."""
    listeners = [books.start() for _ in range(PROCESSES)]
    if not books.bug:
        listeners[0].wait()
    clients = [Client(listener.wait().port) for listener in listeners]
    receipts = [f"QG{proof.chance.randrange(36**3):05}{n:06}" for n in range(count)]
    barrier, statuses, sent = threading.Barrier(PROCESSES), Counter(), Counter()

    def run(place):
        for number, receipt in enumerate(receipts):
            spelled = SPELLINGS[place % len(SPELLINGS) if number % 4 == 0 else 0](receipt)
            body = confirmation(spelled, "12.34", "C0")
            barrier.wait()
            status = clients[place].post(body)
            with lock:
                statuses[status] += 1
                sent[body] += 1

    lock = threading.Lock()
    threads = [threading.Thread(target=run, args=(place,)) for place in range(PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proof.require(books.settle() is not None, f"{name}: logs are still pending")
    proof.require(statuses == {200: PROCESSES * count}, f"{name}: answers {dict(statuses)}")
    counts = proof.compare(books, sent, sent, dict.fromkeys(receipts, 1234))
    proof.require(len(counts) == count, f"{name}: {len(counts)} payments for {count} receipts")
    duplicates = books.rows("SELECT count(*) FROM webhook_logs WHERE is_duplicate")[0][0]
    right = duplicates == (PROCESSES - 1) * count
    proof.require(right, f"{name}: {duplicates} duplicates for {count} receipts")
    proof.figures[name] = {"posts": sum(statuses.values()), "payments": len(counts)}


def main():
    given = options(__doc__, short=300, long=20_000)
    proof = Proof("P4", given)
    postgres = given.postgres or os.environ.get("KELLY_TEST_POSTGRES_URL", "")
    with Books(given.bug) as books:
        race(proof, "sqlite", books, given.count)
    if postgres and not given.bug:
        with Books(postgres=postgres) as books:
            race(proof, "postgresql", books, given.count)
    proof.done()


if __name__ == "__main__":
    main()
