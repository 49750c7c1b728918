"""The part of P1 that kills `kelly webhook ingest`: run again, it finishes what it began."""

import json
from collections import Counter

from crash_stage import KILLED, Command, Killer, SqlitePlace, Trace, points_of
from harness import read

INVOICES = 3
WORDS = ["webhook", "ingest", "story.jsonl", "--json"]
MONEY = {
    "payments": "SELECT mpesa_receipt_number, amount_cents, allocated_cents FROM payments",
    "invoices": "SELECT invoice_id, amount_paid_cents FROM invoices",
}


def run(words, url, folder):
    """Run a command to its end; return its exit code."""
    return Command(words, url, folder).go()


def make_books(place, story):
    """Keep books with invoices, and the story beside them as one file."""
    folder, url = place.new("build")
    for number in range(INVOICES):
        customer = f"C{number}"
        run(["customer", "create", customer, "--id", customer], url, folder)
        run(["invoice", "create", "--customer", customer, "--amount", 500], url, folder)
    invoices = [row[0] for row in place.rows(folder, "SELECT invoice_id FROM invoices ORDER BY id")]
    told = [each for each in story(invoices) if each[0] == "/c2b/confirmation"]
    (folder / "story.jsonl").write_bytes(b"\n".join(body for _, body, _ in told))
    place.keep("books", folder)
    return told


def money(place, folder):
    return {name: sorted(place.rows(folder, sql)) for name, sql in MONEY.items()}


def prove(proof, story, expected, step):
    """Kill the ingest at every ``step``-th call; put the figures into the proof."""
    with SqlitePlace() as place:
        told = make_books(place, story)
        folder, url = place.fresh("books")
        command = Command(WORDS, url, folder)
        trace = Trace([command.pid], place.folder / "trace")
        command.go()
        points = points_of(trace.stop())[command.pid][::step]
        whole = money(place, folder)
        paid = {row[0]: row[1] for row in whole["payments"]}
        proof.require(paid == expected(told), f"ingest: undisturbed it makes {paid}")
        for point in points:
            if proof.violations:
                break
            judge(proof, place, told, whole, point)
    proof.figures["ingest"] = {"points": len(points)}


def judge(proof, place, told, whole, point):
    """Kill at one point; then all that was kept is true, and a second run finishes."""
    where = f"ingest, call {point}"
    folder, url = place.fresh("books")
    command = Command(WORDS, url, folder)
    killer = Killer(command.pid, point, follow=False)
    code = command.go()
    killer.stop()
    proof.require(code == KILLED, f"{where}: it ended with {code}")
    half = money(place, folder)
    proof.require(set(half["payments"]) <= set(whole["payments"]), f"{where}: {half}")
    code = run(WORDS, url, folder)
    said = json.loads((folder / "said.out").read_text() or "{}")
    proof.require(code in {0, 3} and said.get("received") == len(told), f"{where}, again: {said}")
    run(["reprocess", "--json"], url, folder)
    found = money(place, folder)
    proof.require(found == whole, f"{where}, again: {found}")
    bodies = {body for _, body, _ in told}
    good = {read(body)[1] for body in bodies if read(body)[0] == "ok"}
    logged = Counter(row[0] for row in place.rows(folder, "SELECT trans_id FROM webhook_logs"))
    proof.require(good <= set(logged), f"{where}, again: logs of {sorted(map(str, logged))}")
    code = run(["db", "check", "--json"], url, folder)
    said = (folder / "said.out").read_text()[-300:]
    proof.require(code == 0, f"{where}, check: {said}")
