"""Many processes at the same moment: one payment a receipt, balances exact to the cent."""

import json
import os
import subprocess

import pytest

PROCESSES = 8


@pytest.fixture
def crowd(clean_environment, database_url, tmp_path, program):
    """Start one command line in many processes at once; return what each printed and its code."""
    environment = {**os.environ, "KELLY_DATABASE_URL": database_url}

    def start(*arguments_of_each):
        running = [
            program.start(
                *arguments,
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for arguments in arguments_of_each
        ]
        done = []
        for process in running:
            out, err = process.communicate(timeout=120)
            done.append((process.returncode, out, err))
        return done

    return start


def write_callbacks(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def callback(receipt, amount, reference):
    return {
        "TransID": receipt,
        "TransAmount": amount,
        "TransTime": "20260203143022",
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
    }


@pytest.mark.slow
def test_the_same_receipts_from_eight_processes_are_one_payment_each_trap_12(
    crowd, kelly, tmp_path
):
    kelly("customer", "create", "Ann", "--id", "CUST-001")
    receipts = [f"QGK{n:07d}" for n in range(500)]
    source = write_callbacks(
        tmp_path / "same.jsonl", [callback(r, "10.01", "CUST-001") for r in receipts]
    )
    done = crowd(*[("--json", "webhook", "ingest", source)] * PROCESSES)
    assert [code for code, _, _ in done] == [0] * PROCESSES, done
    results = [json.loads(out) for _, out, _ in done]
    assert sum(result["processed"] for result in results) == len(receipts)
    assert sum(result["duplicates"] for result in results) == len(receipts) * (PROCESSES - 1)
    assert kelly("customer", "show", "CUST-001", "--json").json["balance"] == "-5005.00"
    assert kelly("db", "check", "--json").json["ok"]


@pytest.mark.slow
def test_eight_processes_make_one_database(crowd, kelly):
    names = [("customer", "create", f"Customer {n}", "--json") for n in range(PROCESSES)]
    done = crowd(*names)
    assert [code for code, _, _ in done] == [0] * PROCESSES, done
    made = {json.loads(out)["customer_id"] for _, out, _ in done}
    assert made == {f"CUST-{n:03d}" for n in range(1, PROCESSES + 1)}
    assert len(kelly("customer", "list", "--json").json) == PROCESSES
    assert kelly("db", "check", "--json").json["ok"]


@pytest.mark.slow
def test_two_hundred_payments_to_one_customer_lose_no_cent(crowd, kelly, tmp_path):
    kelly("customer", "create", "Ann", "--id", "CUST-001")
    for _ in range(5):
        kelly("invoice", "create", "--customer", "CUST-001", "--amount", "1000")
    files = [
        write_callbacks(
            tmp_path / f"part{part}.jsonl",
            [callback(f"QGK{part}{n:06d}", "30.07", "CUST-001") for n in range(25)],
        )
        for part in range(PROCESSES)
    ]
    done = crowd(*[("webhook", "ingest", path) for path in files])
    assert [code for code, _, _ in done] == [0] * PROCESSES, done
    # 5 x 1000.00 owed, 200 x 30.07 = 6014.00 paid
    assert kelly("customer", "show", "CUST-001", "--json").json["balance"] == "-1014.00"
    invoices = kelly("invoice", "list", "--json").json
    assert {invoice["status"] for invoice in invoices} == {"PAID"}
    assert kelly("db", "check", "--json").json["ok"]
