"""P21: killed while it starts and takes over the spool, a child is replaced; nothing is lost.

    python tests/proofs/p21_newborn_killed.py            every third point, on SQLite
    python tests/proofs/p21_newborn_killed.py --long --postgres URL

A listener's child is killed at rest, and P1's story is posted while there is none: all of it is
answered 200, from the spool. The child that comes next, a fresh interpreter, is killed by strace at
one of the calls of its first thread, from the first word that it reads to the last call of its
drain. The one after it must put the rest into the books, within ten seconds, and the books must be
those of a story that nobody disturbed, also after the whole story came once more.
"""

import shutil
import sys
import time

from crash_stage import CALLS, Child, points_of, read_in
from family import wait_until_gone
from harness import SETTLED_S, Books, Proof, options
from p1_crash_points import STEP, Sweep, play, story

AT_ITS_START = f"{CALLS},recvfrom,flock"
WRAPPER = """#!/bin/sh
# Starts the interpreter of a child; the one whose turn it is runs under strace.
starts=$(cat "{folder}/starts" 2>/dev/null || echo 0)
echo $((starts + 1)) > "{folder}/starts"
[ "$starts" != "{turn}" ] || exec strace -D -qq -e signal=none {options} "{python}" "$@"
exec "{python}" "$@"
"""


class Newborns(Sweep):
    """The points of the child that comes after the first one, on one database."""

    def under_strace(self, books, options):
        """Return the environment of a listener whose next child starts under strace."""
        wrapper = books.folder / "python"
        # The first child of kelly's is forked, and starts no interpreter.
        turn = 1 if self.bug else 0
        wrapper.write_text(
            WRAPPER.format(folder=books.folder, turn=turn, options=options, python=sys.executable)
        )
        wrapper.chmod(0o700)
        return {"PROOF_CHILD_PYTHON": str(wrapper)}

    def starts(self, books):
        """Return how many children got an interpreter of their own."""
        said = books.folder / "starts"
        return (int(said.read_text() or 0) if said.exists() else 0) - (1 if self.bug else 0)

    def orphaned(self, books, options):
        """Post the story to a listener whose child was killed; return what was seen."""
        listener = books.start(**self.under_strace(books, options)).wait()
        first = listener.children()
        for child in first:
            child.kill()
        wait_until_gone(first, 1)
        return listener, play(listener.port, story(self.invoices))

    def points_at_start(self):
        """Return the calls of a newborn that nobody kills."""
        with Books(self.bug, self.postgres, Child) as books:
            self._prepare(books)
            file = books.folder / "trace"
            listener, played = self.orphaned(books, f"-f -e trace={AT_ITS_START} -o {file}")
            self.proof.require(books.settle(played[1]) is not None, "a newborn drains nothing")
            lines = file.read_text(errors="replace").splitlines()
            self.proof.require(listener.stop() == 0, "it does not end in order")
        by_thread = points_of(lines)
        return by_thread[min(by_thread)]

    def run(self, step):
        """Try every ``step``-th call."""
        known = self.points_at_start()
        for point in known[::step]:
            if self.proof.violations:
                return
            if self.strike(point):
                self.points += 1
            else:
                self.missed.append(point)
        missed = len(self.missed)
        told = f"{missed} of {self.points + missed} points were not met: {self.missed[:10]}"
        self.proof.require(missed <= self.points // 4, told)

    def strike(self, point):
        """Kill the newborn at one point, heal, and judge; tell whether the point was met."""
        kind, number = point
        with Books(self.bug, self.postgres, Child) as books:
            self._prepare(books)
            inject = f"inject={kind}:signal=SIGKILL:when={number}"
            listener, played = self.orphaned(books, f"-o /dev/null -e trace={kind} -e {inject}")
            where = f"newborn, call {point}"
            sent, acked, other = played
            self.proof.require(sent == acked, f"{where}: no child, and answers were {other}")
            if not self._is_replaced(books):
                return False
            alive = listener.process.poll() is None
            self.proof.require(alive, f"{where}: the front ended with its child")
            self._heal(books, listener, story(self.invoices), played, where)
            return True

    def _is_replaced(self, books):
        """Wait until another child was started after the newborn; False = that one lived."""
        end = time.monotonic() + SETTLED_S / 2
        while self.starts(books) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        return self.starts(books) >= 2


def main():
    given = options(__doc__, short=STEP, long=1, are_steps=True)
    proof = Proof("P21", given)
    if shutil.which("strace") is None:
        proof.require(False, "there is no strace")
        proof.done()
    if not given.bug:
        read_in()
    for postgres in ["", given.postgres] if given.postgres and not given.bug else [""]:
        newborns = Newborns(proof, given.bug, postgres)
        newborns.run(given.count)
        proof.figures["postgresql" if postgres else "sqlite"] = {
            "points": newborns.points,
            "points_missed": len(newborns.missed),
            "slowest_healing_s": round(newborns.slowest_s, 2),
        }
    proof.done()


if __name__ == "__main__":
    main()
