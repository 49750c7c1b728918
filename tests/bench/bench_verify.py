"""The counter's answer on a large book: python tests/bench/bench_verify.py [PAYMENTS] [ROUNDS].

`payment verify` of receipts that are free, used, of another amount and unknown, and beside it, in
turns, `kelly --version` and `python -c "import typer"`. Whole processes. Prints one JSON line.
BOOKS in the environment names ready books to ask instead of making some.
"""

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT))

from make_callbacks import lines  # noqa: E402
from seed_books import seed  # noqa: E402

PICK = (
    "SELECT mpesa_receipt_number, amount_cents FROM payments WHERE status = ? "
    "ORDER BY id LIMIT 1 OFFSET ?"
)


def timed(*arguments):
    """Run a whole process; return (seconds, seconds of processor, what it printed)."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
    environ.update(PYTHONPATH=str(ROOT))
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environ, stdout=subprocess.PIPE, text=True
    )
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, out


def make(folder, count):
    path, source = folder / "books.db", folder / "callbacks.jsonl"
    seed(f"sqlite:///{path}")
    with source.open("w") as out:
        out.writelines(f"{line}\n" for line in lines(count, days=30))
    timed("-m", "kelly_cli", "--db", str(path), "webhook", "ingest", str(source))
    source.unlink()
    return path


def questions(path):
    """What is asked, by the verdict that must come."""
    with closing(sqlite3.connect(path)) as books:
        (count,) = books.execute("SELECT count(*) FROM payments").fetchone()
        free, free_cents = books.execute(PICK, ("UNMATCHED", count // 50)).fetchone()
        used, used_cents = books.execute(PICK, ("COMPLETED", count // 2)).fetchone()
    return count, {
        "OK": (free, free_cents / 100),
        "USED": (used, used_cents / 100),
        "WRONG_AMOUNT": (free, free_cents / 100 + 1),
        "NOT_SEEN": ("UB3" + "O0I1Z2S"[::-1], 5),
    }


def main(count, rounds):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        path = os.environ.get("BOOKS") or make(Path(name), count)
        count, asked = questions(path)
        kelly = ("-m", "kelly_cli", "--db", str(path))
        seconds = {verdict: [] for verdict in asked}
        version, bare, processor = [], [], []
        for _ in range(rounds):
            version.append(timed("-m", "kelly_cli", "--version")[0])
            bare.append(timed("-c", "import typer")[0])
            for verdict, (receipt, amount) in asked.items():
                words = ("payment", "verify", receipt, "--amount", f"{amount:.2f}", "--json")
                took, busy, out = timed(*kelly, *words)
                assert json.loads(out)["verdict"] == verdict, out
                seconds[verdict].append(took)
                processor.append(busy)
        taken = [took for each in seconds.values() for took in each]
        print(
            json.dumps(
                {
                    "payments": count,
                    "rounds": rounds,
                    "verify_s": {k: round(statistics.median(v), 3) for k, v in seconds.items()},
                    "verify_best_s": round(min(taken), 3),
                    "verify_processor_s": round(statistics.median(processor), 3),
                    "of_version": round(statistics.median(taken) / statistics.median(version), 2),
                    "of_import_typer": round(statistics.median(taken) / statistics.median(bare), 2),
                }
            )
        )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 10,
    )
