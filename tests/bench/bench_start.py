"""Start-up against the imports alone, in one run: python tests/bench/bench_start.py [ROUNDS].

Whole processes, taking turns; medians of ratios. Prints one JSON line.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def timed(*arguments):
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    environ.update(PYTHONPATH=str(ROOT))
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environ, check=True, capture_output=True)
    return time.perf_counter() - start


def main(rounds):
    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/books.db"
        kelly = ("-m", "kelly_cli", "--db", database)
        timed(*kelly, "customer", "create", "Ann")
        timed(*kelly, "invoice", "create", "--customer", "CUST-001", "--amount", "5")
        pairs = {
            "help_to_typer": ((*kelly, "--help"), ("-c", "import typer")),
            "invoice_list_to_imports": (
                (*kelly, "invoice", "list"),
                ("-c", "import typer, rich, sqlmodel"),
            ),
        }
        ratios = {name: [] for name in pairs}
        for _ in range(rounds):
            for name, (ours, base) in pairs.items():
                ratios[name].append(timed(*ours) / timed(*base))
        medians = {name: round(statistics.median(each), 2) for name, each in ratios.items()}
        print(json.dumps(medians))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
