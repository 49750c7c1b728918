"""How long a callback waits while a bulk ingest runs: python tests/bench/bench_wait.py [LINES].

A real listener and a real `kelly webhook ingest` on one database; one callback every 50 ms over one
connection. Prints one JSON line: seconds, from send to answer. KELLY_TEST_POSTGRES_URL, when it is
set, is measured too (its tables are left behind: use an empty database).
"""

import http.client
import json
import os
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


def measure(url, source):
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
    environ.update(PYTHONPATH=str(HERE.parent.parent), KELLY_DATABASE_URL=url)
    command = [sys.executable, "-m", "kelly_cli", "webhook"]
    listener = subprocess.Popen(
        [*command, "serve", "--port", "0", "--json"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    port = int(json.loads(listener.stdout.readline())["url"].rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    bulk = subprocess.Popen(
        [*command, "ingest", str(source)],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    waits, bodies = [], lines(1_000_000, first=50_000_000, seed=3)
    started = time.perf_counter()
    while bulk.poll() is None:
        sent = time.perf_counter()
        connection.request("POST", "/c2b/confirmation", next(bodies))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        waits.append(time.perf_counter() - sent)
        time.sleep(max(0, 0.05 - waits[-1]))
    took = time.perf_counter() - started
    listener.terminate()
    listener.communicate()
    waits.sort()
    return {
        "callbacks": len(waits),
        "p50_s": round(statistics.median(waits), 3),
        "p99_s": round(waits[int(len(waits) * 0.99)], 3),
        "max_s": round(waits[-1], 3),
        "bulk_s": round(took, 1),
    }


def main(count):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        folder = Path(name)
        source = folder / "callbacks.jsonl"
        with source.open("w") as out:
            out.writelines(f"{line}\n" for line in lines(count))
        urls = {"sqlite": f"sqlite:///{folder}/books.db"}
        if os.environ.get("KELLY_TEST_POSTGRES_URL"):
            urls["postgresql"] = os.environ["KELLY_TEST_POSTGRES_URL"]
        figures = {}
        for dialect, url in urls.items():
            seed(url)
            figures[dialect] = measure(url, source)
        print(json.dumps({"lines": count, **figures}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
