"""P1: killed at each write, flush and send of its work, a listener heals itself; nothing is lost.

    python tests/proofs/p1_crash_points.py            every third point, on SQLite
    python tests/proofs/p1_crash_points.py --long --postgres URL

A small story is posted to a listener under a trace: that gives the points, thread by thread. Then
it is posted once for each point, and strace kills the listener there. (The broken listener has a
thread for each connection: there the first of all threads to get to a point counts.) The listener
starts again, finishes alone within ten seconds, gets the whole story once more (as repeats), and
the books must be those of a story that nobody disturbed. ``webhook ingest`` of the same story is
killed at its points too: run again, it finishes, and nothing is lost or doubled.
"""

import json
import shutil
import time
from pathlib import Path

import p1_ingest
from crash_stage import Child, Killer, Trace, points_of, read_in
from harness import Books, Client, Counter, Proof, confirmation, options

STEP = 3
REPROCESSED_EVERY = 5
CENTS = 50_000


def story(invoices):
    """Return (path, body, expected cents or None) in their order."""
    confirm = "/c2b/confirmation"
    good = confirmation("P1GOOD0001", "100.00", invoices[0])
    return [
        (confirm, good, 10_000),
        (confirm, good, None),
        (confirm, confirmation("P1TWICE002", "1O0", invoices[1]), None),
        (confirm, confirmation("P1TWICE002", "250.50", invoices[1]), 25_050),
        (confirm, confirmation("P1NOBODY03", "33.33", "nobody"), 3_333),
        ("/c2b/validation", confirmation("P1ASKED004", "1.00", invoices[0]), None),
        (confirm, confirmation("P1MORE0005", "900.00", invoices[2]), 90_000),
        (confirm, b'{"TransID": "P1CUT', None),
        (confirm, confirmation("P1REST0006", "400.00", invoices[0]), 40_000),
    ]


def expected(told):
    """Return receipt → cents of a story."""
    return {json.loads(body)["TransID"]: cents for _, body, cents in told if cents is not None}


def threads_of(pid):
    """Return the threads of a process, the first one first."""
    return sorted(int(each.name) for each in Path(f"/proc/{pid}/task").iterdir())


def play(port, told):
    """Post a story; return the bodies sent and those acknowledged."""
    client, sent, acked = Client(port, timeout_s=8), Counter(), Counter()
    for path, body, _ in told:
        if path == "/c2b/confirmation":
            sent[body] += 1
        if client.post(body, path) == 200 and path == "/c2b/confirmation":
            acked[body] += 1
    return sent, acked


class Sweep:
    """All points of one way to run the listener."""

    def __init__(self, proof, bug, postgres):
        self.proof, self.bug, self.postgres = proof, bug, postgres
        self.points = self.missed = self.threads = 0
        self.slowest_s = 0.0

    def run(self, step):
        """Try every ``step``-th call of every thread."""
        for place, points in enumerate(self.found()):
            self.threads += bool(points)
            for point in points[::step]:
                if self.proof.violations:
                    return
                if self.strike(place, point):
                    self.points += 1
                else:
                    self.missed += 1
        told = f"{self.missed} of {self.points + self.missed} points were not met"
        self.proof.require(self.missed <= self.points // 4, told)

    def found(self):
        """Return the points of each thread, in the order in which the threads were started."""
        with Books(self.bug, self.postgres, Child) as books:
            self._prepare(books)
            listener = books.start().wait()
            threads = threads_of(listener.pid)
            trace = Trace(listener.pid, books.folder / "trace")
            play(listener.port, story(self.invoices))
            time.sleep(0.1)
            points = points_of(trace.stop())
        if self.bug:
            return [max(points.values(), key=len)]
        return [points[thread] for thread in threads]

    def strike(self, place, point):
        """Kill at one point, heal, and judge; tell whether the point was met."""
        with Books(self.bug, self.postgres, Child) as books:
            self._prepare(books)
            told = story(self.invoices)
            listener = books.start().wait()
            thread = listener.pid if self.bug else threads_of(listener.pid)[place]
            killer = Killer(thread, point, follow=bool(self.bug))
            sent, acked = play(listener.port, told)
            time.sleep(0.1)
            died = listener.process.poll() is not None
            killer.stop()
            if died:
                self._heal(books, told, sent, acked, f"thread {place}, call {point}")
            return died

    def _prepare(self, books):
        """Give the books their invoices; on SQLite they are made once and copied."""
        if self.postgres or not hasattr(self, "golden"):
            self.invoices = books.make_invoices(3, CENTS)
            if not self.postgres:
                self.golden = {
                    file.name: file.read_bytes()
                    for file in books.folder.glob("books.db*")
                    if file.is_file() and not file.name.endswith("-shm")
                }
        else:
            for name, data in self.golden.items():
                (books.folder / name).write_bytes(data)

    def _heal(self, books, told, sent, acked, where):
        proof = self.proof
        listener = books.start().wait()
        settled_s = books.settle(acked)
        proof.require(settled_s is not None, f"{where}: still pending after 10 s")
        self.slowest_s = max(self.slowest_s, settled_s or 0)
        before = len(proof.violations)
        proof.compare(books, sent, acked, expected(told), check=False)
        again, answered = play(listener.port, told)
        proof.require(again == answered, f"{where}: not every repeat got a 200")
        proof.require(
            books.settle(acked + again) is not None, f"{where}: repeats are still pending"
        )
        counts = proof.compare(books, sent + again, acked + again, expected(told))
        whole = set(counts) == set(expected(told))
        proof.require(whole, f"{where}: payments {sorted(counts)}")
        code = listener.stop()
        proof.require(code == 0, f"{where}: it ended with {code}")
        if self.points % REPROCESSED_EVERY == 0:
            money = books.money()
            books.reprocess()
            proof.require(books.money() == money, f"{where}: reprocess moved money")
            broken = books.check()
            proof.require(not broken, f"{where}: check after reprocess: {broken[:3]}")
        if len(proof.violations) > before:
            proof.violations.append(where)


def main():
    given = options(__doc__, short=STEP, long=1)
    proof = Proof("P1", given)
    if shutil.which("strace") is None:
        proof.require(False, "there is no strace")
        proof.done()
    if not given.bug:
        read_in()
    for postgres in ["", given.postgres] if given.postgres and not given.bug else [""]:
        sweep = Sweep(proof, given.bug, postgres)
        sweep.run(given.count)
        proof.figures["postgresql" if postgres else "sqlite"] = {
            "points": sweep.points,
            "points_missed": sweep.missed,
            "threads": sweep.threads,
            "slowest_healing_s": round(sweep.slowest_s, 2),
        }
    if not given.bug:
        p1_ingest.prove(proof, story, expected, given.count)
    proof.done()


if __name__ == "__main__":
    main()
