"""P5: two receipts race for one invoice through two listeners; not a cent is lost or doubled."""

import os
import threading

from harness import Books, Client, Counter, Proof, confirmation, options

CENTS = 100_000
ROUND = 500


def race(proof, name, books, pairs, first):
    """Let A and B of random size pay each invoice at the same instant."""
    invoices = books.make_invoices(pairs, CENTS)
    listeners = [books.start() for _ in range(2)]
    clients = [Client(listener.wait().port) for listener in listeners]
    barrier, lock = threading.Barrier(2), threading.Lock()
    statuses, sent, amounts = Counter(), Counter(), {}
    plan = [[proof.chance.randrange(1, CENTS * 3 // 2) for _ in range(2)] for _ in invoices]

    def run(side):
        for number, invoice in enumerate(invoices):
            cents = plan[number][side]
            receipt = f"R{'AB'[side]}{first + number:08}"
            body = confirmation(receipt, f"{cents // 100}.{cents % 100:02}", invoice)
            barrier.wait()
            status = clients[side].post(body)
            with lock:
                statuses[status] += 1
                sent[body] += 1
                amounts[receipt] = cents

    threads = [threading.Thread(target=run, args=(side,)) for side in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proof.require(books.settle() is not None, f"{name}: logs are still pending")
    for listener in listeners:
        proof.require(listener.stop() is not None, f"{name}: a listener did not stop")
    proof.require(statuses == {200: 2 * pairs}, f"{name}: answers {dict(statuses)}")
    judge(proof, name, books, dict(zip(invoices, plan, strict=True)))
    return sent, amounts


def judge(proof, name, books, plan):
    """Each invoice holds what fits of its two payments, each payment keeps the rest."""
    paid = dict(books.rows("SELECT invoice_id, amount_paid_cents FROM invoices"))
    wrong = [
        (invoice, paid[invoice], cents)
        for invoice, cents in plan.items()
        if paid[invoice] != min(CENTS, sum(cents))
    ]
    proof.require(not wrong, f"{name}: {len(wrong)} invoices hold a wrong sum: {wrong[:3]}")
    held = books.rows(
        "SELECT i.invoice_id, sum(a.amount_cents) FROM allocations a "
        "JOIN invoices i ON i.id = a.invoice_id GROUP BY i.invoice_id"
    )
    off = [(invoice, int(cents)) for invoice, cents in held if paid[invoice] != int(cents)]
    proof.require(not off, f"{name}: {len(off)} invoices and their allocations differ: {off[:3]}")


def run(proof, name, books, pairs):
    """Race in rounds, then hold all of it against the books."""
    sent, amounts = Counter(), {}
    for first in range(0, pairs, ROUND):
        bodies, more = race(proof, name, books, min(ROUND, pairs - first), first)
        sent += bodies
        amounts |= more
    counts = proof.compare(books, sent, sent, amounts)
    proof.require(len(counts) == 2 * pairs, f"{name}: {len(counts)} payments for {pairs} pairs")
    free = books.rows("SELECT sum(amount_cents - allocated_cents) FROM payments")[0][0]
    proof.figures[name] = {"pairs": pairs, "payments": len(counts), "credit_cents": int(free)}


def main():
    given = options(__doc__, short=500, long=50_000)
    proof = Proof("P5", given)
    postgres = given.postgres or (os.environ.get("KELLY_TEST_POSTGRES_URL", "") * given.long)
    with Books(given.bug) as books:
        run(proof, "sqlite", books, given.count)
    if postgres and not given.bug:
        with Books(postgres=postgres) as books:
            run(proof, "postgresql", books, given.count)
    proof.done()


if __name__ == "__main__":
    main()
