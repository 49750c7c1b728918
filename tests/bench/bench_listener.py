"""The listener's speed as ratios: python tests/bench/bench_listener.py [SECONDS] [ROUNDS].

Needs wrk, and a C compiler for the slow flushes. Sides of ``listener_yardsticks.py`` and a real
`kelly webhook serve` take turns, each on a fresh copy of the same books, under 64 connections with
receipts of their own; figures are medians of the rounds. Then every flush is made slower: 256
connections against a program that commits one row at a time under the same flush, and one
connection alone. Prints one JSON line.
"""

import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from seed_books import seed  # noqa: E402

CONNECTIONS = 64
MANY = 256
SLOW_MS = 8
VERY_SLOW_MS = 50
LOG = (
    "INSERT INTO webhook_logs (delivery_id, kind, source, raw_payload, raw_encoding, raw_sha256, "
    "trans_id, processed, is_duplicate, attempts, created_at) "
    "VALUES (?, 'confirmation', 'file', ?, 'utf-8', ?, ?, 1, 0, 1, '2026-02-03 12:00:00.000000')"
)


class Stage:
    """A folder with books to copy and, where there is a compiler, the library of slow flushes."""

    def __init__(self, folder):
        self.folder = folder
        self.template = folder / "template.db"
        self.path = folder / "run.db"
        seed(f"sqlite:///{self.template}")
        self.shim = folder / "slow_flush.so"
        words = ["cc", "-O2", "-shared", "-fPIC", "-o", self.shim, HERE / "slow_flush.c", "-ldl"]
        subprocess.run(words, check=True)

    def fresh(self):
        """Put a fresh copy of the books in place."""
        for old in self.folder.glob("run.db*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        shutil.copy(self.template, self.path)

    def environ(self, flush_ms):
        """Return the environment of a side."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
        home = {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        environ = {**kept, **home, "PYTHONPATH": str(HERE.parent.parent)}
        if flush_ms:
            environ.update(LD_PRELOAD=str(self.shim), KELLY_FLUSH_MS=str(flush_ms))
        return environ

    @contextmanager
    def running(self, side, flush_ms=0):
        """Run one side on fresh books; give its port."""
        self.fresh()
        if side == "kelly":
            words = ["-m", "kelly_cli", "--db", str(self.path), "webhook", "serve", "--json"]
            words += ["--port", "0"]
        else:
            words = [str(HERE / "listener_yardsticks.py"), side]
            words += [str(self.path)] if side == "orm" else []
        with (
            open(self.folder / "run.err", "wb") as err,
            open(self.folder / "run.out", "wb") as out,
        ):
            process = subprocess.Popen(
                [sys.executable, *words],
                env=self.environ(flush_ms),
                cwd=self.folder,
                stdout=out,
                stderr=err,
            )
            try:
                yield self._port(process)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(15)

    def _port(self, process):
        end = time.monotonic() + 20
        while time.monotonic() < end and process.poll() is None:
            first, _, rest = (self.folder / "run.out").read_bytes().partition(b"\n")
            if first and (rest or first.strip().isdigit() or first.endswith(b"}")):
                said = json.loads(first)
                return said if isinstance(said, int) else int(said["url"].rsplit(":", 1)[1])
            time.sleep(0.05)
        raise RuntimeError((self.folder / "run.err").read_text()[-2000:])

    def load(self, port, connections, seconds, letter="A"):
        """Return what wrk saw."""
        words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
        words += ["-s", str(HERE / "load.lua"), f"http://127.0.0.1:{port}", "--", letter]
        ran = subprocess.run(words, check=True, capture_output=True, text=True)
        return json.loads(ran.stdout.strip().splitlines()[-1])

    def turn(self, side, connections, seconds, flush_ms=0):
        """Load one side, make sure that what it acknowledged is there, and return what was seen."""
        with self.running(side, flush_ms) as port:
            self.load(port, connections, 1, "W")
            seen = self.load(port, connections, seconds)
        assert seen["failed"] == 0, (side, seen)
        if side != "front":
            with closing(sqlite3.connect(self.path)) as books:
                count = books.execute(
                    "SELECT count(*) FROM payments WHERE mpesa_receipt_number LIKE 'UB3A%'"
                ).fetchone()[0]
            assert count >= seen["answers"], (side, seen, count)
        seen["per_s"] = seen["answers"] / seen["seconds"]
        return seen

    def one_row_limit(self, flush_ms, seconds):
        """Return the commits per second of a bare program that logs one row in each."""
        self.fresh()
        words = [sys.executable, __file__, "--limit", str(self.path), str(seconds)]
        ran = subprocess.run(
            words, env=self.environ(flush_ms), check=True, capture_output=True, text=True
        )
        return json.loads(ran.stdout)


def limit(path, seconds):
    """Commit log after log, each alone, and print how many a second."""
    with closing(sqlite3.connect(path, isolation_level=None)) as books:
        books.execute("PRAGMA journal_mode=WAL")
        books.execute("PRAGMA synchronous=FULL")
        payload, number = "{}".ljust(330), 0
        start = time.perf_counter()
        while (took := time.perf_counter() - start) < seconds:
            number += 1
            books.execute("BEGIN IMMEDIATE")
            books.execute(LOG, (f"l{number}", payload, bytes(32), f"L{number}"))
            books.execute("COMMIT")
    print(number / took)


def side_by_side(stage, seconds, rounds):
    """Let the three sides take turns; return medians of the rounds' ratios."""
    seen = {"front": [], "kelly": [], "orm": []}
    for _ in range(rounds):
        for side, turns in seen.items():
            turns.append(stage.turn(side, CONNECTIONS, seconds))

    def middle(side, what):
        return statistics.median(each[what] for each in seen[side])

    def ratio(what, over, under):
        pairs = zip(seen[over], seen[under], strict=True)
        return [each[what] / other[what] for each, other in pairs]

    of_front = ratio("per_s", "kelly", "front")
    return {
        "kelly_per_s": round(middle("kelly", "per_s")),
        "front_per_s": round(middle("front", "per_s")),
        "orm_per_s": round(middle("orm", "per_s")),
        "times_orm": round(statistics.median(ratio("per_s", "kelly", "orm")), 1),
        "of_front": round(statistics.median(of_front), 3),
        "of_front_min_max": [round(min(of_front), 3), round(max(of_front), 3)],
        "p99_ms": {side: round(middle(side, "p99_ms"), 2) for side in seen},
        "p99_of_orm": round(statistics.median(ratio("p99_ms", "kelly", "orm")), 3),
    }


def slow(stage, seconds, rounds):
    """Measure under slow flushes."""
    times, rates, limits = [], [], []
    for _ in range(rounds):
        limits.append(stage.one_row_limit(SLOW_MS, seconds))
        rates.append(stage.turn("kelly", MANY, seconds, SLOW_MS)["per_s"])
        times.append(rates[-1] / limits[-1])
    alone = stage.turn("kelly", 1, seconds, VERY_SLOW_MS)
    return {
        "slow_kelly_per_s": round(statistics.median(rates)),
        "slow_limit_per_s": round(statistics.median(limits), 1),
        "times_one_row_limit": round(statistics.median(times), 1),
        "alone_fastest_ms": round(alone["min_ms"], 2),
        "alone_p50_ms": round(alone["p50_ms"], 2),
        "alone_flushes": round(alone["p50_ms"] / VERY_SLOW_MS, 3),
    }


def main(seconds, rounds):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        stage = Stage(Path(name))
        figures = {"connections": CONNECTIONS, "rounds": rounds}
        figures.update(side_by_side(stage, seconds, rounds))
        figures.update(slow(stage, seconds, rounds))
        print(json.dumps(figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--limit"]:
        limit(sys.argv[2], float(sys.argv[3]))
    else:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 4,
            int(sys.argv[2]) if len(sys.argv) > 2 else 5,
        )
