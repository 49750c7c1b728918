"""P8: the database is locked, or its server restarts at once, under load: every answer is 200.

SQLite is held by another program; PostgreSQL, in a cluster of this proof's own, is restarted as
after a crash (``-m immediate``) and then stopped for a while. No answer takes longer than 5 s, no
body is lost or booked twice, and the spool is empty within 10 s of the database's return.
"""

import contextlib
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from harness import Books, Client, Counter, Proof, confirmation, options

RATE = 50
CLIENTS = 8
MOST_ANSWER_S = 5.0
MOST_DRAIN_S = 10.0


class Load:
    """Clients that post at a fixed rate, whatever the answers take."""

    def __init__(self, port, seed):
        self.port, self.seed, self.over = port, seed, threading.Event()
        self.statuses, self.sent, self.acked = Counter(), Counter(), Counter()
        self.longest_s, self.amounts, self.lock = 0.0, {}, threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _run(self, place):
        client, number, due_s = Client(self.port), 0, time.monotonic()
        while not self.over.is_set():
            number += 1
            receipt = f"QK{place}{self.seed % 1000:03}{number - number % 4 // 3:06}"
            body = confirmation(receipt, "12.34", "C0")
            began_s = time.monotonic()
            status = client.post(body)
            took_s = time.monotonic() - began_s
            with self.lock:
                self.statuses[status] += 1
                self.sent[body] += 1
                self.amounts[receipt] = 1234
                self.longest_s = max(self.longest_s, took_s)
                if status == 200:
                    self.acked[body] += 1
            due_s += CLIENTS / RATE
            self.over.wait(max(due_s - time.monotonic(), 0))
        client.close()


def judge(proof, name, books, load, back_s):
    """Wait until all is drained, and hold the views against each other."""
    while load.acked - books.stored() and time.monotonic() - back_s < MOST_DRAIN_S:
        time.sleep(0.1)
    drained_s = time.monotonic() - back_s
    proof.require(drained_s < MOST_DRAIN_S, f"{name}: not drained after {drained_s:.1f} s")
    proof.require(books.settle() is not None, f"{name}: logs are still pending")
    proof.require(set(load.statuses) == {200}, f"{name}: answers {dict(load.statuses)}")
    proof.require(load.longest_s < MOST_ANSWER_S, f"{name}: an answer took {load.longest_s:.1f} s")
    proof.compare(books, load.sent, load.acked, load.amounts)
    doubled = books.rows("SELECT count(*) - count(DISTINCT delivery_id) FROM webhook_logs")[0][0]
    proof.require(not doubled, f"{name}: {doubled} deliveries are logged twice")
    proof.require(books.stored() == load.sent, f"{name}: the logs hold other bodies than were sent")
    proof.figures[name] = {
        "posts": sum(load.statuses.values()),
        "not_200": sum(n for status, n in load.statuses.items() if status != 200),
        "longest_answer_s": round(load.longest_s, 2),
        "drained_s": round(drained_s, 2),
    }


def locked(proof, books, away_s):
    """Hold the SQLite file as another program does."""
    port = books.start().wait().port
    with Load(port, proof.given.seed) as load:
        time.sleep(1)
        with contextlib.closing(sqlite3.connect(books.path, isolation_level=None)) as other:
            other.execute("PRAGMA busy_timeout=10000")
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(away_s)
            other.execute("ROLLBACK")
    judge(proof, "sqlite_locked", books, load, time.monotonic())


class Cluster:
    """A PostgreSQL server of this proof's own, run as postgres when this is root."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="kelly-p8-"))
        self.data = self.folder / "data"
        self.user = {}
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            os.chown(self.folder, postgres.pw_uid, postgres.pw_gid)
            self.user = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self):
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync")
        self.control("start")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.control("stop", "-m", "immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def control(self, *words):
        """Start, stop or restart it, and wait for that."""
        more = ["-o", f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"]
        more = [] if words[0] == "stop" else more
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", *more, *words)

    def _run(self, program, *words):
        found = shutil.which(program) or max(
            map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
        )
        subprocess.run(
            [found, *map(str, words)],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self.user,
        )


def restarted(proof, cluster, books, restarts, away_s):
    """Restart the server as after a crash, again and again, then stop it for a while."""
    port = books.start(XDG_DATA_HOME=str(books.folder / "data")).wait().port
    with Load(port, proof.given.seed) as load:
        time.sleep(1)
        for _ in range(restarts):
            cluster.control("restart", "-m", "immediate")
            time.sleep(1 + 2 * proof.chance.random())
        cluster.control("stop", "-m", "immediate")
        time.sleep(away_s)
        cluster.control("start")
    judge(proof, "postgresql_restarted", books, load, time.monotonic())


def main():
    given = options(__doc__, short=15, long=600)
    proof = Proof("P8", given)
    with Books(given.bug) as books:
        locked(proof, books, given.count)
    if not given.bug:
        with Cluster() as cluster, Books(postgres=cluster.url) as books:
            restarts = max(given.count * 50 // 600, 1) if given.long else 2
            restarted(proof, cluster, books, restarts, min(given.count, 60) / 3)
    proof.done()


if __name__ == "__main__":
    main()
