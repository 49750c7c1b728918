"""P9: a full, broken or read-only disk at a write: no false 200, and it heals without a restart.

Needs strace. A fault is one of ENOSPC, EIO and EROFS, given to the writes and flushes of files by
any process of the listener, from the n-th on that a thread makes: each once (the spool keeps what
the database cannot) or all of them for a while (nothing can, and the answer is 503). Within 5 s of
its end callbacks are kept again.

On PostgreSQL (a server of this proof's own, where its programs are installed) the faults of the
database's disk are the server's: it ends as in a crash, which is P8. The listener's own disk holds
the spool; so there the server is away while the disk fails.
"""

import shutil
import signal
import subprocess
import sys
import time

import crash_postgres
from family import attached_to, wait_until_held
from harness import Books, Client, Counter, Proof, confirmation, options
from p8_database_away import Cluster

ERRORS = ("ENOSPC", "EIO", "EROFS")
CALLS = "pwrite64,fdatasync,fsync,ftruncate,fallocate"
LAST_WRITE = 50
WINDOW_POSTS = 12
MOST_ANSWER_S = 5.0
MOST_HEAL_S = 5.0
MOST_DRAIN_S = 10.0
WINDOW_AWAY_POSTS = 4


class Fault:
    """strace, attached to all processes of a listener for the block, and to those born in it."""

    def __init__(self, family, trace, error, when):
        self.family, self.trace = family, trace
        self.command = [
            *("strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={CALLS}"),
            *("-e", f"inject={CALLS}:error={error}:when={when}", *attached_to(family)),
        ]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE)
        wait_until_held([thread for each in self.family for thread in each.threads()])
        time.sleep(0.1)
        return self

    def injected(self):
        """Return how many calls failed by this fault."""
        return self.trace.read_text().count("(INJECTED)")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()


class Client9:
    """One client that remembers."""

    def __init__(self, port):
        self.client, self.number = Client(port), 0
        self.sent, self.acked, self.statuses = Counter(), Counter(), Counter()
        self.amounts, self.longest_s = {}, 0.0

    def post(self):
        self.number += 1
        receipt = f"QL{self.number:08}"
        body = confirmation(receipt, "12.34", "C0")
        began_s = time.monotonic()
        status = self.client.post(body)
        self.longest_s = max(self.longest_s, time.monotonic() - began_s)
        self.sent[body] += 1
        self.amounts[receipt] = 1234
        self.statuses[status] += 1
        self.acked[body] += status == 200
        return status


def one(proof, books, client, listener, error, when):
    """One fault, and the healing after it."""
    with Fault(listener.members(), books.folder / "trace", error, when) as fault:
        for _ in range(WINDOW_POSTS):
            client.post()
    over_s = time.monotonic()
    while client.post() != 200 and time.monotonic() - over_s < MOST_HEAL_S:
        time.sleep(0.1)
    while +(client.acked - books.stored()) and time.monotonic() - over_s < MOST_HEAL_S:
        time.sleep(0.05)
    healed_s = time.monotonic() - over_s
    what = f"{error} when={when}"
    proof.require(healed_s < MOST_HEAL_S, f"{what}: not healed after {healed_s:.1f} s")
    proof.require(listener.process.poll() is None, f"{what}: the listener ended")
    return healed_s, fault.injected()


def sweep(proof, name, books, places, away=None):
    """Try every fault at every place; ``away`` is around each of them."""
    done = []
    home = str(books.folder / "data")
    listener = books.start(XDG_DATA_HOME=home).wait()
    client = Client9(listener.port)
    client.post()
    for error in ERRORS:
        for place in places:
            for when in (str(place), f"{place}+"):
                if away is None:
                    done.append(one(proof, books, client, listener, error, when))
                else:
                    done.append(one_away(proof, books, client, listener, error, when, away))
    proof.require(books.settle() is not None, f"{name}: logs are still pending")
    strange = set(client.statuses) - {200, 503}
    proof.require(not strange, f"{name}: answers {dict(client.statuses)}")
    slow = client.longest_s < MOST_ANSWER_S
    proof.require(slow, f"{name}: an answer took {client.longest_s:.1f} s")
    false_200 = sum((+client.acked - books.stored()).values())
    proof.compare(books, client.sent, +client.acked, client.amounts)
    doubled = "SELECT count(*) - count(DISTINCT delivery_id) FROM webhook_logs"
    proof.require(books.rows(doubled)[0][0] == 0, f"{name}: a delivery is logged twice")
    proof.require(listener.stop() == 0, f"{name}: the listener did not end with 0")
    proof.figures[name] = {
        "faults": len(done),
        "faults_that_hit": sum(1 for _, hits in done if hits),
        "calls_failed": sum(hits for _, hits in done),
        "posts": sum(client.statuses.values()),
        "answers": {str(status): n for status, n in client.statuses.items()},
        "false_200": false_200,
        "longest_answer_s": round(client.longest_s, 2),
        "longest_heal_s": round(max(seconds for seconds, _ in done), 2),
    }


def one_away(proof, books, client, listener, error, when, cluster):
    """One fault of the spool's disk while the server is away, and the healing after both."""
    cluster.control("stop", "-m", "immediate")
    with Fault(listener.members(), books.folder / "trace", error, when) as fault:
        for _ in range(WINDOW_AWAY_POSTS):
            client.post()
    what = f"{error} when={when}, server away"
    kept = any(client.post() == 200 for _ in range(10))
    proof.require(kept, f"{what}: nothing is kept after the fault")
    cluster.control("start")
    back_s = time.monotonic()
    while +(client.acked - books.stored()) and time.monotonic() - back_s < MOST_DRAIN_S:
        time.sleep(0.05)
    healed_s = time.monotonic() - back_s
    proof.require(healed_s < MOST_DRAIN_S, f"{what}: not healed after {healed_s:.1f} s")
    proof.require(listener.process.poll() is None, f"{what}: the listener ended")
    return healed_s, fault.injected()


def main():
    given = options(__doc__, short=4, long=LAST_WRITE)
    proof = Proof("P9", given)
    if shutil.which("strace") is None:
        sys.exit("P9 needs strace")
    places = sorted({1 + n * LAST_WRITE // given.count for n in range(given.count)})
    with Books(given.bug) as books:
        sweep(proof, "sqlite", books, places)
    if not crash_postgres.is_installed():
        proof.figures["postgresql"] = "not installed"
    elif not given.bug:
        # A spool makes few calls for a callback: the first ones are the places.
        with Cluster() as cluster, Books(postgres=cluster.url) as books:
            first = range(1, 1 + max(1, given.count // 4))
            sweep(proof, "postgresql", books, first, cluster)
    proof.done()


if __name__ == "__main__":
    main()
