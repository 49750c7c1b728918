"""P1: killed at each write, flush and send of its work, a listener heals itself; nothing is lost.

    python tests/proofs/p1_crash_points.py            every third point, on SQLite
    python tests/proofs/p1_crash_points.py --long --postgres URL

A small story is posted to a listener under a trace: that gives the points, thread by thread of each
of its processes. Then it is posted once for each point, and strace kills that process there. (The
broken listener has a thread for each connection: there the first of all threads of a process to get
to a point counts.) When the front died, the listener starts again, and no child of the dead one
stays. When a child died, everything is answered 200 all the same, and another child comes by
itself. Either way it finishes alone within ten seconds, gets the whole story once more (as
repeats), and the books must be those of a story that nobody disturbed. ``webhook ingest`` of the
same story is killed at its points too: run again, it finishes, and nothing is lost or doubled.
"""

import json
import shutil
import time

import p1_ingest
from crash_stage import Child, Killer, Trace, points_of, read_in
from family import find_crew, wait_until_gone
from harness import SETTLED_S, Books, Client, Counter, Proof, confirmation, options

STEP = 3
REPROCESSED_EVERY = 5
CENTS = 50_000
TRIES = 4
SPOOLED = ".spool>"
"""In the line of a call on a spool's file."""


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


def play(port, told):
    """Post a story; return the bodies sent, those acknowledged, and what else was answered."""
    client, sent, acked, other = Client(port, timeout_s=8), Counter(), Counter(), []
    for path, body, _ in told:
        status = client.post(body, path)
        if path != "/c2b/confirmation":
            continue
        sent[body] += 1
        if status == 200:
            acked[body] += 1
        else:
            other.append(status)
    return sent, acked, other


class Sweep:
    """All points of one way to run the listener."""

    def __init__(self, proof, bug, postgres):
        self.proof, self.bug, self.postgres = proof, bug, postgres
        self.points = self.threads = 0
        self.struck, self.missed = [], []
        self.slowest_s = 0.0

    def run(self, step, only):
        """Try every ``step``-th call of every thread, of all processes or of ``only`` one."""
        with Books(self.bug, self.postgres, Child) as books:
            self._prepare(books)
            self.as_many = [len(threads) for threads in find_crew(books.start().wait())]
        for role, places in enumerate(self.found()):
            if only not in {None, role}:
                continue
            met = self.points
            for place, points in enumerate(places):
                self.threads += bool(points)
                for point in points[::step]:
                    if self.proof.violations:
                        return
                    if self.strike(role, place, point):
                        self.points += 1
                    else:
                        self.missed.append([role, place, *point])
            self.struck.append(self.points - met)
        missed = len(self.missed)
        told = f"{missed} of {self.points + missed} points were not met: {self.missed[:10]}"
        self.proof.require(missed <= self.points // 4, told)

    def found(self):
        """Return for each process the points of its threads, the oldest first.

        On a busy machine the database may be late, and the spool take a part of the story: that is
        not what the others will do.
        """
        for _ in range(TRIES):
            lines, crew = self.traced()
            if not any(SPOOLED in line for line in lines):
                break
        points = points_of(lines)
        known = [[points.pop(thread, []) for thread in threads] for threads in crew]
        if self.bug:
            # Threads that were born for the story belong to the front.
            known = [[max(each, key=len)] for each in ([*known[0], *points.values()], *known[1:])]
        return known

    def traced(self):
        """Play the story under a trace; return its lines, and the threads of each process."""
        with Books(self.bug, self.postgres, Child) as books:
            self._prepare(books)
            # Held as early as it will be held at each point.
            listener = books.start().wait()
            crew = find_crew(listener, self.as_many)
            trace = Trace([member.pid for member in listener.members()], books.folder / "trace")
            play(listener.port, story(self.invoices))
            time.sleep(0.1)
            return trace.stop(), crew

    def strike(self, role, place, point):
        """Kill a process at one point, heal, and judge; tell whether the point was met."""
        with Books(self.bug, self.postgres, Child) as books:
            self._prepare(books)
            told = story(self.invoices)
            listener = books.start().wait()
            crew = find_crew(listener, self.as_many)
            if len(crew) <= role or len(crew[role]) <= place:
                return False
            victim = listener.members()[role]
            killer = Killer(crew[role][0 if self.bug else place], point, follow=bool(self.bug))
            played = play(listener.port, told)
            time.sleep(0.1)
            died = not victim.is_alive
            killer.stop()
            if died:
                where = f"process {role}, thread {place}, call {point}"
                if role == 0:
                    listener = self._restart(books, listener, where)
                else:
                    self._reborn(listener, victim, played, where)
                self._heal(books, listener, told, played, where)
            return died

    def _restart(self, books, dead, where):
        """Start another listener beside what the dead one left; none of that may stay."""
        listener = books.start().wait()
        left = dead.outlived(SETTLED_S)
        self.proof.require(not left, f"{where}: {len(left)} children outlived their front")
        return listener

    def _reborn(self, listener, victim, played, where):
        """A child died: nobody outside notices, and there is another one."""
        sent, acked, other = played
        self.proof.require(sent == acked, f"{where}: a child died, and answers were {other}")
        alive = listener.process.poll() is None
        self.proof.require(alive, f"{where}: the front ended with its child")
        wait_until_gone([victim], 1)
        end = time.monotonic() + SETTLED_S
        while alive and not listener.children() and time.monotonic() < end:
            time.sleep(0.02)
        told = f"{where}: no other child after {SETTLED_S:.0f} s"
        self.proof.require(listener.children(), told)

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

    def _heal(self, books, listener, told, played, where):
        proof = self.proof
        sent, acked, _ = played
        settled_s = books.settle(acked)
        proof.require(settled_s is not None, f"{where}: still pending after 10 s")
        self.slowest_s = max(self.slowest_s, settled_s or 0)
        before = len(proof.violations)
        proof.compare(books, sent, acked, expected(told), check=False)
        again, answered, other = play(listener.port, told)
        said = listener.err.read_text()[-600:] if other else ""
        proof.require(again == answered, f"{where}: repeats were answered {other}; it said: {said}")
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
    given = options(
        __doc__, short=STEP, long=1, are_steps=True, process="kill only this one: 0 is the front"
    )
    proof = Proof("P1", given)
    if shutil.which("strace") is None:
        proof.require(False, "there is no strace")
        proof.done()
    if not given.bug:
        read_in()
    for postgres in ["", given.postgres] if given.postgres and not given.bug else [""]:
        sweep = Sweep(proof, given.bug, postgres)
        sweep.run(given.count, given.process)
        proof.figures["postgresql" if postgres else "sqlite"] = {
            "points": sweep.points,
            "points_missed": len(sweep.missed),
            "by_process": sweep.struck,
            "threads": sweep.threads,
            "slowest_healing_s": round(sweep.slowest_s, 2),
        }
    if not given.bug and given.process is None:
        p1_ingest.prove(proof, story, expected, given.count)
    proof.done()


if __name__ == "__main__":
    main()
