"""P0: each proof must fail on the bugs that it is there for, and pass where there is none."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CATCHES = {
    "ack_before_log": ("p3_no_ack_without_flush.py", 40),
    "ledger_before_log": ("p1_crash_points.py", 1),
    "check_then_insert": ("p4_same_receipt.py", 60),
    "case_sensitive_receipt": ("p4_same_receipt.py", 30),
    "float_cents": ("p6_fuzz.py", 800),
    "synchronous_normal": ("p3_no_ack_without_flush.py", 40),
    "spool_not_flushed": ("p3_no_ack_without_flush.py", 100),
    "sweep_twice": ("p1_crash_points.py", 1),
    "failed_consumes_receipt": ("p6_fuzz.py", 800),
    "validation_credits": ("p6_fuzz.py", 800),
    "leftmost_forwarded_for": ("p14_addresses.py", 500),
    "truncated_chunked_body": ("p6_fuzz.py", 200),
    "balance_without_lock": ("p5_two_receipts.py", 150),
    "reprocess_again": ("p2_kill_under_load.py", 2),
    "rename_before_flush": ("p19_upgrade_killed.py", 40),
    "folder_not_flushed": ("p19_upgrade_killed.py", 40),
    "backup_in_place": ("p19_upgrade_killed.py", 15),
    "backup_after_upgrade": ("p19_upgrade_killed.py", 15),
    "upgrade_by_statement": ("p19_upgrade_killed.py", 5),
    "restore_keeps_nothing": ("p19_upgrade_killed.py", 15),
    "restore_in_place": ("p19_upgrade_killed.py", 15),
    "no_deadline": ("p13_slow_clients.py", 1),
    "pair_ack_before_child": ("p3_no_ack_without_flush.py", 40),
    "pair_loses_in_flight": ("p3_no_ack_without_flush.py", 40),
    "pair_keeps_in_flight_twice": ("p1_crash_points.py", 1, "--process", "1"),
    "pair_no_second_child": ("p2_kill_under_load.py", 2),
    "pair_child_outlives_front": ("p2_kill_under_load.py", 4),
    "pair_front_does_not_wait": ("p20_sigterm.py", 6),
    "pair_drain_forgets": ("p21_newborn_killed.py", 1),
}
"""Bug → the proof that catches it, how much of it is enough, and more options."""
SOUND_PAIR = {
    "p1_crash_points.py": 20,
    "p2_kill_under_load.py": 6,
    "p3_no_ack_without_flush.py": 40,
    "p20_sigterm.py": 6,
    "p21_newborn_killed.py": 2,
}
"""How much of each proof must pass on the listener of two processes that has no bug."""
OF_KELLY_ITSELF = {"p13_slow_clients.py", "p14_addresses.py", "p19_upgrade_killed.py"}
"""These plant their bugs in kelly; without one they run as they always do."""


def run(proof, bug, count, *more):
    """Run a proof against a listener with a bug; return its exit code and its line of figures."""
    words = [sys.executable, str(HERE / proof)]
    if bug == "leftmost_forwarded_for":
        bug = "leftmost"
    words += [] if bug == "none" and proof in OF_KELLY_ITSELF else ["--bug", bug]
    if proof not in {"p13_slow_clients.py", "p14_addresses.py"}:
        words += ["--count", str(count), *more]
    environ = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    ran = subprocess.run(words, capture_output=True, text=True, timeout=900, env=environ)
    try:
        return ran.returncode, json.loads(ran.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return ran.returncode, {"violations": [], "error": ran.stderr[-500:]}


def sound_ones():
    """Give the runs on listeners without a bug: at least as much as finds the bugs."""
    enough = {}
    for bug, (proof, count, *_) in CATCHES.items():
        if not bug.startswith("pair") and (HERE / proof).exists():
            enough[proof] = max(count, enough.get(proof, 0))
    yield from ((proof, "none", count) for proof, count in enough.items())
    yield from ((proof, "pair", count) for proof, count in SOUND_PAIR.items())


def main():
    caught, missed, without_proof = {}, {}, []
    for proof, bug, count in sound_ones():
        code, told = run(proof, bug, count)
        if code:
            missed[f"{bug} ({proof})"] = told
    for bug, (proof, count, *more) in CATCHES.items():
        if not (HERE / proof).exists():
            without_proof.append(bug)
            continue
        code, told = run(proof, bug, count, *more)
        if code == 1 and told["violations"]:
            caught[bug] = f"{proof}: {told['violations'][0]}"[:160]
        else:
            missed[bug] = told
    figures = {
        "proof": "P0",
        "ok": not missed and not without_proof,
        "bugs": len(CATCHES),
        "caught": len(caught),
        "by": caught,
        "missed": missed,
        "without_proof": without_proof,
    }
    print(json.dumps(figures))
    sys.exit(not figures["ok"])


if __name__ == "__main__":
    main()
