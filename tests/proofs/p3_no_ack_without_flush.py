"""P3: no 200 leaves before a flush that began after the request was read has returned.

The system calls of all processes of a listener are traced, in one order of time. Posts come one by
one on one connection: first with the database free, then while another program holds it, and, when
the listener has children, while they are killed again and again. A request counts from the
moment at which the front had read it from its connection, an answer from the moment at which it
began to leave on one; between them a flush of the books or the spool must have begun and returned
0, whichever process made it. While the database is held, a 503 is honest too.
"""

import contextlib
import re
import shutil
import sqlite3
import subprocess
import time

from family import attached_to, wait_until_held
from harness import Books, Client, Counter, Proof, confirmation, options

READS = ("read", "readv", "recvfrom", "recvmsg")
WRITES = ("write", "writev", "sendto", "sendmsg")
FLUSHES = ("fsync", "fdatasync")
CALLS = ",".join(READS + WRITES + FLUSHES)
LINE = re.compile(r"^(\d+) +(.*)$")
BEGUN = re.compile(r"^(\w+)\((\d+)<(.*?)>[,) ]")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>")
RESULT = re.compile(r"= (-?\d+)[^=]*$")
CONNECTION = "TCP"


class Trace:
    """strace on running processes, and on all that they start."""

    def __init__(self, family, file):
        self.file = file
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-yy", "-s", "48", "-e", "signal=none", "-o", str(file)]
            + ["-e", f"trace={CALLS}", *attached_to(family)],
            stderr=subprocess.PIPE,
            text=True,
        )
        if not wait_until_held([thread for each in family for thread in each.threads()]):
            self.process.kill()
            raise RuntimeError(f"strace did not attach: {self.process.communicate()[1]}")
        time.sleep(0.3)

    def stop(self):
        """Detach and give the lines."""
        self.process.terminate()
        self.process.communicate()
        return self.file.read_text(errors="replace").splitlines()


class Judge:
    """What a trace shows: answers of 200, those that left before their flush, and flushes."""

    def __init__(self, path):
        # The database's own files and, in a folder named after it, the spool's.
        self.books = str(path)
        self.acks = self.naked = self.flushes = 0
        self._open, self._read_at, self._is_flushed = {}, None, False

    def walk(self, lines):
        """Take the lines in the order in which the calls began or returned."""
        for number, line in enumerate(lines):
            found = LINE.match(line)
            if found:
                self._take(number, *found.groups())
        return self

    def _take(self, number, thread, text):
        begun = BEGUN.match(text)
        if begun:
            call = (begun[1], begun[3], number)
            is_out = begun[1] in WRITES and begun[3].startswith(CONNECTION)
            if is_out and "HTTP/1.1 200" in text:
                # An answer counts from the moment at which it began to leave.
                self.acks += 1
                self.naked += not self._is_flushed
            if text.endswith("<unfinished ...>"):
                self._open[thread] = call
                return
        elif RESUMED.match(text) and thread in self._open:
            call = self._open.pop(thread)
        else:
            return
        self._returned(*call, number, text)

    def _returned(self, name, file, began, number, text):
        if name in FLUSHES:
            result = RESULT.search(text)
            if result and result[1] == "0" and file.startswith(self.books):
                self.flushes += 1
                self._is_flushed |= self._read_at is not None and began > self._read_at
        elif name in READS and file.startswith(CONNECTION) and "POST /" in text:
            self._read_at, self._is_flushed = number, False


def watch(proof, name, books, listener, count, *, killing=0):
    """Post one by one under a trace, and judge it; kill the children before each Nth post."""
    client, statuses, sent, acked = Client(listener.port), Counter(), Counter(), Counter()
    family = listener.members()
    trace = Trace(family, books.folder / f"{name}.strace")
    for number in range(count):
        body = confirmation(f"P3{name[0].upper()}{number:07}")
        for child in listener.children() if killing and number % killing == 0 else ():
            child.kill()
        status = client.post(body)
        statuses[status] += 1
        sent[body] += 1
        if status == 200:
            acked[body] += 1
    found = Judge(books.path).walk(trace.stop())
    told = f"{name}: {found.naked} of {found.acks} answers of 200 before their flush"
    proof.require(found.naked == 0, told)
    seen = abs(found.acks - statuses[200]) <= 1
    proof.require(seen, f"{name}: {statuses[200]} answers of 200, {found.acks} in the trace")
    answers = {str(status): n for status, n in statuses.items()}
    proof.figures[name] = {
        "answers": answers,
        "processes": len(family),
        "flushes": found.flushes,
        "without_flush": found.naked,
    }
    return statuses, sent, acked


@contextlib.contextmanager
def held(books):
    """Hold the database as another program does."""
    with contextlib.closing(sqlite3.connect(books.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def main():
    given = options(__doc__, short=200, long=10_000)
    proof = Proof("P3", given)
    if shutil.which("strace") is None:
        proof.require(False, "there is no strace")
        proof.done()
    with Books(given.bug) as books:
        listener = books.start().wait()
        statuses, sent, acked = watch(proof, "free", books, listener, given.count)
        proof.require(statuses == {200: given.count}, f"free: answers {dict(statuses)}")
        with held(books):
            held_count = max(4, given.count // 25)
            statuses, more, kept = watch(proof, "held", books, listener, held_count)
        proof.require(set(statuses) <= {200, 503}, f"held: answers {dict(statuses)}")
        sent, acked = sent + more, acked + kept
        if listener.children():
            statuses, more, kept = watch(proof, "orphaned", books, listener, held_count, killing=2)
            proof.require(statuses == {200: held_count}, f"orphaned: answers {dict(statuses)}")
            sent, acked = sent + more, acked + kept
        proof.require(books.settle() is not None, "logs are still pending")
        deadline = time.monotonic() + 10
        while acked - books.stored() and time.monotonic() < deadline:
            time.sleep(0.2)
        proof.compare(
            books,
            sent,
            acked,
            {f"P3{part}{n:07}": 1000 for part in "FHO" for n in range(given.count)},
        )
    proof.done()


if __name__ == "__main__":
    main()
