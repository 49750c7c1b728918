"""What a large book costs, in one run: python tests/bench/bench_size.py [PAYMENTS] [ROUNDS].

Ingest of 50,000 new callbacks into books with PAYMENTS payments against the same into empty books;
`report daily` on the large books against books with 10,000; peak memory of 1,000 lines and of all.
Whole processes, taking turns; medians of ratios. Prints one JSON line.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from make_callbacks import lines  # noqa: E402
from seed_books import seed  # noqa: E402

NEW = 50_000


def write(path, count, *, first=0, seed_of=1):
    with path.open("w") as out:
        out.writelines(f"{line}\n" for line in lines(count, first=first, seed=seed_of, days=30))
    return path


def kelly(database, *arguments):
    """Run kelly; return (seconds, peak MB)."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
    environ.update(PYTHONPATH=str(HERE.parent.parent))
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "kelly_cli", "--db", str(database), *arguments],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def books(folder, name, source=None):
    path = folder / f"{name}.db"
    seed(f"sqlite:///{path}")
    peak = kelly(path, "webhook", "ingest", str(source))[1] if source else 0
    return path, peak


def ingest_new(folder, template, new):
    for old in folder.glob("run.db*"):
        old.unlink()
    run = folder / "run.db"
    shutil.copy(template, run)
    return kelly(run, "webhook", "ingest", str(new))[0]


def main(count, rounds):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        folder = Path(name)
        large, peak_large = books(folder, "large", write(folder / "large.jsonl", count))
        small, _ = books(folder, "small", write(folder / "small.jsonl", 10_000))
        _, peak_small = books(folder, "tiny", write(folder / "tiny.jsonl", 1000))
        empty, _ = books(folder, "empty")
        new = write(folder / "new.jsonl", NEW, first=10_000_000, seed_of=2)
        slower, report, startup = [], [], []
        for _ in range(rounds):
            slower.append(ingest_new(folder, empty, new) / ingest_new(folder, large, new))
            asked = ("report", "daily", "--date", "2026-02-10", "--json")
            report.append(kelly(large, *asked)[0] / kelly(small, *asked)[0])
            startup.append(kelly(large, *asked)[0])
        print(
            json.dumps(
                {
                    "payments": count,
                    "rounds": rounds,
                    "ingest_rate_large_to_empty": round(statistics.median(slower), 2),
                    "report_time_large_to_10000": round(statistics.median(report), 2),
                    "report_large_s": round(statistics.median(startup), 2),
                    "peak_mb_1000_lines": round(peak_small),
                    "peak_mb_all_lines": round(peak_large),
                }
            )
        )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 3,
    )
