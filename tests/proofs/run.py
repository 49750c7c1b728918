"""Run the proofs: one JSON line of figures for each, and one that sums them up.

    python tests/proofs/run.py ci       P3, P4, P5, P14, and P1 and P2 in their short forms
    python tests/proofs/run.py short    all of them in their short forms
    python tests/proofs/run.py long -o proofs.jsonl     all of them in their long forms: a day

It ends with 1 when a promise was broken or a proof did not come to its end. With ``-o`` the lines
go to that file too, and a proof that stands there as kept, in the same form, is not run again: so a
long run goes on where it was left. Two run at a time (``--places``), and those that measure time
alone. Where KELLY_TEST_POSTGRES_URL names a server, those that can take it do.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
POSTGRES = os.environ.get("KELLY_TEST_POSTGRES_URL", "")
ON_POSTGRES = ["--postgres", POSTGRES] if POSTGRES else []
IN_CI = (
    "p1_crash_points",
    "p2_kill_under_load",
    "p4_same_receipt",
    "p5_two_receipts",
    "p3_no_ack_without_flush",
    "p14_addresses",
)
BESIDE = (*IN_CI, "p19_upgrade_killed", "p6_fuzz", "p20_sigterm", "p0_bite")
"""Longest first: each takes the next free place."""
ALONE = ("p7_steady_load", "p8_database_away", "p9_disk_faults", "p13_slow_clients")
ALSO_ON_POSTGRES = {"p7_steady_load", "p20_sigterm"}
LONG_ON_POSTGRES = {"p1_crash_points", "p2_kill_under_load"}
"""Their short forms are on SQLite, and the long ones on both."""


def words_of(name, form):
    """Return a proof's options in one form."""
    words = ["--long"] if form == "long" and name != "p0_bite" else []
    if name in ALSO_ON_POSTGRES or (name in LONG_ON_POSTGRES and form == "long"):
        words += ON_POSTGRES
    return words


class Runner:
    """What was run, and what it said."""

    def __init__(self, form, file):
        self.form, self.file, self.lock = form, file, threading.Lock()
        self.told = {}
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                told = json.loads(line)
                if told.get("ok") and told.get("form") == form and "program" in told:
                    self.told[told["program"]] = told

    def run(self, name):
        """Run one proof, unless its line is there already."""
        if name in self.told:
            return
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, str(HERE / f"{name}.py"), *words_of(name, self.form)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(HERE.parent.parent)},
        )
        try:
            told = json.loads(ran.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            told = {"violations": [f"it came to no end: {ran.stderr[-800:]}"]}
        seconds = round(time.monotonic() - began, 1)
        kept = ran.returncode == 0 and not told.get("violations")
        told |= {"program": name, "form": self.form, "ok": kept, "seconds": seconds}
        with self.lock:
            self.told[name] = told
            self.tell(told)

    def tell(self, told):
        line = json.dumps(told)
        print(line, flush=True)
        if self.file is not None:
            with self.file.open("a") as file:
                file.write(f"{line}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("form", choices=("ci", "short", "long"))
    parser.add_argument("-o", type=Path, metavar="FILE", help="keep the lines, and go on from them")
    parser.add_argument("--places", type=int, default=2, help="how many run beside each other")
    given = parser.parse_args()
    began = time.monotonic()
    form = "long" if given.form == "long" else "short"
    runner = Runner(form, given.o)
    beside, alone = (IN_CI, ()) if given.form == "ci" else (BESIDE, ALONE)
    with ThreadPoolExecutor(given.places) as places:
        list(places.map(runner.run, beside))
    for name in alone:
        runner.run(name)
    broken = sorted(name for name in (*beside, *alone) if not runner.told[name]["ok"])
    summary = {
        "proofs": len(beside) + len(alone),
        "kept": len(beside) + len(alone) - len(broken),
        "broken": broken,
        "form": given.form,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(summary), flush=True)
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
