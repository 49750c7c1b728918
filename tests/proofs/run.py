"""Run the proofs: one JSON line of figures for each, and one that sums them up.

    python tests/proofs/run.py ci       P3, P4, P5, P14, and P1 and P2 in their short forms
    python tests/proofs/run.py short    all of them in their short forms
    python tests/proofs/run.py long -o proofs.jsonl     all of them in their long forms: a day
    python tests/proofs/run.py long --minutes 90 -o proofs.jsonl    as much of that as fits

It ends with 1 when a promise was broken or a proof did not come to its end. With ``-o`` the lines
go to that file too, and a proof that stands there as kept, in the same form, is not run again: so a
long run goes on where it was left. Two run at a time (``--places``), and those that measure time
alone. Where KELLY_TEST_POSTGRES_URL names a server, those that can take it do.

With ``--minutes`` all proofs are run at a hundredth of their long form, then at a thirtieth, and so
on up to the whole, each time with another seed. Nothing is begun that would, by what it took the
time before, go beyond the minutes; what is under way comes to its end. Each line names its
fraction, and the last line the greatest one of each proof.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import repeat
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
BESIDE = (*IN_CI, "p19_upgrade_killed", "p6_fuzz", "p20_sigterm", "p21_newborn_killed", "p0_bite")
"""Longest first: each takes the next free place."""
ALONE = ("p7_steady_load", "p8_database_away", "p9_disk_faults", "p13_slow_clients")
ALSO_ON_POSTGRES = {"p7_steady_load", "p20_sigterm"}
LONG_ON_POSTGRES = {"p1_crash_points", "p2_kill_under_load", "p21_newborn_killed"}
"""Their short forms are on SQLite, and the long ones on both."""
FRACTIONS = ("1/100", "1/30", "1/10", "1/3", "1")
"""Of a long form, one after the other, while there is time."""
ONE_FORM = {"p0_bite"}
SEED = 20260203


def words_of(name, form, fraction):
    """Return a proof's options in one form, or a fraction of it."""
    words = ["--long"] if form == "long" and name not in ONE_FORM else []
    if words and fraction != "1":
        seed = SEED + 1 + FRACTIONS.index(fraction)
        words += ["--fraction", fraction, "--seed", str(seed)]
    if name in ALSO_ON_POSTGRES or (name in LONG_ON_POSTGRES and form == "long"):
        words += ON_POSTGRES
    return words


class Runner:
    """What was run, and what it said. ``end_s``: when nothing more is begun; None = never."""

    def __init__(self, form, file, end_s=None):
        self.form, self.file, self.end_s, self.lock = form, file, end_s, threading.Lock()
        self.told = {}
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                told = json.loads(line)
                if told.get("ok") and told.get("form") == form and "program" in told:
                    self.told[told["program"], told.get("fraction", "1")] = told

    def lines_of(self, name):
        """Return what a proof has said, the smallest fraction first."""
        return [self.told[name, each] for each in FRACTIONS if (name, each) in self.told]

    def fits(self, name, fraction):
        """Tell whether a proof would come to its end in time, by what it took the time before."""
        if self.end_s is None:
            return True
        before = self.lines_of(name)
        times = Fraction(fraction) / Fraction(before[-1].get("fraction", "1")) if before else 1
        needed_s = before[-1]["seconds"] * float(times) if before else 0
        return time.monotonic() + needed_s < self.end_s

    def run(self, name, fraction):
        """Run one proof, unless its line is there already, it broke before, or time is short."""
        fraction = "1" if name in ONE_FORM else fraction
        lines = self.lines_of(name)
        if (name, fraction) in self.told or not all(line["ok"] for line in lines):
            return
        if not self.fits(name, fraction):
            return
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, str(HERE / f"{name}.py"), *words_of(name, self.form, fraction)],
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
        told |= {"program": name, "form": self.form, "fraction": fraction}
        told |= {"ok": kept, "seconds": seconds}
        with self.lock:
            self.told[name, fraction] = told
            self.tell(told)

    def tell(self, told):
        line = json.dumps(told)
        print(line, flush=True)
        if self.file is not None:
            with self.file.open("a") as file:
                file.write(f"{line}\n")


def run_all(runner, beside, alone, places, fractions):
    """Run all proofs, at one fraction after the other."""
    for fraction in fractions:
        with ThreadPoolExecutor(places) as pool:
            list(pool.map(runner.run, beside, repeat(fraction)))
        for name in alone:
            runner.run(name, fraction)


def sum_up(runner, names):
    """Return the last line: what was kept, what broke, and how much of each proof was run."""
    lines = {name: runner.lines_of(name) for name in names}
    broken = sorted(name for name in names if not all(line["ok"] for line in lines[name]))
    never = sorted(name for name in names if not lines[name])
    told = {"proofs": len(names), "kept": len(names) - len(broken) - len(never), "broken": broken}
    if runner.end_s is not None:
        fractions = {
            name: [each["fraction"] for each in lines[name] if each["ok"]] for name in names
        }
        told["fractions"] = {name: each[-1] if each else "0" for name, each in fractions.items()}
        told["seconds_of_all"] = round(sum(each["seconds"] for n in names for each in lines[n]), 1)
    return told | ({"never_run": never} if never else {})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("form", choices=("ci", "short", "long"))
    parser.add_argument("-o", type=Path, metavar="FILE", help="keep the lines, and go on from them")
    parser.add_argument("--places", type=int, default=2, help="how many run beside each other")
    parser.add_argument("--minutes", type=float, help="as much of the long form as fits")
    given = parser.parse_args()
    if given.minutes and given.form != "long":
        parser.error("--minutes is about the long form")
    began = time.monotonic()
    form = "long" if given.form == "long" else "short"
    runner = Runner(form, given.o, began + given.minutes * 60 if given.minutes else None)
    beside, alone = (IN_CI, ()) if given.form == "ci" else (BESIDE, ALONE)
    run_all(runner, beside, alone, given.places, FRACTIONS if given.minutes else ("1",))
    summary = sum_up(runner, (*beside, *alone))
    summary |= {"form": given.form, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(summary), flush=True)
    sys.exit(bool(summary["broken"]))


if __name__ == "__main__":
    main()
